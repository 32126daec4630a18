package io.wormhole.cache;

/**
 * Bytes of a chunk that came by themselves, with a hash of their own.
 *
 * @param offset of the first one in the chunk
 * @param arrival what came; its hash is that of these bytes as an input of their own
 */
public record Part(int offset, Arrival arrival) {
  int end() {
    return offset + arrival.length();
  }
}
