package io.wormhole.daemon.host;

import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;

/** Names what a file's bytes are: 16 bytes without a meaning to the peer. */
record VersionToken(long high, long low) {
  /**
   * Reads what {@link #bytes} wrote.
   *
   * @param bytes 16 of them
   */
  static VersionToken of(ByteString bytes) {
    ByteBuffer buffer = bytes.asReadOnlyByteBuffer();
    return new VersionToken(buffer.getLong(), buffer.getLong());
  }

  ByteString bytes() {
    ByteBuffer buffer = ByteBuffer.allocate(2 * Long.BYTES);
    buffer.putLong(high).putLong(low).flip();
    return ByteString.copyFrom(buffer);
  }
}
