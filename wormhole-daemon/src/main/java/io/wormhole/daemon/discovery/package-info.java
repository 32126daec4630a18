/** How a code becomes addresses. */
@NullMarked
package io.wormhole.daemon.discovery;

import org.jspecify.annotations.NullMarked;
