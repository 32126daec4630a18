package io.wormhole.daemon.fuse;

import java.time.Duration;

/**
 * A name's inode, as an answer to a lookup. Giving one out counts as one lookup of the node, which
 * the kernel gives back with {@link KernelFileSystem#forget}.
 *
 * @param node what the kernel calls the inode from here on; never 0, {@link KernelFileSystem#ROOT}
 *     for the root
 * @param generation differs when a node id is used again
 * @param validFor how long the kernel may keep the name
 */
public record Entry(long node, long generation, Attr attr, Duration validFor) {}
