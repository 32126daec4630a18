package io.wormhole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.protocol.control.MountTable;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Real mounts whose daemon never answers, or is dead: a shell holds the device and reads nothing.
 */
@Timeout(60)
class ForcedUnmountTest {
  private static final long SECONDS = 20;

  @TempDir Path folder;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private Path mountPoint;
  private Process holder;

  @BeforeEach
  void mount() throws IOException {
    mountPoint = Files.createDirectory(folder.resolve("a mount"));
    holder =
        new ProcessBuilder(
                "/bin/sh",
                "-c",
                "exec 5<>/dev/fuse && mount -i -t fuse.wormhole sample \"$1\""
                    + " -o fd=5,rootmode=40000,user_id=0,group_id=0 && echo mounted && read line",
                "sh",
                mountPoint.toString())
            .redirectErrorStream(true)
            .start();
    BufferedReader said =
        new BufferedReader(new InputStreamReader(holder.getInputStream(), StandardCharsets.UTF_8));
    assertThat(said.readLine()).isEqualTo("mounted");
  }

  @AfterEach
  void end() throws Exception {
    int errno = Umount2.force(mountPoint.toString());
    assertThat(errno).isIn(0, 22);
    holder.destroyForcibly();
    assertThat(holder.waitFor(SECONDS, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void mountThatNeverAnswersGoesAndItsReaderGetsAnError() throws Exception {
    Process reader = new ProcessBuilder("/bin/ls", mountPoint.toString()).start();

    assertThat(run("unmount", mountPoint.toString(), "--force")).isZero();

    assertThat(reader.waitFor(SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(reader.exitValue()).isNotZero();
    assertThat(MountTable.at(mountPoint)).isEmpty();
    assertThat(out.toString(StandardCharsets.UTF_8)).contains("unmounted " + mountPoint);
  }

  @Test
  void mountIsFoundByItsNameAndThroughARelativePath() throws Exception {
    assertThat(run("unmount", "a mount/../a mount", "--force", "--json")).isZero();
    assertThat(MountTable.at(mountPoint)).isEmpty();
    assertThat(run("unmount", "a mount", "--force")).isEqualTo(1);
  }

  @Test
  void withoutADaemonAllByForceTakesWhatIsDead() throws Exception {
    isOnRecord(mountPoint);
    daemonDies();

    assertThat(run("unmount", mountPoint.toString())).isEqualTo(1);
    assertThat(MountTable.at(mountPoint)).isPresent();
    assertThat(run("unmount", "--all", "--force")).isZero();

    assertThat(MountTable.at(mountPoint)).isEmpty();
  }

  @Test
  void whatIsDeadAndOfAnotherHomeIsLeftToThatUnlessItIsNamed() throws Exception {
    isOnRecord(folder.resolve("elsewhere"));
    daemonDies();

    assertThat(run("unmount", "--all", "--force")).isZero();
    assertThat(MountTable.at(mountPoint)).isPresent();
    assertThat(out.toString(StandardCharsets.UTF_8))
        .contains(mountPoint + " is dead", "not mounted from this home", "--force DIR");
    assertThat(run("unmount", mountPoint.toString(), "--force")).isZero();

    assertThat(MountTable.at(mountPoint)).isEmpty();
  }

  private void isOnRecord(Path directory) throws IOException {
    Path state = Files.createDirectories(folder.resolve("home").resolve("state"));
    Files.writeString(
        state.resolve("mounts.json"),
        "{\"format\":1,\"entries\":[{\"directory\":\"%s\"}]}".formatted(directory));
  }

  private void daemonDies() throws InterruptedException {
    holder.destroyForcibly();
    assertThat(holder.waitFor(SECONDS, TimeUnit.SECONDS)).isTrue();
  }

  private int run(String... args) {
    PrintStream print = new PrintStream(out, true, StandardCharsets.UTF_8);
    Terminal terminal = new Terminal(print, print, false, false, false);
    Map<String, String> environment = Map.of("WORMHOLE_HOME", folder.resolve("home").toString());
    Session session =
        new Session(
            terminal, new Json(), environment, folder, folder, "", InputStream.nullInputStream());
    return CommandTree.execute(session, args);
  }
}
