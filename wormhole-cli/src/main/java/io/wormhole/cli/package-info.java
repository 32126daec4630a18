/** The commands a person types. */
@NullMarked
package io.wormhole.cli;

import org.jspecify.annotations.NullMarked;
