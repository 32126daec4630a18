package io.wormhole.daemon.trust;

import io.wormhole.protocol.wire.Fingerprint;
import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPrivateKey;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Who this user is to every peer: one P-256 key and its self-signed certificate.
 *
 * <p>The key is kept as PKCS #8 in {@code identity.p8}; the certificate is made anew from it at
 * each start, and the {@link #fingerprint}, which is of the key alone, stays. A file that is
 * damaged or open to others is refused and never replaced: peers know this user by it.
 *
 * <p>Immutable.
 */
public final class Identity {
  private static final String FILE = "identity.p8";
  private static final int MAX_FILE_BYTES = 4 << 10;
  private static final String CURVE = "secp256r1";

  private final PrivateKey privateKey;
  private final X509Certificate certificate;
  private final Fingerprint fingerprint;

  private Identity(PrivateKey privateKey, X509Certificate certificate) {
    this.privateKey = privateKey;
    this.certificate = certificate;
    this.fingerprint = PeerCertificates.fingerprint(certificate);
  }

  /**
   * The identity kept in a folder; the first call makes it, and the folder. Of several processes
   * that come first at once, all get the same. Touches the disk.
   *
   * @throws StateFileException if the file is damaged or others may read or write it
   * @throws IOException if the disk fails
   */
  public static Identity loadOrCreate(Path stateFolder, SecureRandom random) throws IOException {
    PrivateFile file = new PrivateFile(stateFolder.resolve(FILE));
    file.prepareFolder();
    Optional<byte[]> kept = file.read(MAX_FILE_BYTES);
    if (kept.isEmpty()) {
      byte[] generated = generate(random);
      file.create(generated);
      Arrays.fill(generated, (byte) 0);
      // Read back in any case: another process may have been first.
      kept = file.read(MAX_FILE_BYTES);
    }
    byte[] pkcs8 = kept.orElseThrow(() -> vanished(file.path()));
    try {
      ECPrivateKey key = decode(pkcs8, file.path());
      return new Identity(key, SelfSigned.certificate(key, random));
    } catch (GeneralSecurityException platform) {
      throw new IllegalStateException("this Java has no ECDSA on P-256", platform);
    } finally {
      Arrays.fill(pkcs8, (byte) 0);
    }
  }

  /** For the TLS of every lane, with {@link #certificate}. */
  public PrivateKey privateKey() {
    return privateKey;
  }

  /** Shown to every peer, as a chain of one. */
  public X509Certificate certificate() {
    return certificate;
  }

  /** What peers know this user by. */
  public Fingerprint fingerprint() {
    return fingerprint;
  }

  /** The fingerprint; never the key. */
  @Override
  public String toString() {
    return fingerprint.toString();
  }

  private static byte[] generate(SecureRandom random) {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec(CURVE), random);
      return generator.generateKeyPair().getPrivate().getEncoded();
    } catch (GeneralSecurityException platform) {
      throw new IllegalStateException("this Java has no P-256", platform);
    }
  }

  private static ECPrivateKey decode(byte[] pkcs8, Path path) throws StateFileException {
    try {
      PrivateKey key = KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
      if (key instanceof ECPrivateKey ec && SelfSigned.isP256(ec)) {
        return ec;
      }
      throw damaged(path, null);
    } catch (GeneralSecurityException undecodable) {
      throw damaged(path, undecodable);
    }
  }

  private static StateFileException damaged(Path path, @Nullable Throwable cause) {
    String message = path + " is damaged: it holds no P-256 key in PKCS #8";
    String next =
        "restore it from a backup; or move it away, and join every share again with a new code";
    return new StateFileException(message, next, cause);
  }

  private static StateFileException vanished(Path path) {
    return new StateFileException(path + " vanished while it was being made", "try again");
  }
}
