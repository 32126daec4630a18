package io.wormhole.daemon.host;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.wormhole.daemon.host.SharedFolder.OpenFile;
import io.wormhole.daemon.host.SharedFolder.OpenFolder;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.message.FailureCode;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What any {@link SharedFolder} must hold to, whatever keeps it. Paths are given raw, as no peer
 * can send them: the folder itself is the last guard.
 */
@Timeout(60)
class SharedFolderTest {
  private static final long ATTACK_NANOS = TimeUnit.SECONDS.toNanos(10);

  @TempDir Path work;
  private Path outside;
  private Path root;
  private SharedFolder folder;

  @BeforeEach
  void share() throws Exception {
    outside = Files.createDirectory(work.resolve("outside"));
    Files.writeString(outside.resolve("f"), "SECRET");
    Files.createDirectory(outside.resolve("sub"));
    Files.writeString(outside.resolve("sub/f"), "SECRET");
    root = Files.createDirectory(work.resolve("root"));
    Files.createDirectories(root.resolve("a/b/c"));
    Files.writeString(root.resolve("a/b/c/f"), "inside");
    Files.writeString(root.resolve("f"), "inside");
    folder = ShareRoot.open(root.toString()).folder();
  }

  @AfterEach
  void close() {
    folder.close();
  }

