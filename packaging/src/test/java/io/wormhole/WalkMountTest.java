package io.wormhole;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.TwoMachines.Shared;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Programs that go through a tree of small files, as it lies there and as it changes. */
@RealMount
@Timeout(180)
class WalkMountTest {
  private static final int FOLDERS = 24;
  private static final int FILES = 40;
  private static final int HEAD_BYTES = 16;

  /** The attributes' life, the kernel's second, and time for a busy machine. */
  private static final long ALL_SEEN_MILLIS = 6_000;

  @TempDir static Path temp;
  private static TwoMachines machines;
  private static Path shared;
  private static Path mounted;

  @BeforeAll
  static void shareAndMount() throws IOException, InterruptedException {
    shared = Files.createDirectory(temp.resolve("shared"));
    for (int folder = 0; folder < FOLDERS; folder++) {
      Path made = Files.createDirectories(shared.resolve("%02d/in".formatted(folder)));
      for (int file = 0; file < FILES; file++) {
        Files.write(made.resolve("%02d".formatted(file)), edition(folder * FILES + file, 0));
      }
      Files.createSymbolicLink(made.resolve("link"), Path.of("00"));
    }
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

  /** Says which file's and which edition it is, and is nothing else's. */
  private static byte[] edition(int file, int number) {
    Random random = new Random(file * 1000L + number);
    byte[] bytes = new byte[HEAD_BYTES + random.nextInt(40_000)];
    random.nextBytes(bytes);
    byte[] head = "%07d %07d ".formatted(file, number).getBytes(US_ASCII);
    System.arraycopy(head, 0, bytes, 0, HEAD_BYTES);
    return bytes;
  }

  private static void assertIsAnEdition(int file, byte[] read) {
    String head = new String(read, 0, HEAD_BYTES, US_ASCII);
    assertThat(head).startsWith("%07d ".formatted(file));
    int number = Integer.parseInt(head.substring(8, 15));
    assertThat(Arrays.equals(read, edition(file, number)))
        .as("file %d is edition %d from end to end", file, number)
        .isTrue();
  }

  /** All files that stay, as they are listed. */
  private static List<Path> walk() throws IOException {
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> folders = Files.newDirectoryStream(mounted)) {
      for (Path folder : folders) {
        try (DirectoryStream<Path> entries =
            Files.newDirectoryStream(folder.resolve("in"), "[0-9][0-9]")) {
          entries.forEach(files::add);
        }
      }
    }
    return files;
  }

  private static int number(Path file) {
    Path folder = mounted.relativize(file).getName(0);
    return Integer.parseInt(folder.toString()) * FILES
        + Integer.parseInt(file.getFileName().toString());
  }

  /** How many there were to read; one that is replaced at that moment may be stale. */
  private static int readAll(List<Path> files) throws IOException {
    int read = 0;
    for (Path file : files) {
      byte[] bytes;
      try {
        bytes = Files.readAllBytes(file);
      } catch (IOException stale) {
        assertThat(stale).hasMessageMatching("(?s).*(Stale file handle|%s).*".formatted(file));
        continue;
      }
      assertIsAnEdition(number(file), bytes);
      read++;
    }
    return read;
  }

  @Test
  void everyCopyIsTheOriginal() throws Exception {
    Path copy = temp.resolve("copy");
    Process copying =
        new ProcessBuilder("cp", "-r", "--no-dereference", mounted.toString(), copy.toString())
            .inheritIO()
            .start();
    assertThat(copying.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(copying.exitValue()).isZero();
    Process comparing =
        new ProcessBuilder("diff", "-r", "--no-dereference", mounted.toString(), copy.toString())
            .inheritIO()
            .start();
    assertThat(comparing.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(comparing.exitValue()).isZero();
    assertThat(walk()).hasSize(FOLDERS * FILES);
  }

  @Test
  void whatChangesUnderSeveralWalkersIsNeverMixed() throws Exception {
    AtomicBoolean over = new AtomicBoolean();
    List<Callable<Void>> tasks = new ArrayList<>();
    tasks.add(() -> {
      Random random = new Random(11);
      for (int number = 1; !over.get(); number++) {
        int file = random.nextInt(FOLDERS * FILES);
        Path path = shared.resolve("%02d/in/%02d".formatted(file / FILES, file % FILES));
        if (random.nextBoolean()) {
          Path other = Files.write(temp.resolve("other"), edition(file, number));
          Files.move(other, path, StandardCopyOption.ATOMIC_MOVE);
        } else {
          Path aside = path.resolveSibling("aside");
          Files.write(aside, edition(file, number));
          Files.move(aside, path, StandardCopyOption.ATOMIC_MOVE);
        }
        Thread.sleep(5);
      }
      return null;
    });
    for (Comparator<Path> order :
        List.<Comparator<Path>>of(
            Comparator.naturalOrder(),
            Comparator.reverseOrder(),
            Comparator.comparing(path -> path.getFileName().toString()))) {
      tasks.add(() -> {
        for (int round = 0; round < 2; round++) {
          List<Path> files = walk().stream().sorted(order).toList();
          assertThat(readAll(files)).isGreaterThan(FOLDERS * FILES / 2);
        }
        return null;
      });
    }
    try (ExecutorService walkers = Executors.newFixedThreadPool(tasks.size())) {
      List<Future<Void>> running = tasks.stream().map(walkers::submit).toList();
      try {
        for (Future<Void> walker : running.subList(1, running.size())) {
          walker.get(120, TimeUnit.SECONDS);
        }
      } finally {
        over.set(true);
      }
      running.getFirst().get(10, TimeUnit.SECONDS);
    }
    Thread.sleep(ALL_SEEN_MILLIS);
    for (Path file : walk()) {
      byte[] newest = Files.readAllBytes(shared.resolve(mounted.relativize(file)));
      assertThat(Files.readAllBytes(file)).as("%s", file).isEqualTo(newest);
    }
  }
}
