/** The composition root: nothing else makes services. */
@NullMarked
package io.wormhole.daemon;

import org.jspecify.annotations.NullMarked;
