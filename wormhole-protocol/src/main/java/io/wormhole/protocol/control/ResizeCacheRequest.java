package io.wormhole.protocol.control;

/**
 * Asks the daemon for another bound of its disk cache, at once.
 *
 * @param bytes of the disk that it may take
 */
public record ResizeCacheRequest(long bytes) {}
