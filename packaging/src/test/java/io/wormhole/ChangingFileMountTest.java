package io.wormhole;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.wormhole.TwoMachines.Shared;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a mount shows of files that change on the host: docs/SEMANTICS.md. */
@RealMount
class ChangingFileMountTest {
  /** The attributes' life, and as much again for a busy machine. */
  private static final Duration SEEN_BY = Duration.ofSeconds(20);

  private static final int READ_BYTES = 128 << 10;

  @TempDir static Path temp;
  private static TwoMachines machines;
  private static Path shared;
  private static Path mounted;

  @BeforeAll
  static void shareAndMount() throws IOException, InterruptedException {
    shared = Files.createDirectory(temp.resolve("shared"));
    machines = new TwoMachines(temp.resolve("machines"));
    Shared share = machines.host(shared);
    mounted = machines.mount(share, "mnt");
  }

  @AfterAll
  static void end() throws IOException, InterruptedException {
    if (machines != null) {
      machines.close();
    }
  }

  private static void eventually(String what, Callable<Boolean> holds) throws Exception {
    long end = System.nanoTime() + SEEN_BY.toNanos();
    while (!holds.call()) {
      assertThat(System.nanoTime()).as("%s within %s", what, SEEN_BY).isLessThan(end);
      Thread.onSpinWait();
    }
  }

  private static byte[] filled(int bytes, int value) {
    byte[] content = new byte[bytes];
    Arrays.fill(content, (byte) value);
    return content;
  }

