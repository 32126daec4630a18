package io.wormhole;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.TwoMachines.Outcome;
import io.wormhole.TwoMachines.Shared;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A tree with everything odd in it, shared and mounted by the real commands, looks the same. */
@RealMount
class WholeJobMountTest {
  private static final int PLAIN_FILES = 3000;

  @TempDir static Path temp;
  private static TwoMachines machines;
  private static Path original;
  private static Path mounted;

  @BeforeAll
  static void shareAndMount() throws IOException, InterruptedException {
    original = temp.resolve("original");
    Path script = temp.resolve("odd-tree.pl");
    try (InputStream resource = WholeJobMountTest.class.getResourceAsStream("/odd-tree.pl")) {
      assertThat(resource).isNotNull();
      Files.copy(resource, script, StandardCopyOption.REPLACE_EXISTING);
    }
    Outcome made =
        TwoMachines.run(
            "perl", script.toString(), original.toString(), Integer.toString(PLAIN_FILES), "7");
    assertThat(made.exit()).as(made.toString()).isZero();
    machines = new TwoMachines(temp.resolve("machines"));
    Shared shared = machines.host(original);
    mounted = machines.mount(shared, "mnt");
  }

  @AfterAll
  static void end() throws IOException, InterruptedException {
    if (machines != null) {
      machines.close();
    }
  }

  private static Outcome shell(String script) throws IOException, InterruptedException {
    return TwoMachines.run(
        "sh", "-c", "export LC_ALL=C; " + script, "sh", original.toString(), mounted.toString());
  }

  @Test
  void everyByteIsTheSame() throws IOException, InterruptedException {
    Outcome outcome =
        shell("diff -r --no-dereference --exclude='aside*' --exclude=sparse \"$1\" \"$2\"");
    assertThat(outcome.out() + outcome.err()).isEmpty();
    assertThat(outcome.exit()).isZero();
  }

  @Test
  void rsyncByChecksumFindsNothingToDo() throws IOException, InterruptedException {
    Outcome outcome =
        shell(
            "rsync -rlptc --dry-run --itemize-changes --exclude='aside*' --exclude=/sparse"
                + " \"$1/\" \"$2/\"");
    assertThat(outcome.out() + outcome.err()).isEmpty();
    assertThat(outcome.exit()).isZero();
  }

  @Test
  void namesTypesSizesModesTimesLinksAndInodesAreTheSame()
      throws IOException, InterruptedException {
    Outcome outcome =
        shell(
            """
            list() {
              cd "$1" && find . -name 'aside*' -prune -o \
                -printf '%P %y %s %m %T@ %C@ %i %n %b %l\\0' | sort -z
            }
            (list "$1") >"$1.list"; (list "$2") >"$2.list"
            wc -c <"$1.list"; cmp "$1.list" "$2.list"
            """);
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.exit()).isZero();
    assertThat(Integer.parseInt(outcome.out().strip())).isGreaterThan(50 * PLAIN_FILES);
  }

  @Test
  void whatIsSetAsideIsNotShownOrStripped() throws IOException, InterruptedException {
    Outcome outcome = shell("cd \"$2\" && find . -name 'aside*' -printf '%P %y %m\\n' | sort");
    assertThat(outcome.out()).isEqualTo("aside-setid f 755\naside-sticky d 777\n");
  }

  @Test
  void everyChangeIsRefusedAsReadOnly() throws IOException, InterruptedException {
    Outcome outcome =
        shell(
            """
            cd "$2" || exit
            for change in 'touch new' 'mkdir new' 'rm links/target' 'mv links/target x' \
              'ln -s a b' 'ln links/target b' 'chmod 600 links/target' 'rmdir names/empty' \
              'truncate -s 0 links/target' 'mkfifo p'; do
              message=$($change 2>&1) && echo "done: $change"
              case $message in *'Read-only file system'*) ;; *) echo "$change: $message" ;; esac
            done
            """);
    assertThat(outcome.out() + outcome.err()).isEmpty();
  }

  @Test
  void figuresOfTheFileSystemAreTheHosts() throws IOException, InterruptedException {
    Outcome outcome = shell("stat -f -c '%b %c' \"$1\" \"$2\"");
    List<String> lines = outcome.out().lines().toList();
    assertThat(lines).hasSize(2);
    assertThat(lines.getLast()).isEqualTo(lines.getFirst());
  }

  @Test
  void sparseFileIsReadAtBothEndsAndAcrossFourGibibytes() throws IOException, InterruptedException {
    Outcome outcome =
        shell(
            """
            for at in 0 4294967291 6442450933; do
              tail -c +$((at + 1)) "$2/sparse" | head -c 11; echo
            done
            """);
    assertThat(outcome.out()).isEqualTo("eleven byte\neleven byte\neleven byte\n");
  }

  @Test
  void statusNamesTheMount() throws IOException, InterruptedException {
    Outcome status = machines.onMounting("status", "--json");
    assertThat(status.json("state")).isEqualTo("connected");
    assertThat(status.out()).contains(mounted.toString());
    assertThat(status.json("path")).isEqualTo("loopback");
  }
}
