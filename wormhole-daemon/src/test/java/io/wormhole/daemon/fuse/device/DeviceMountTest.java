package io.wormhole.daemon.fuse.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.wormhole.daemon.fuse.Gates;
import io.wormhole.daemon.fuse.MemoryFileSystem;
import io.wormhole.daemon.fuse.MountedFileSystem;
import io.wormhole.daemon.fuse.OtherDaemon;
import io.wormhole.daemon.fuse.Program;
import io.wormhole.daemon.fuse.RealMount;
import io.wormhole.daemon.fuse.TestedBackend;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What this backend does beyond the contract of all: its limits, and what each answer's age is. */
@RealMount
class DeviceMountTest {
  private final MemoryFileSystem files = new MemoryFileSystem();
  private final Gates gate = new Gates();

  @AfterEach
  void openTheGate() {
    gate.open();
  }

  @Test
  void pastTheCallLimitTheKernelHearsThatMemoryIsShort() throws Exception {
    files.root.file("file", new byte[10_000]);
    files.validFor = Duration.ofHours(1);
    try (MountedFileSystem mounted = mounted(new DeviceSettings(1, 2, 1));
        FileChannel channel = FileChannel.open(mounted.path("file"))) {
      files.readGate = gate;
      // A call is counted until its thread has let go of it, so that a program may be refused
      // itself.
      String[] dd = {
        "bash",
        "-c",
        "until dd if=\"$1\" iflag=direct bs=4k count=1; do :; done",
        "bash",
        mounted.path("file").toString()
      };
      List<Program> held = List.of(Program.start(dd), Program.start(dd));
      assertThat(gate.awaitArrived(2)).isTrue();
      assertThat(Program.run("ls", mounted.directory.toString()).errors())
          .contains("Cannot allocate memory");
      gate.open();
      for (Program program : held) {
        assertThat(program.result().status()).isZero();
      }
      assertThat(channel.read(ByteBuffer.allocate(100))).isEqualTo(100);
    }
  }

  @Test
  void readsWaitForOneAnothersReplyRoomAndAllCome() throws Exception {
    int size = 3 << 20;
    files.root.file("file", size, offset -> (byte) (offset >> 12));
    try (MountedFileSystem mounted = mounted(new DeviceSettings(4, 4096, 1))) {
      List<Program> programs = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        programs.add(
            Program.start(
                "dd", "if=" + mounted.path("file"), "iflag=direct", "bs=1M", "status=none"));
      }
      byte[] first = programs.getFirst().result().outputBytes();
      assertThat(first).hasSize(size);
      for (Program program : programs) {
        assertThat(program.result().outputBytes()).isEqualTo(first);
      }
    }
  }

  @Test
  void rootsMountsAreReadAMebibyteAtATime() throws Exception {
    assumeTrue("root".equals(System.getProperty("user.name")), "only root widens the window");
    int size = 8 << 20;
    files.root.file("file", size, offset -> (byte) (offset >> 12));
    try (MountedFileSystem mounted = mounted(DeviceSettings.DEFAULTS)) {
      Program cat = Program.start("cat", mounted.path("file").toString());
      assertThat(cat.result().outputBytes()).hasSize(size);
      assertThat(files.longestRead).hasValue(1 << 20);
    }
  }

  @Test
  void aSlowLookupHoldsUpNoOtherLookupInItsFolder() throws Exception {
    MemoryFileSystem.Node slow = files.root.file("slow", new byte[1]);
    files.root.file("fast", new byte[2]);
    files.lookupGate =
        node -> {
          if (node == slow) {
            gate.pass(node);
          }
        };
    try (MountedFileSystem mounted = mounted(DeviceSettings.DEFAULTS)) {
      Program stat = Program.start("stat", "-c", "%s", mounted.path("slow").toString());
      assertThat(gate.awaitArrived(1)).isTrue();
      assertThat(Files.size(mounted.path("fast"))).isEqualTo(2);
      gate.open();
      assertThat(stat.result().output().strip()).isEqualTo("1");
    }
  }

  @Test
  void absencesAreRememberedAsLongAsTheySay() throws Exception {
    files.validFor = Duration.ofHours(1);
    try (MountedFileSystem mounted = mounted(DeviceSettings.DEFAULTS)) {
      assertThatThrownBy(() -> Files.size(mounted.path("absent")))
          .isInstanceOf(NoSuchFileException.class);
      long asked = files.lookups.get();
      assertThat(asked).isPositive();
      assertThat(Files.exists(mounted.path("absent"))).isFalse();
      assertThat(files.lookups.get()).isEqualTo(asked);
    }
  }

  @Test
  void withoutRootOrDeviceTheRefusalSaysSo(@TempDir Path scratch) throws Exception {
    Path directory = Files.createDirectory(scratch.resolve("folder"));
    OtherDaemon hidden =
        OtherDaemon.start(
            TestedBackend.DEVICE,
            directory,
            "unshare",
            "-m",
            "sh",
            "-c",
            "mount -t tmpfs none /dev && exec \"$@\"",
            "sh");
    assertThat(hidden.answer()).isEqualTo("NO_DEVICE");
    OtherDaemon other =
        OtherDaemon.start(
            TestedBackend.DEVICE,
            directory,
            "unshare",
            "-U",
            "--map-user=1000",
            "--map-group=1000");
    assertThat(other.answer()).isEqualTo("NOT_ROOT");
  }

  private MountedFileSystem mounted(DeviceSettings settings) throws Exception {
    return new MountedFileSystem(new DeviceBackend(settings, System::nanoTime), files);
  }
}
