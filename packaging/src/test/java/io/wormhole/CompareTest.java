package io.wormhole;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.TwoMachines.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs {@code benches/compare} with little data, so that it does not rot; says nothing about speed.
 */
@RealMount
class CompareTest {
  private static final long LIMIT_SECONDS = 240;
  private static final int ROWS = 18;

  @TempDir Path folder;
  private Path temporary;
  private Path results;
  private Path launcher;

  @BeforeEach
  void makeLauncher() throws Exception {
    for (String tool : List.of("sshfs", "sshd", "ssh-keygen", "fio", "git", "python3", "ip")) {
      needs(tool);
    }
    temporary = Files.createDirectory(folder.resolve("temporary")).toRealPath();
    results = folder.resolve("results");
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    launcher =
        program(
            "wormhole",
            "exec '%s' -XX:TieredStopAtLevel=1 -XX:+UseSerialGC --enable-native-access=ALL-UNNAMED -cp '%s' io.wormhole.cli.Main \"$@\""
                .formatted(java, System.getProperty("java.class.path")));
  }

  @Test
  void everyWorkloadRunsOnEveryPeerAndNothingIsLeft() throws Exception {
    Ended ended = compare(System.getenv("PATH"), "--quick");
    assertThat(ended.exit()).as(ended.output()).isZero();

    List<List<String>> rows = rows();
    assertThat(rows).as(report()).hasSize(ROWS);
    assertThat(rows)
        .allSatisfy(row -> {
          assertThat(row.get(2)).as("sshfs_fast in %s", row).matches("(> )?[\\d.,]+.*");
          assertThat(row.get(3)).as("wormhole in %s", row).matches("(> )?[\\d.,]+.*");
          assertThat(row.get(4)).as("ratio in %s", row).isNotBlank();
        });
    assertThat(results.resolve("compare.html")).content().contains("<svg", "What is not the same");
    nothingIsLeftOf(ended);
  }

  @Test
  void peerThatFailsSaysSoInItsRowsAndTheOthersGoOn() throws Exception {
    program("sshfs", "echo 'sshfs: broken for a test' >&2; exit 1");
    Ended ended =
        compare(folder + ":" + System.getenv("PATH"), "--quick", "--peers", "local sshfs_fast");
    assertThat(ended.exit()).as(ended.output()).isZero();

    List<List<String>> rows = rows();
    assertThat(rows).as(report()).hasSize(ROWS);
    assertThat(rows).allSatisfy(row -> assertThat(row.get(2)).isEqualTo("failed: not mounted"));
    assertThat(report()).contains("- sshfs_fast: not mounted: sshfs: broken for a test");
    // There is nothing to mount where no link is between.
    assertThat(rows.subList(1, ROWS))
        .allSatisfy(row -> assertThat(row.get(1)).matches("(> )?[\\d.,]+"));
    nothingIsLeftOf(ended);
  }

  @Test
  void missingToolsAreNamedAtOnceWithTheLineThatInstallsThem() throws Exception {
    Ended ended = compare("/nonexistent", "--links", "LAN", "--peers", "sshfs_fast rclone_full");
    assertThat(ended.exit()).as(ended.output()).isEqualTo(1);
    assertThat(ended.output().lines()).hasSize(1);
    assertThat(ended.output())
        .contains("missing: ip, ", "sshfs, ", "sshd, ")
        .containsPattern(
            "apt-get install .*iproute2 .*fio .*gcc .*sshfs .*openssh-server .*rclone");
    assertThat(temporary).isEmptyDirectory();
  }

  @Test
  void wrongUsageNamesWhatThereIs() throws Exception {
    Ended link = compare(System.getenv("PATH"), "--links", "MOON");
    assertThat(link.exit()).isEqualTo(2);
    assertThat(link.output()).contains("no such link: MOON", "WAN-Good");
    Ended peer = compare(System.getenv("PATH"), "--peers", "pigeons");
    assertThat(peer.exit()).isEqualTo(2);
    assertThat(peer.output()).contains("no such peer: pigeons", "sshfs_default");
    assertThat(temporary).isEmptyDirectory();
  }

  private record Ended(int exit, long pid, String output) {}

  /** A script that does not end is asked to clean up, and fails. */
  private Ended compare(String path, String... options) throws IOException, InterruptedException {
    Path output = folder.resolve("output");
    ProcessBuilder command =
        new ProcessBuilder(
                Stream.concat(
                        Stream.of(
                            "/bin/bash",
                            "../benches/compare",
                            "--launcher",
                            launcher.toString(),
                            "--out",
                            results.toString()),
                        Stream.of(options))
                    .toList())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile());
    command.environment().put("PATH", path);
    command.environment().put("TMPDIR", temporary.toString());
    Process process = command.start();
    try {
      if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
        throw new AssertionError(command.command() + " took more than " + LIMIT_SECONDS + " s");
      }
      return new Ended(process.exitValue(), process.pid(), Files.readString(output));
    } finally {
      process.destroy();
      process.waitFor(30, TimeUnit.SECONDS);
    }
  }

  /** The cells of each workload's row, its name first. */
  private List<List<String>> rows() throws IOException {
    return report()
        .lines()
        .dropWhile(line -> !line.equals("## LOOP"))
        .dropWhile(line -> !line.startsWith("|"))
        .takeWhile(line -> line.startsWith("|"))
        .skip(2)
        .map(line -> Stream.of(line.split("\\|", -1)).skip(1).map(String::strip).toList())
        .toList();
  }

  private String report() throws IOException {
    return Files.readString(results.resolve("compare.md"));
  }

  private void nothingIsLeftOf(Ended ended) throws IOException {
    assertThat(temporary).isEmptyDirectory();
    assertThat(TwoMachines.mountTable()).doesNotContain(temporary.toString());
    if (Files.isDirectory(Path.of("/run/netns"))) {
      assertThat(Path.of("/run/netns"))
          .isDirectoryNotContaining(namespace -> namespace.toString().endsWith("-" + ended.pid()));
    }
    assertThat(ProcessHandle.allProcesses().map(process -> process.info().commandLine().orElse("")))
        .noneMatch(command -> command.contains(temporary.toString()));
  }

  private Path program(String name, String commands) throws IOException {
    Path program = Files.writeString(folder.resolve(name), "#!/bin/sh\n" + commands + "\n");
    return Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private static void needs(String tool) throws IOException, InterruptedException {
    Outcome found = TwoMachines.run("bash", "-c", "command -v " + tool);
    if (found.exit() != 0) {
      System.err.println("SKIPPED, NOT TESTED: benches/compare: this machine lacks " + tool);
      Assumptions.abort("this machine lacks " + tool);
    }
  }
}
