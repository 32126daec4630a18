package io.wormhole;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A process of the shell's that reads a mount with ordinary programs, over and over, and compares
 * what it got with the shared folder. A mount that is gone is an error; bytes or names that are
 * other than the shared folder's are wrong.
 */
final class ComparingReader {
  private static final int FILES = 12;
  private static final int FILE_BYTES = 6 << 20;
  private static final int SMALL_FILES = 200;

  /** What all have: {@code report} says how a round ended, by the exit code of a comparison. */
  private static final String ROUNDS =
      """
      folder=$1 mounted=$2 expected=$3 got=$4 stop=$5 number=$$
      report() {
        case $1 in
          0) echo right ;;
          1) echo "wrong $name" ;;
          *) echo error ;;
        esac
      }
      while [ ! -e "$stop" ]; do
        number=$(((number * 7919 + 104729) % 1000003))
        name=file$((number % %d))
        echo began
        read_and_compare
        report $?
        sleep 0.3
      done
      """
          .replace("%d", Integer.toString(FILES));

  /** What a round reads. */
  enum Job {
    /** A file through the kernel's cache. */
    CMP(
        """
        read_and_compare() { cmp -s "$folder/$name" "$mounted/$name"; }
        """),
    /** Some of a file, past the kernel's cache. */
    DD(
        """
        read_and_compare() {
          from="bs=64k skip=$((number % 64)) count=32 iflag=fullblock"
          dd if="$mounted/$name" of="$got" $from,direct 2>/dev/null || return 2
          dd if="$folder/$name" $from 2>/dev/null | cmp -s - "$got"
        }
        """),
    /** Names, sizes and times of the whole tree. */
    FIND(
        """
        read_and_compare() {
          name=tree
          find "$mounted" -mindepth 1 -printf '%P %s %T@\\n' >"$got.unsorted" 2>/dev/null || return 2
          [ -s "$got.unsorted" ] || return 2
          sort "$got.unsorted" >"$got"
          cmp -s "$expected" "$got"
        }
        """),
    /** A file that stays open, from within a folder of the mount. */
    HELD(
        """
        read_and_compare() (
          cd "$mounted/folder" 2>/dev/null || exit 2
          exec 3<"../$name" || exit 2
          for part in 0 1 2 3 4 5 6 7; do
            dd of="$got" bs=96k count=8 iflag=fullblock <&3 2>/dev/null || exit 2
            dd if="$folder/$name" bs=768k skip=$part count=1 iflag=fullblock 2>/dev/null |
              cmp -s - "$got" || exit 1
            sleep 0.02
          done
        ) 2>/dev/null
        """);

    private final String text;

    Job(String text) {
      this.text = text;
    }
  }

  private final Job job;
  private final Path mounted;
  private final Process process;
  private long right;
  private long errors;
  private long longestNanos;
  private long beganNanos;
  private boolean reading;
  private @Nullable String wrong;

  /**
   * Starts.
   *
   * @param expected what {@link #list} says of the shared folder
   * @param got a file of its own
   * @param stop a file; it ends once that is there
   */
  ComparingReader(Job job, Path folder, Path mounted, Path expected, Path got, Path stop)
      throws IOException {
    this.job = job;
    this.mounted = mounted;
    this.process =
        new ProcessBuilder(
                "sh",
                "-c",
                job.text + ROUNDS,
                "reader",
                folder.toString(),
                mounted.toString(),
                expected.toString(),
                got.toString(),
                stop.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    Thread.ofVirtual().start(this::listen);
  }

  /** Fills a folder with what readers read. */
  static void fill(Path folder, Random random) throws IOException {
    for (int i = 0; i < FILES; i++) {
      byte[] content = new byte[FILE_BYTES];
      random.nextBytes(content);
      Files.write(folder.resolve("file" + i), content);
    }
    for (int i = 0; i < SMALL_FILES; i++) {
      Path parent = Files.createDirectories(folder.resolve("folder/" + i % 10));
      Files.write(parent.resolve("small" + i), new byte[random.nextInt(FILE_BYTES >> 10)]);
    }
  }

  /** Names, sizes and times of a tree, sorted. */
  static Path list(Path folder, Path to) throws IOException, InterruptedException {
    String command = "find \"$1\" -mindepth 1 -printf '%P %s %T@\\n' | sort >\"$2\"";
    assertThat(TwoMachines.run("sh", "-c", command, "sh", folder.toString(), to.toString()).exit())
        .isZero();
    return to;
  }

  private void listen() {
    try (BufferedReader lines = process.inputReader()) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        heard(line);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private synchronized void heard(String line) {
    longestNanos = Math.max(longestNanos, underWayNanos());
    reading = line.equals("began");
    beganNanos = System.nanoTime();
    switch (line) {
      case "began" -> {}
      case "right" -> right++;
      case "error" -> errors++;
      default -> wrong = line;
    }
  }

  private long underWayNanos() {
    return reading ? System.nanoTime() - beganNanos : 0;
  }

  /** Fails where it has read what is wrong, is gone, or is in one round for longer. */
  synchronized void check(Duration longest) {
    longestNanos = Math.max(longestNanos, underWayNanos());
    assertThat(wrong).as(toString()).isNull();
    assertThat(process.isAlive()).as("%s is alive", this).isTrue();
    assertThat(Duration.ofNanos(longestNanos)).as(toString()).isLessThan(longest);
  }

  /** Waits until it has ended by itself: one that is stuck in the kernel does not. */
  void awaitEnd(Duration limit) throws InterruptedException {
    boolean ended = process.waitFor(limit.toSeconds(), TimeUnit.SECONDS);
    assertThat(ended).as("%s has ended; it is at %s", this, states()).isTrue();
    assertThat(wrong).as(toString()).isNull();
  }

  /** Of its process and their children, as {@code /proc} has them: D is a wait nobody can end. */
  private String states() {
    return process
        .toHandle()
        .descendants()
        .map(child -> Path.of("/proc/" + child.pid() + "/stat"))
        .map(stat -> {
          try {
            return Files.readString(stat).strip();
          } catch (IOException over) {
            return "over";
          }
        })
        .collect(Collectors.joining("; "));
  }

  /** Rounds that got what they should. */
  synchronized long right() {
    return right;
  }

  void kill() {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
  }

  @Override
  public synchronized String toString() {
    return "%s of %s: %d right, %d errors, longest %.1f s%s"
        .formatted(
            job, mounted, right, errors, longestNanos / 1e9, wrong == null ? "" : ", " + wrong);
  }
}
