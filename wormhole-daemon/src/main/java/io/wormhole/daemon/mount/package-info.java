/** A share of another machine as an inode-level file system. */
@NullMarked
package io.wormhole.daemon.mount;

import org.jspecify.annotations.NullMarked;