  @Test
  void filesAndFoldersInsideAreReached() throws Exception {
    assertThat(content("a/b/c/f")).isEqualTo("inside");
    assertThat(content("f")).isEqualTo("inside");
    assertThat(names("a/b")).containsExactly("c");
    assertThat(folder.look(RelativePath.ROOT).status().kind()).isEqualTo(NodeKind.FOLDER);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "..",
        "../outside",
        "../outside/f",
        "a/../../outside/f",
        "a/b/../../../outside/f",
        "a/..",
        "/etc/passwd",
        "//etc/passwd",
        "/proc/self/root/etc/passwd"
      })
  void upwardAndAbsolutePathsLeadNowhere(String path) {
    if (path.equals("a/..")) {
      // Stays inside: allowed to the kernel, and no peer can send it.
      assertThat(refusalOfFile(path)).isEqualTo(FailureCode.FAILURE_CODE_IS_A_FOLDER);
      return;
    }
    assertUnreachable(path);
  }

  @Test
  void linksAreNotFollowedInAnyPosition() throws Exception {
    Files.createSymbolicLink(root.resolve("whole"), outside);
    Files.createSymbolicLink(root.resolve("a/middle"), outside);
    Files.createSymbolicLink(root.resolve("a/b/c/last"), outside.resolve("f"));
    Files.createSymbolicLink(root.resolve("inner"), Path.of("a/b"));
    Files.createSymbolicLink(root.resolve("loop"), Path.of("loop"));
    for (String path :
        List.of("whole/f", "whole/sub/f", "a/middle/f", "a/middle/sub", "inner/c/f", "loop/x")) {
      assertUnreachable(path);
    }
    for (String path : List.of("whole", "a/middle", "a/b/c/last", "inner", "loop")) {
      assertThat(refusalOfFile(path)).isEqualTo(FailureCode.FAILURE_CODE_NOT_SERVED);
      assertThat(refusalOfFolder(path)).isEqualTo(FailureCode.FAILURE_CODE_NOT_A_FOLDER);
      assertThat(folder.look(path(path)).status().kind()).isEqualTo(NodeKind.LINK);
    }
    assertThat(folder.look(path("inner")).linkTarget()).isEqualTo("a/b".getBytes(UTF_8));
    assertThat(folder.look(path("a/b/c/last")).linkTarget())
        .isEqualTo(NativeFiles.bytes(outside.resolve("f")));
  }

  @Test
  void magicLinksLeadNowhere() throws Exception {
    try (SharedFolder proc = ShareRoot.open("/proc").folder()) {
      String own = "self/fd";
      for (String path : List.of("self/root/etc/passwd", own, "self/cwd", "thread-self/root")) {
        assertThatThrownBy(() -> proc.openFolder(path(path))).isInstanceOf(FailureException.class);
        assertThatThrownBy(() -> proc.openFile(path(path))).isInstanceOf(FailureException.class);
      }
      String pid = Long.toString(ProcessHandle.current().pid());
      for (String path : List.of("/root", "/cwd", "/exe", "/root/etc/passwd", "/cwd/pom.xml")) {
        assertThatThrownBy(() -> proc.openFile(path(pid + path)))
            .isInstanceOf(FailureException.class);
        assertThatThrownBy(() -> proc.openFolder(path(pid + path)))
            .isInstanceOf(FailureException.class);
      }
      assertThat(proc.look(path(pid + "/root")).status().kind()).isEqualTo(NodeKind.LINK);
    }
  }

  @Test
  void mountedFileSystemIsAnEmptyFolderNobodyEnters() throws Exception {
    Path point = Files.createDirectory(root.resolve("a/mounted"));
    NativeFiles.mountTmpfs(NativeFiles.bytes(point));
    try {
      Files.createDirectory(point.resolve("sub"));
      Files.writeString(point.resolve("f"), "SECRET");
      assertUnreachable("a/mounted/f");
      assertUnreachable("a/mounted/sub");
      assertThat(refusalOfFolder("a/mounted")).isEqualTo(FailureCode.FAILURE_CODE_NOT_A_FOLDER);
      assertThat(refusalOfFile("a/mounted")).isEqualTo(FailureCode.FAILURE_CODE_IS_A_FOLDER);
      FileStatus seen = folder.look(path("a/mounted")).status();
      assertThat(seen.kind()).isEqualTo(NodeKind.MOUNT_POINT);
      List<FileStatus> listed = new ArrayList<>();
      try (OpenFolder parent = folder.openFolder(path("a"))) {
        parent.visit((name, node) -> {
          if (new String(name, UTF_8).equals("mounted")) {
            listed.add(node.status());
          }
          return true;
        });
      }
      assertThat(listed).containsExactly(seen);
    } finally {
      NativeFiles.unmount(NativeFiles.bytes(point));
    }
  }

  @Test
  void fileMountedOverAFileIsNotServed() throws Exception {
    Files.writeString(root.resolve("covered"), "inside");
    byte[] point = NativeFiles.bytes(root.resolve("covered"));
    NativeFiles.bind(NativeFiles.bytes(outside.resolve("f")), point);
    try {
      assertUnreachable("covered");
      try (OpenFolder listing = folder.openFolder(RelativePath.ROOT)) {
        listing.visit((name, node) -> {
          boolean covered = new String(name, UTF_8).equals("covered");
          assertThat(node.status().kind() == NodeKind.SPECIAL).isEqualTo(covered);
          return true;
        });
      }
    } finally {
      NativeFiles.unmount(point);
    }
  }

  @Test
  void specialsAnswerAtOnceAndAreNotOpened() throws Exception {
    NativeFiles.fifo(NativeFiles.bytes(root.resolve("fifo")));
    assertThat(refusalOfFile("fifo")).isEqualTo(FailureCode.FAILURE_CODE_NOT_SERVED);
    assertThat(refusalOfFolder("fifo")).isEqualTo(FailureCode.FAILURE_CODE_NOT_A_FOLDER);
    assertThat(folder.look(path("fifo")).status().kind()).isEqualTo(NodeKind.SPECIAL);
    assertThat(names("")).contains("fifo");
    try (SharedFolder devices = ShareRoot.open("/dev").folder()) {
      assertThatThrownBy(() -> devices.openFile(path("null"))).hasMessageContaining("NOT_SERVED");
      assertThatThrownBy(() -> devices.openFile(path("tty"))).hasMessageContaining("NOT_SERVED");
    }
  }

  @Test
  void longestPathsAreReached() throws Exception {
    String name = "n".repeat(255);
    Files.createDirectory(root.resolve("x"));
    String script =
        "cd \"$1\"; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do mkdir $2; cd $2; done;"
            + " printf deep > $2; printf deeper > ${2%n}";
    run("sh", "-c", script, "sh", root.resolve("x").toString(), name);
    String folders = (name + "/").repeat(15);
    // One byte more than the kernel takes at once.
    String longest = "x/" + folders + name.substring(1);
    assertThat(longest).hasSize(Limits.PATH_BYTES);
    assertThat(content(longest)).isEqualTo("deeper");

    run("mv", root.resolve("x").resolve(name).toString(), root.toString());
    assertThat(folders + name).hasSize(Limits.PATH_BYTES - 1);
    assertThat(content(folders + name)).isEqualTo("deep");
    run("rm", "-r", root.resolve(name).toString());
  }

  @Test
  void closedFolderRefusesAndOpenFilesGoOn() throws Exception {
    try (OpenFile file = folder.openFile(path("f"))) {
      folder.close();
      folder.close();
      assertThat(file.status().size()).isEqualTo(6);
      assertThatThrownBy(() -> folder.look(path("f"))).isInstanceOf(FailureException.class);
    }
  }

  @Test
  void swappedLinksNeverLeak() throws Exception {
    Files.createDirectory(root.resolve("d"));
    Files.writeString(root.resolve("d/f"), "inside");
    Files.createSymbolicLink(root.resolve("s"), outside);
    AtomicBoolean stop = new AtomicBoolean();
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      Future<?> swapping = threads.submit(() -> swap(stop));
      long end = System.nanoTime() + ATTACK_NANOS;
      List<Future<long[]>> readers = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        readers.add(threads.submit(attack(end)));
      }
      long reads = 0;
      for (Future<long[]> reader : readers) {
        long[] counts = reader.get(30, TimeUnit.SECONDS);
        assertThat(counts[0]).as("leaks").isZero();
        reads += counts[1];
      }
      stop.set(true);
      swapping.get(10, TimeUnit.SECONDS);
      assertThat(reads).as("legitimate reads").isPositive();
    } finally {
      stop.set(true);
      threads.shutdown();
      assertThat(threads.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
    }
  }

  private Callable<long[]> attack(long end) {
    return () -> {
      long[] leaksAndReads = new long[2];
      while (System.nanoTime() < end) {
        try {
          leaksAndReads[content("d/f").equals("SECRET") ? 0 : 1]++;
        } catch (FailureException refused) {
          assertThat(refused.code())
              .isIn(FailureCode.FAILURE_CODE_NOT_A_FOLDER, FailureCode.FAILURE_CODE_NOT_FOUND);
        }
        try {
          if (names("d").contains("sub")) {
            leaksAndReads[0]++;
          }
        } catch (FailureException refused) {
          assertThat(refused.code())
              .isIn(FailureCode.FAILURE_CODE_NOT_A_FOLDER, FailureCode.FAILURE_CODE_NOT_FOUND);
        }
      }
      return leaksAndReads;
    };
  }

  private Void swap(AtomicBoolean stop) throws IOException {
    Path real = root.resolve("d");
    Path link = root.resolve("s");
    Path spare = root.resolve("k");
    while (!stop.get()) {
      Files.move(real, spare, StandardCopyOption.ATOMIC_MOVE);
      Files.move(link, real, StandardCopyOption.ATOMIC_MOVE);
      Files.move(real, link, StandardCopyOption.ATOMIC_MOVE);
      Files.move(spare, real, StandardCopyOption.ATOMIC_MOVE);
    }
    return null;
  }

  private static void run(String... command) throws Exception {
    Process process = new ProcessBuilder(command).inheritIO().start();
    assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isZero();
  }

  private void assertUnreachable(String path) {
    assertThatThrownBy(() -> folder.openFile(path(path)))
        .as("open %s", path)
        .isInstanceOf(FailureException.class);
    assertThatThrownBy(() -> folder.openFolder(path(path)))
        .as("list %s", path)
        .isInstanceOf(FailureException.class);
    assertThatThrownBy(() -> folder.look(path(path)))
        .as("look at %s", path)
        .isInstanceOf(FailureException.class);
  }

  private FailureCode refusalOfFile(String path) {
    try (OpenFile opened = folder.openFile(path(path))) {
      throw new AssertionError(path + " was opened: " + opened);
    } catch (FailureException refused) {
      return refused.code();
    }
  }

  private FailureCode refusalOfFolder(String path) {
    try (OpenFolder opened = folder.openFolder(path(path))) {
      throw new AssertionError(path + " was opened: " + opened);
    } catch (FailureException refused) {
      return refused.code();
    }
  }

  private String content(String path) throws FailureException {
    try (OpenFile file = folder.openFile(path(path));
        Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(64);
      int length = file.read(0, bytes);
      return new String(bytes.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE), UTF_8);
    }
  }

  private List<String> names(String path) throws FailureException {
    List<String> names = new ArrayList<>();
    try (OpenFolder listed = folder.openFolder(path(path))) {
      boolean ended = listed.visit((name, node) -> names.add(new String(name, UTF_8)));
      assertThat(ended).isTrue();
    }
    return names;
  }

  private static RelativePath path(String path) {
    return path.isEmpty()
        ? RelativePath.ROOT
        : new RelativePath(path.getBytes(UTF_8), path.split("/").length);
  }
}
