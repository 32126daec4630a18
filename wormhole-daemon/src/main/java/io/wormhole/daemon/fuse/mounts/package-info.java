/**
 * What every backend needs around a mount on Linux: the C library's calls, the table of mounts,
 * checks of a mount point, unmounting, dead mounts.
 */
@NullMarked
package io.wormhole.daemon.fuse.mounts;

import org.jspecify.annotations.NullMarked;
