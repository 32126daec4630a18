package io.wormhole.daemon.trust;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.wormhole.protocol.wire.Fingerprint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.security.Signature;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IdentityTest {
  private static final SecureRandom RANDOM = new SecureRandom();

  @TempDir Path folder;

  @Test
  void isMadeOnceForItsOwnerAlone() throws Exception {
    Path state = folder.resolve("new/state");
    Identity identity = Identity.loadOrCreate(state, RANDOM);
    assertThat(permissions(state.resolve("identity.p8"))).isEqualTo("rw-------");
    assertThat(permissions(state)).isEqualTo("rwx------");
    try (Stream<Path> files = Files.list(state)) {
      assertThat(files).containsExactly(state.resolve("identity.p8"));
    }
    assertThat(Identity.loadOrCreate(state, RANDOM).fingerprint())
        .isEqualTo(identity.fingerprint());
  }

  @Test
  void theCertificateIsOfTheKeptKeyAndTellsNothingElse() throws Exception {
    Identity identity = Identity.loadOrCreate(folder.resolve("s"), RANDOM);
    Signature signature = Signature.getInstance("SHA256withECDSA");
    signature.initSign(identity.privateKey());
    signature.update(new byte[] {1, 2, 3});
    byte[] signed = signature.sign();
    signature.initVerify(identity.certificate().getPublicKey());
    signature.update(new byte[] {1, 2, 3});
    assertThat(signature.verify(signed)).isTrue();

    identity.certificate().verify(identity.certificate().getPublicKey());
    assertThat(identity.certificate().getSubjectX500Principal().getName()).isEqualTo("CN=wormhole");
    assertThat(identity.certificate().getVersion()).isEqualTo(3);
    assertThat(identity.toString()).isEqualTo(identity.fingerprint().toString());
  }

  @Test
  void allWhoComeFirstAtOnceGetTheSame() throws Exception {
    int threads = 8;
    CountDownLatch start = new CountDownLatch(1);
    try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
      List<Future<Fingerprint>> found = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        found.add(
            pool.submit(() -> {
              start.await();
              return Identity.loadOrCreate(folder.resolve("raced"), RANDOM).fingerprint();
            }));
      }
      start.countDown();
      Fingerprint first = found.getFirst().get(30, TimeUnit.SECONDS);
      for (Future<Fingerprint> each : found) {
        assertThat(each.get(30, TimeUnit.SECONDS)).isEqualTo(first);
      }
    }
    try (Stream<Path> files = Files.list(folder.resolve("raced"))) {
      assertThat(files).hasSize(1);
    }
  }

  @Test
  void processesThatComeFirstAtOnceGetTheSame() throws Exception {
    List<Process> started = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      started.add(
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-XX:+UseSerialGC",
                  "-cp",
                  System.getProperty("java.class.path"),
                  PrintIdentity.class.getName(),
                  folder.resolve("raced").toString())
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start());
    }
    List<String> printed = new ArrayList<>();
    for (Process process : started) {
      try (var output = process.inputReader()) {
        printed.add(output.readLine());
      }
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).isZero();
    }
    assertThat(printed)
        .containsOnly(Identity.loadOrCreate(folder.resolve("raced"), RANDOM).toString());
  }

  /** A process that comes first. */
  static final class PrintIdentity {
    public static void main(String[] arguments) throws IOException {
      System.out.println(Identity.loadOrCreate(Path.of(arguments[0]), new SecureRandom()));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"rw-r-----", "rw--w----", "rw----r--", "rw-----w-", "rw-rw-rw-"})
  void aFileThatOthersMayTouchIsRefusedWithTheLineThatMendsIt(String open) throws IOException {
    Path state = folder.resolve("s");
    Identity.loadOrCreate(state, RANDOM);
    Path file = state.resolve("identity.p8");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(open));
    StateFileException refused = refused(state);
    assertThat(refused).hasMessageContaining(file.toString());
    assertThat(refused.next()).isEqualTo("run: chmod 600 '" + file + "'");
  }

  @Test
  void aFolderThatOthersMayWriteIsRefused() throws IOException {
    Path state = folder.resolve("s");
    Identity.loadOrCreate(state, RANDOM);
    Files.setPosixFilePermissions(state, PosixFilePermissions.fromString("rwxrwxrwx"));
    assertThat(refused(state).next()).isEqualTo("run: chmod 700 '" + state + "'");
  }

  @Test
  void aDamagedFileIsRefusedAndNotReplaced() throws Exception {
    KeyPairGenerator p384 = KeyPairGenerator.getInstance("EC");
    p384.initialize(384);
    KeyPairGenerator rsa = KeyPairGenerator.getInstance("RSA");
    rsa.initialize(2048);
    Path state = folder.resolve("s");
    Identity.loadOrCreate(state, RANDOM);
    Path file = state.resolve("identity.p8");
    byte[] good = Files.readAllBytes(file);
    for (byte[] bad :
        List.of(
            new byte[0],
            new byte[] {0x30},
            "-----BEGIN PRIVATE KEY-----".getBytes(US_ASCII),
            Arrays.copyOf(good, good.length - 1),
            p384.generateKeyPair().getPrivate().getEncoded(),
            rsa.generateKeyPair().getPrivate().getEncoded())) {
      Files.write(file, bad);
      assertThat(refused(state)).hasMessageContaining("damaged");
      assertThat(Files.readAllBytes(file)).isEqualTo(bad);
    }
    Files.write(file, new byte[5000]);
    assertThat(refused(state)).hasMessageContaining("5000 bytes");
    Files.delete(file);
    Files.createDirectory(file);
    assertThat(refused(state)).hasMessageContaining("not a file");
  }

  private static StateFileException refused(Path state) {
    return catchThrowableOfType(
        StateFileException.class, () -> Identity.loadOrCreate(state, RANDOM));
  }

  private static String permissions(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }
}
