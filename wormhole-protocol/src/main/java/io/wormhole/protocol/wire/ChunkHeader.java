package io.wormhole.protocol.wire;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * The head of a chunk frame's payload, big-endian: request id (8), bytes of data (4), number of
 * group chaining values (1), flags (1), reserved (2, zero), BLAKE3 hash of the data (32), then the
 * chaining values (32 each). The data follows.
 *
 * <p>Data of one group or none has no chaining values: its hash is the check.
 *
 * @param requestId the request this answers
 * @param dataBytes 0 to {@link Limits#CHUNK_BYTES}
 * @param young the version read is too young to be kept on a disk
 * @param hash 32 bytes, owned by this record
 * @param chainingValues 32 bytes for each group, owned by this record
 */
@SuppressWarnings("ArrayRecordComponent")
public record ChunkHeader(
    long requestId, int dataBytes, boolean young, byte[] hash, byte[] chainingValues) {
  /** Bytes up to and including the hash. */
  public static final int BYTES = 48;

  /** Bytes of a hash and of a chaining value. */
  public static final int HASH_BYTES = 32;

  private static final int FLAG_YOUNG = 1;

  public ChunkHeader {
    if (dataBytes < 0
        || dataBytes > Limits.CHUNK_BYTES
        || hash.length != HASH_BYTES
        || chainingValues.length != HASH_BYTES * groupsOf(dataBytes)) {
      throw new IllegalArgumentException("chunk header out of range");
    }
  }

  /** How many chaining values stand before so many bytes: none up to one group. */
  public static int groupsOf(int dataBytes) {
    return dataBytes <= Limits.GROUP_BYTES
        ? 0
        : (dataBytes + Limits.GROUP_BYTES - 1) / Limits.GROUP_BYTES;
  }

  /** The same head as the answer to a request; the arrays are shared. */
  public ChunkHeader answering(long request) {
    return new ChunkHeader(request, dataBytes, young, hash, chainingValues);
  }

  /** Bytes of this header with its chaining values, without the data. */
  public int headBytes() {
    return BYTES + chainingValues.length;
  }

  /** Bytes of the frame's payload. */
  public int payloadBytes() {
    return headBytes() + dataBytes;
  }

  /** Writes {@link #headBytes} bytes at the buffer's position. */
  public void write(ByteBuffer target) {
    target
        .putLong(requestId)
        .putInt(dataBytes)
        .put((byte) groupsOf(dataBytes))
        .put((byte) (young ? FLAG_YOUNG : 0))
        .putShort((short) 0)
        .put(hash)
        .put(chainingValues);
  }

  /**
   * The bytes of the whole head, told from its first {@link #BYTES}.
   *
   * @param fixed at least 48 bytes from its position on, which does not move
   * @param payloadBytes what the frame header said
   * @throws WireException if the counts contradict each other or a limit
   */
  public static int headBytes(ByteBuffer fixed, int payloadBytes) throws WireException {
    int at = fixed.position();
    int data = fixed.getInt(at + 8);
    int groups = Byte.toUnsignedInt(fixed.get(at + 12));
    int flags = Byte.toUnsignedInt(fixed.get(at + 13));
    int reserved = Short.toUnsignedInt(fixed.getShort(at + 14));
    if (data < 0 || data > Limits.CHUNK_BYTES || groups != groupsOf(data)) {
      throw new WireException("chunk of %d bytes in %d groups".formatted(data, groups));
    }
    if ((flags & ~FLAG_YOUNG) != 0 || reserved != 0) {
      throw new WireException("chunk header with bits this version does not know");
    }
    int head = BYTES + groups * HASH_BYTES;
    if (head + data != payloadBytes) {
      throw new WireException("chunk of %d bytes in a frame of %d".formatted(data, payloadBytes));
    }
    return head;
  }

  /**
   * Reads a head whose length {@link #headBytes(ByteBuffer, int)} has checked.
   *
   * @param source at least that many bytes from its position on
   */
  public static ChunkHeader read(ByteBuffer source) {
    long id = source.getLong();
    int data = source.getInt();
    int groups = Byte.toUnsignedInt(source.get());
    boolean young = (source.get() & FLAG_YOUNG) != 0;
    source.getShort();
    byte[] hash = new byte[HASH_BYTES];
    source.get(hash);
    byte[] values = new byte[groups * HASH_BYTES];
    source.get(values);
    return new ChunkHeader(id, data, young, hash, values);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ChunkHeader that
        && requestId == that.requestId
        && dataBytes == that.dataBytes
        && young == that.young
        && Arrays.equals(hash, that.hash)
        && Arrays.equals(chainingValues, that.chainingValues);
  }

  @Override
  public int hashCode() {
    return Long.hashCode(requestId) * 31 + Arrays.hashCode(hash);
  }
}
