package io.wormhole.daemon.fuzz;

import io.wormhole.daemon.fuzz.FuzzTargets.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * The inputs kept of a target: its seeds, and what fuzzing has found, a line of base 64 each in
 * {@code src/test/resources/fuzz}.
 */
final class Corpus {
  static final Path FOLDER = Path.of("src/test/resources/fuzz");

  /** Longer ones, and more of them, add little and would fill the repository. */
  private static final int KEPT_BYTES = 512;

  private static final int KEPT_INPUTS = 100;

  private Corpus() {}

  static List<byte[]> of(Target target) throws IOException {
    List<byte[]> all = new ArrayList<>(target.seeds().get());
    Path kept = file(target);
    if (Files.exists(kept)) {
      for (String line : Files.readAllLines(kept)) {
        all.add(Base64.getDecoder().decode(line));
      }
    }
    return all;
  }

  /** Keeps the inputs of a folder, the short ones, in place of those before. */
  static void keep(Target target, Path folder) throws IOException {
    List<String> lines = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path each : files.toList()) {
        byte[] input = Files.readAllBytes(each);
        if (input.length <= KEPT_BYTES) {
          lines.add(Base64.getEncoder().encodeToString(input));
        }
      }
    }
    Files.createDirectories(FOLDER);
    Files.write(
        file(target),
        lines.stream()
            .sorted(Comparator.comparingInt(String::length).thenComparing(line -> line))
            .limit(KEPT_INPUTS)
            .toList());
  }

  private static Path file(Target target) {
    return FOLDER.resolve(target.name() + ".base64");
  }
}