  @Test
  void editInPlaceIsSeen() throws Exception {
    Path file = Files.writeString(shared.resolve("edited"), "before");
    assertThat(mounted.resolve("edited")).hasContent("before");
    try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
      open.write("after!".getBytes(StandardCharsets.UTF_8));
    }
    eventually("the edit", () -> Files.readString(mounted.resolve("edited")).equals("after!"));
  }

  @Test
  void editThatKeepsSizeAndTimeIsSeenByWhoOpensAnew() throws Exception {
    Path file = Files.writeString(shared.resolve("stealthy"), "before");
    FileTime time = FileTime.fromMillis(1_000_000_000_000L);
    Files.setLastModifiedTime(file, time);
    assertThat(mounted.resolve("stealthy")).hasContent("before");
    Files.writeString(file, "after!", StandardOpenOption.WRITE);
    Files.setLastModifiedTime(file, time);
    eventually("the edit", () -> Files.readString(mounted.resolve("stealthy")).equals("after!"));
  }

  @Test
  void truncatedFileEndsWhereItEnds() throws Exception {
    Path file = Files.write(shared.resolve("truncated"), filled(1_000_000, 1));
    assertThat(Files.size(mounted.resolve("truncated"))).isEqualTo(1_000_000);
    Files.write(file, filled(1000, 2));
    eventually(
        "the truncation",
        () -> Arrays.equals(Files.readAllBytes(mounted.resolve("truncated")), filled(1000, 2)));
  }

  @Test
  void growingFileCanBeFollowedThroughOneDescriptor() throws Exception {
    Path file = Files.createFile(shared.resolve("log"));
    StringBuilder read = new StringBuilder();
    StringBuilder written = new StringBuilder();
    try (FileChannel follower = FileChannel.open(mounted.resolve("log"))) {
      for (int line = 0; line < 3; line++) {
        String text = "line " + line + "\n";
        Files.writeString(file, text, StandardOpenOption.APPEND);
        written.append(text);
        ByteBuffer buffer = ByteBuffer.allocate(100);
        eventually(
            text,
            () -> {
              if (follower.read(buffer) > 0) {
                read.append(StandardCharsets.UTF_8.decode(buffer.flip()));
                buffer.clear();
              }
              return read.length() >= written.length();
            });
      }
    }
    assertThat(read).hasToString(written.toString());
  }

  @Test
  void removedFileLivesOnInAnOpenDescriptor() throws Exception {
    Path file = Files.write(shared.resolve("removed"), filled(3_000_000, 7));
    try (FileChannel open = FileChannel.open(mounted.resolve("removed"))) {
      ByteBuffer start = ByteBuffer.allocate(10);
      assertThat(open.read(start, 0)).isEqualTo(10);
      Files.delete(file);
      eventually("the removal", () -> !Files.exists(mounted.resolve("removed")));
      ByteBuffer rest = ByteBuffer.allocate(100);
      assertThat(open.read(rest, 2_999_950)).isEqualTo(50);
      assertThat(Arrays.copyOf(rest.array(), 50)).isEqualTo(filled(50, 7));
      assertThat(open.size()).isEqualTo(3_000_000);
    }
  }

  @Test
  void replacedFileIsTheOldOneToWhoHasItOpenAndTheNewOneToWhoOpensIt() throws Exception {
    Path file = Files.write(shared.resolve("replaced"), filled(500_000, 1));
    try (FileChannel open = FileChannel.open(mounted.resolve("replaced"))) {
      assertThat(open.read(ByteBuffer.allocate(10), 0)).isEqualTo(10);
      Path other = Files.write(shared.resolve("other"), filled(500_000, 2));
      Files.move(other, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      eventually(
          "the new file",
          () -> Arrays.equals(Files.readAllBytes(mounted.resolve("replaced")), filled(500_000, 2)));
      ByteBuffer old = ByteBuffer.allocate(100);
      assertThat(open.read(old, 400_000)).isEqualTo(100);
      assertThat(old.array()).isEqualTo(filled(100, 1));
    }
  }

  @Test
  void fileReplacedBetweenOpenAndFirstReadIsStaleAndTheNextOpenFindsTheNewOne() throws Exception {
    Path file = Files.write(shared.resolve("exchanged"), filled(500_000, 1));
    try (FileChannel open = FileChannel.open(mounted.resolve("exchanged"))) {
      Path other = Files.write(shared.resolve("newer"), filled(400_000, 2));
      Files.move(other, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      assertThatThrownBy(() -> open.read(ByteBuffer.allocate(10), 300_000))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("Stale");
    }
    eventually("the new file", () -> holds("exchanged", filled(400_000, 2)));
  }

  private static boolean holds(String name, byte[] content) {
    try {
      return Arrays.equals(Files.readAllBytes(mounted.resolve(name)), content);
    } catch (IOException stale) {
      return false;
    }
  }

  @Test
  void newNameInAListedFolderIsSeen() throws Exception {
    Path folder = Files.createDirectory(shared.resolve("folder"));
    try (var names = Files.list(mounted.resolve("folder"))) {
      assertThat(names).isEmpty();
    }
    Files.writeString(folder.resolve("late"), "here");
    eventually("the new name", () -> Files.exists(mounted.resolve("folder/late")));
    assertThat(mounted.resolve("folder/late")).hasContent("here");
  }

  /** A writer puts whole generations of one byte value in place; no read may see two of them. */
  @Test
  void oneReadNeverMixesTwoVersionsAndAFileThatNeverRestsIsReadable() throws Exception {
    Path file = shared.resolve("restless");
    Files.write(file, filled(READ_BYTES, 0));
    AtomicBoolean done = new AtomicBoolean();
    Thread writer =
        Thread.ofPlatform()
            .start(() -> {
              try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                for (int value = 1; !done.get(); value++) {
                  channel.write(ByteBuffer.wrap(filled(READ_BYTES, value)), 0);
                }
              } catch (IOException ended) {
                throw new UncheckedIOException(ended);
              }
            });
    try {
      for (int round = 0; round < 50; round++) {
        byte[] read = direct(mounted.resolve("restless"));
        assertThat(read).hasSize(READ_BYTES);
      }
    } finally {
      done.set(true);
      writer.join();
    }
    byte[] last = Files.readAllBytes(file);
    eventually(
        "the last version",
        () -> Arrays.equals(Files.readAllBytes(mounted.resolve("restless")), last));
  }

  @Test
  void atomicReplacementsAreNeverMixed() throws Exception {
    Path file = shared.resolve("swapped");
    Files.write(file, filled(READ_BYTES, 0));
    AtomicBoolean done = new AtomicBoolean();
    Thread writer =
        Thread.ofPlatform()
            .start(() -> {
              try {
                Path next = shared.resolve("swapped.next");
                for (int value = 1; !done.get(); value++) {
                  Files.write(next, filled(READ_BYTES, value));
                  Files.move(next, file, StandardCopyOption.ATOMIC_MOVE);
                }
              } catch (IOException ended) {
                throw new UncheckedIOException(ended);
              }
            });
    try {
      int whole = 0;
      for (int round = 0; round < 200; round++) {
        byte[] read;
        try {
          read = direct(mounted.resolve("swapped"));
        } catch (FileSystemException replacedMeanwhile) {
          continue;
        }
        assertThat(read).isEqualTo(filled(READ_BYTES, read[0]));
        whole++;
      }
      assertThat(whole).isPositive();
    } finally {
      done.set(true);
      writer.join();
    }
  }

  /** One read of the kernel, past its page cache; fails if the file cannot be opened. */
  private static byte[] direct(Path file) throws IOException, InterruptedException {
    Path copy = temp.resolve("copy");
    TwoMachines.Outcome outcome =
        TwoMachines.run(
            "dd", "if=" + file, "of=" + copy, "bs=" + READ_BYTES, "count=1", "iflag=direct");
    if (outcome.exit() != 0) {
      throw new FileSystemException(file.toString(), null, outcome.err());
    }
    return Files.readAllBytes(copy);
  }
}
