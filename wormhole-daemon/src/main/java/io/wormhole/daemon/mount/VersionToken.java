package io.wormhole.daemon.mount;

import com.google.protobuf.ByteString;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.WireException;
import java.nio.ByteBuffer;

/** The host's token for the bytes of a file: equal tokens, equal bytes. Sixteen opaque bytes. */
record VersionToken(long high, long low) {
  static VersionToken of(ByteString token) throws WireException {
    if (token.size() != Limits.VERSION_BYTES) {
      throw new WireException("file version of " + token.size() + " bytes");
    }
    ByteBuffer bytes = token.asReadOnlyByteBuffer();
    return new VersionToken(bytes.getLong(), bytes.getLong());
  }

  ByteString token() {
    return ByteString.copyFrom(
        ByteBuffer.allocate(Limits.VERSION_BYTES).putLong(high).putLong(low).flip());
  }
}
