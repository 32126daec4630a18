package io.wormhole.protocol.hash;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.HexFormat;

/** BLAKE3 of a chunk: 32 bytes, a value. Equal bytes have equal hashes wherever they stand. */
public final class ChunkHash {
  /** Bytes of a hash, and of a chaining value. */
  public static final int BYTES = 32;

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

  private final long first;
  private final long second;
  private final long third;
  private final long fourth;

  private ChunkHash(byte[] bytes) {
    first = (long) LONGS.get(bytes, 0);
    second = (long) LONGS.get(bytes, Long.BYTES);
    third = (long) LONGS.get(bytes, 2 * Long.BYTES);
    fourth = (long) LONGS.get(bytes, 3 * Long.BYTES);
  }

  /**
   * A copy of 32 bytes.
   *
   * @throws IllegalArgumentException for any other length
   */
  public static ChunkHash of(byte[] bytes) {
    if (bytes.length != BYTES) {
      throw new IllegalArgumentException("hash of " + bytes.length + " bytes");
    }
    return new ChunkHash(bytes);
  }

  /** Reads what {@link #toString} wrote. */
  public static ChunkHash parse(String hex) {
    return of(HexFormat.of().parseHex(hex));
  }

  /** A copy of the 32 bytes. */
  public byte[] bytes() {
    byte[] bytes = new byte[BYTES];
    LONGS.set(bytes, 0, first);
    LONGS.set(bytes, Long.BYTES, second);
    LONGS.set(bytes, 2 * Long.BYTES, third);
    LONGS.set(bytes, 3 * Long.BYTES, fourth);
    return bytes;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ChunkHash that
        && first == that.first
        && second == that.second
        && third == that.third
        && fourth == that.fourth;
  }

  /** Any bits of a hash are as good as others. */
  @Override
  public int hashCode() {
    return (int) first;
  }

  /** 64 hexadecimal digits. */
  @Override
  public String toString() {
    return HexFormat.of().formatHex(bytes());
  }
}
