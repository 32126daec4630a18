/** The control socket and what is asked over it. */
@NullMarked
package io.wormhole.daemon.control;

import org.jspecify.annotations.NullMarked;
