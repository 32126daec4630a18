package io.wormhole;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.TwoMachines.Outcome;
import io.wormhole.TwoMachines.Shared;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a host excludes is not there for who mounts. */
@RealMount
class ExcludesMountTest {
  @TempDir Path temp;

  private static Outcome shell(String script, Path folder) throws Exception {
    return TwoMachines.run(
        "sh", "-c", "export LC_ALL=C; cd \"$1\" && " + script, "sh", "" + folder);
  }

  @Test
  void excludedIsNotThereAndFurtherOwnersExcludeMore() throws Exception {
    Path original = Files.createDirectory(temp.resolve("original"));
    Outcome made =
        shell(
            """
            mkdir -p src/build private/deep && echo secret >id.key && echo secret >private/deep/x
            echo plain >src/plain && echo kept >keep.key && echo obj >src/build/o
            ln -s private/deep/x link && ln id.key hard && printf x >"$(printf 'f\\377.key')"
            """,
            original);
    assertThat(made.exit()).as(made.toString()).isZero();
    try (TwoMachines machines = new TwoMachines(temp.resolve("machines"))) {
      Outcome mistyped = machines.onSharing("host", original.toString(), "--exclude", "[ab");
      assertThat(mistyped.exit()).as(mistyped.toString()).isEqualTo(2);
      assertThat(mistyped.err()).contains("cannot exclude '[ab'").hasLineCount(1);
      Shared shared =
          machines.host(
              original, "--exclude", "*.key", "--exclude", "!keep.key", "--exclude", "/private/");
      Path mounted = machines.mount(shared, "mnt");
      String find = "find . -mindepth 1 -printf '%P\\n' | sort";
      assertThat(shell(find, mounted).out())
          .isEqualTo("hard\nkeep.key\nlink\nsrc\nsrc/build\nsrc/build/o\nsrc/plain\n");
      Outcome guesses =
          shell(
              """
              for path in id.key private private/deep private/deep/x link private/none none.key; do
                message=$(cat "$path" 2>&1) && echo "read: $path"
                case $message in *'No such file'*) ;; *) echo "$path: $message" ;; esac
              done
              cat keep.key src/plain
              """,
              mounted);
      assertThat(guesses.out()).isEqualTo("kept\nplain\n");

      Shared narrower = machines.host(original, "--exclude", "build/");
      Path second = machines.mount(narrower, "mnt2");
      assertThat(shell(find, second).out()).isEqualTo("hard\nkeep.key\nlink\nsrc\nsrc/plain\n");
    }
  }
}
