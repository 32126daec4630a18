/** FUSE through jnr-fuse and libfuse2's path callbacks: the portable backend. */
@NullMarked
package io.wormhole.daemon.fuse.jnr;

import org.jspecify.annotations.NullMarked;
