package io.wormhole.daemon.fuse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Calls that wait hold up nobody else, and end when whoever waits for them goes away. */
@OnEveryBackend
class BlockedCallsMountTest {
  /** Waits for a read it is interrupted in by a signal, and says what it came to. */
  private static final String SIGNALLED_READ =
      """
      $SIG{USR1} = sub {};
      sysopen(F, $ARGV[0], 040000) or die $!;
      print defined(sysread(F, $b, 4096)) ? "read" : $! + 0;
      """;

  private final TestedBackend backend;
  private final MemoryFileSystem files = new MemoryFileSystem();
  private final Gates gate = new Gates();

  BlockedCallsMountTest(TestedBackend backend) {
    this.backend = backend;
  }

  @AfterEach
  void openTheGate() {
    gate.open();
  }

  @Test
  void manySlowReadsHoldUpNoStatAndNoFastRead() throws Exception {
    int readers = 64;
    MemoryFileSystem.Node slow = files.root.file("slow", 1 << 20, offset -> 1);
    files.root.file("fast", new byte[100_000]);
    files.validFor = Duration.ZERO;
    files.readGate =
        node -> {
          if (node == slow) {
            gate.pass(node);
          }
        };
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      List<Program> programs = new ArrayList<>();
      for (int i = 0; i < readers; i++) {
        programs.add(
            Program.start(
                "dd",
                "if=" + mounted.path("slow"),
                "iflag=direct",
                "bs=4k",
                "count=1",
                "skip=" + i,
                "status=none"));
      }
      assertThat(gate.awaitArrived(readers)).isTrue();
      assertThat(Files.size(mounted.path("slow"))).isEqualTo(1 << 20);
      assertThat(Files.readAllBytes(mounted.path("fast"))).hasSize(100_000);
      gate.open();
      for (Program program : programs) {
        Program.Result result = program.result();
        assertThat(result.status()).as(result.errors()).isZero();
        assertThat(result.outputBytes()).hasSize(4096).containsOnly(1);
      }
    }
  }

  @Test
  void aKilledDirectReaderDiesAndItsCallIsInterrupted() throws Exception {
    files.root.file("file", new byte[10_000]);
    files.readGate = gate;
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      Program dd =
          Program.start("dd", "if=" + mounted.path("file"), "iflag=direct", "bs=4k", "count=1");
      assertThat(gate.awaitArrived(1)).isTrue();
      dd.signal("KILL");
      assertThat(dd.result().status()).isEqualTo(128 + 9);
      assertThat(gate.awaitInterrupted(1)).isTrue();
    }
  }

  @Test
  void aKilledCatDiesWhileItsReadAheadIsStillUnderWay() throws Exception {
    files.root.file("file", 1 << 20, offset -> 1);
    files.readGate = gate;
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      Program cat = Program.start("cat", mounted.path("file").toString());
      assertThat(gate.awaitArrived(1)).isTrue();
      cat.signal("KILL");
      assertThat(cat.result().status()).isEqualTo(128 + 9);
      gate.open();
    }
  }

  @Test
  void aSignalInterruptsADirectRead() throws Exception {
    files.root.file("file", new byte[10_000]);
    files.readGate = gate;
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      Program perl = Program.start("perl", "-e", SIGNALLED_READ, mounted.path("file").toString());
      assertThat(gate.awaitArrived(1)).isTrue();
      perl.signal("USR1");
      assertThat(gate.awaitInterrupted(1)).isTrue();
      assertThat(perl.result().output()).isEqualTo(Integer.toString(Errno.EINTR.code()));
    }
  }

  @Test
  void aKilledLookupGivesItsEntryBack() throws Exception {
    files.root.file("file", new byte[1]);
    files.lookupGate =
        node -> {
          try {
            gate.pass(node);
          } catch (InterruptedException e) {
            // The answer comes all the same: a file system that is late notices nothing.
            Thread.currentThread().interrupt();
          }
        };
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      Program stat = Program.start("stat", mounted.path("file").toString());
      assertThat(gate.awaitArrived(1)).isTrue();
      stat.signal("KILL");
      assertThat(gate.awaitInterrupted(1)).isTrue();
      assertThat(stat.result().status()).isEqualTo(128 + 9);
    }
  }

  @Test
  void faultsOfTheFileSystemEndNoReader() throws Exception {
    files.root.file("file", new byte[10]);
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      files.lookupGate =
          node -> {
            throw new AssertionError("a fault, thrown by a test");
          };
      for (int i = 0; i < 10; i++) {
        assertThat(Program.run("stat", mounted.path("file").toString()).errors())
            .contains("Input/output error");
      }
      files.lookupGate =
          node -> {
            throw new ErrnoException(Errno.ENOENT);
          };
      assertThatThrownBy(() -> Files.size(mounted.path("file")))
          .isInstanceOf(NoSuchFileException.class);
      files.lookupGate = MemoryFileSystem.OPEN_GATE;
      assertThat(Files.size(mounted.path("file"))).isEqualTo(10);
    }
  }
}
