/** The kernel's FUSE protocol spoken over /dev/fuse. */
@NullMarked
package io.wormhole.daemon.fuse.device;

import org.jspecify.annotations.NullMarked;
