/** The kernel's side: an inode-level file system and what mounts it. */
@NullMarked
package io.wormhole.daemon.fuse;

import org.jspecify.annotations.NullMarked;
