package io.wormhole.daemon.fuse;

/** What statfs answers; counts are of {@code blockSize} bytes. */
public record FileSystemFigures(
    int blockSize,
    long blocks,
    long blocksFree,
    long blocksAvailable,
    long files,
    long filesFree,
    int nameMax) {}
