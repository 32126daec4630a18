package io.wormhole.protocol.hash;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MissingVectorsTest {
  @Test
  void jvmWithoutTheIncubatorModuleHashesInPlainJava(@TempDir Path folder) throws Exception {
    Path output = folder.resolve("output");
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                HashesWithoutVectors.class.getName())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    try {
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    } finally {
      process.destroyForcibly();
    }
    byte[] expected = org.apache.commons.codec.digest.Blake3.hash(new byte[40_000]);
    assertThat(output)
        .hasContent(
            """
            plain
            %s
            BLAKE3 with vectors needs the JVM option --add-modules jdk.incubator.vector
            """
                .formatted(ChunkHash.of(expected)));
  }

  /** What the other JVM runs. */
  static final class HashesWithoutVectors {
    private HashesWithoutVectors() {}

    public static void main(String[] args) {
      Blake3 blake3 = Blake3.fastest(Runnable::run);
      System.out.println(blake3.engine());
      System.out.println(blake3.hash(MemorySegment.ofArray(new byte[40_000])).hash());
      try {
        System.out.println(Blake3.vector().engine());
      } catch (UnsupportedOperationException e) {
        System.out.println(e.getMessage());
      }
    }
  }
}
