package io.wormhole.daemon.fuse.jnr;

/**
 * What an open of the kernel's stands for.
 *
 * @param place its inode, held until the handle is released
 * @param handle the file system's
 */
record OpenFile(Place place, long handle) {}
