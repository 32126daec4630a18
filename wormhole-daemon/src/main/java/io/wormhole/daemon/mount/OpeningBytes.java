package io.wormhole.daemon.mount;

import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.hash.ChunkHash;
import io.wormhole.protocol.wire.WireException;
import io.wormhole.protocol.wire.message.FirstBytes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The beginning of a file, which came with the answer to its open, so that the first read asks
 * nobody. Off the heap; the memory goes when nothing refers to it. Any thread.
 */
final class OpeningBytes {
  private static final byte[] NO_GROUPS = {};

  private final VersionToken version;
  private final MemorySegment bytes;
  private final byte[] hash;

  /**
   * @param version of the attributes the bytes came with
   * @param expected how many bytes should have come
   * @throws WireException if it is any other number
   */
  OpeningBytes(VersionToken version, FirstBytes sent, long expected) throws WireException {
    if (sent.getData().size() != expected) {
      throw new WireException(
          "%d first bytes instead of %d".formatted(sent.getData().size(), expected));
    }
    this.version = version;
    this.bytes = Arena.ofAuto().allocate(sent.getData().size());
    this.bytes.asByteBuffer().put(sent.getData().asReadOnlyByteBuffer());
    this.hash = sent.getHash().toByteArray();
  }

  /** Whether a range of a version lies in it. */
  boolean cover(VersionToken wanted, long offset, long length) {
    return version.equals(wanted) && offset + length <= bytes.byteSize();
  }

  /** Whether a file of so many bytes has no others. */
  boolean isWhole(long fileBytes) {
    return bytes.byteSize() == fileBytes;
  }

  /** Not changed any more; they are what {@link #hash} says only after {@link #copy}. */
  MemorySegment bytes() {
    return bytes;
  }

  ChunkHash hash() {
    return ChunkHash.of(hash);
  }

  /**
   * Copies a range that it covers.
   *
   * @throws WireException if the bytes are not those the host hashed
   */
  void copy(long offset, MemorySegment destination, Blake3 blake3) throws WireException {
    if (!blake3.verify(bytes, hash, NO_GROUPS).isIntact()) {
      throw new WireException("bytes that do not match their hash");
    }
    MemorySegment.copy(bytes, offset, destination, 0, destination.byteSize());
  }
}
