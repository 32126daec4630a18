package io.wormhole.daemon.fuse.mounts;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.daemon.fuse.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who uses a folder is found, and nobody else; any folder will do. */
class HoldersTest {
  private static final long PATIENCE_SECONDS = 20;

  @TempDir Path scratch = Path.of("/nonexistent");
  private final List<Program> programs = new ArrayList<>();
  private Path folder = Path.of("/nonexistent");

  @BeforeEach
  void makeFolder() throws IOException {
    folder = Files.createDirectory(scratch.toRealPath().resolve("a folder, ü"));
    Files.createFile(folder.resolve("file"));
    Files.createDirectory(scratch.resolve("a folder, ü and more"));
  }

  @AfterEach
  void endPrograms() throws Exception {
    for (Program program : programs) {
      program.signal("KILL");
      assertThat(program.result().status()).isEqualTo(128 + 9);
    }
  }

  /** A shell that becomes a program which waits; {@code $1} is the folder. */
  private Program start(String script) throws IOException {
    Program program = Program.start("sh", "-c", script, "sh", folder.toString());
    programs.add(program);
    return program;
  }

  private void awaitHolders(String expected) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    String holders = Holders.of(folder);
    while (!holders.equals(expected)) {
      assertThat(System.nanoTime()).as("%s, not %s", holders, expected).isLessThan(end);
      Thread.sleep(5);
      holders = Holders.of(folder);
    }
  }

  @Test
  void nobodyIsNamedWhereNobodyIs() throws Exception {
    start("cd \"$1 and more\" && exec sleep 300");
    Program worker = start("cd \"$1\" && exec sleep 300");
    awaitHolders("sleep (process " + worker.pid() + ") works in it");
    worker.signal("KILL");
    assertThat(worker.result().status()).isEqualTo(128 + 9);
    awaitHolders("");
  }

  @Test
  void whoHasAFileOpenIsNamed() throws Exception {
    Program reader = start("exec sleep 300 <\"$1/file\"");
    awaitHolders("sleep (process " + reader.pid() + ") has a file open in it");
  }

  @Test
  void whoRunsAProgramOfItIsNamedAndItsNameCannotReachATerminal() throws Exception {
    Files.copy(Path.of("/bin/sleep"), folder.resolve("\u001b[31m"));
    Program program = start("exec \"$1/\u001b[31m\" 300");
    awaitHolders("?[31m (process " + program.pid() + ") has a file of it in memory");
  }

  @Test
  void onlyAFewAreNamed() throws Exception {
    for (int i = 0; i < 5; i++) {
      start("cd \"$1\" && exec sleep 300");
    }
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!Holders.of(folder).endsWith(" and 2 more")) {
      assertThat(System.nanoTime()).as(Holders.of(folder)).isLessThan(end);
      Thread.sleep(5);
    }
    assertThat(Holders.of(folder).split(", ", -1)).hasSize(3);
  }
}
