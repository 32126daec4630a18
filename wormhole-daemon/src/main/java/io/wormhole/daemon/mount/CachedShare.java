package io.wormhole.daemon.mount;

import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.ShareId;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * How the cache names a share of a host. A share's id alone would not do: another host may say that
 * its share has the same, and what came from it would be given as the first one's.
 *
 * @param high first 8 bytes of a digest
 * @param low its next 8 bytes
 */
public record CachedShare(long high, long low) {
  /** The name of a share that this host shows. */
  public static CachedShare of(Fingerprint host, ShareId share) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(host.bytes());
      ByteBuffer named = ByteBuffer.wrap(digest.digest(share.bytes()));
      return new CachedShare(named.getLong(), named.getLong());
    } catch (NoSuchAlgorithmException absent) {
      throw new IllegalStateException("every Java platform has SHA-256", absent);
    }
  }
}
