package io.wormhole;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.TwoMachines.Outcome;
import io.wormhole.TwoMachines.Shared;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole job over either backend, by an option or by a setting. */
@RealMount
class BackendsMountTest {
  private static final int FILE_BYTES = 5_000_000;
  private static final long SEED = 11;

  @TempDir Path temp;

  @Test
  void aMountGoesByTheBackendThatIsAskedForElseByTheOneThatIsSet() throws Exception {
    Path original = Files.createDirectory(temp.resolve("original"));
    byte[] content = new byte[FILE_BYTES];
    new Random(SEED).nextBytes(content);
    Files.write(original.resolve("film"), content);
    Files.createDirectories(original.resolve("a/b"));
    Files.writeString(original.resolve("a/b/naïve\nname"), "odd");
    try (TwoMachines machines = new TwoMachines(temp.resolve("machines"))) {
      Outcome unknown = machines.onMounting("mount", "0000", "--fuse", "kext");
      assertThat(unknown.exit()).as(unknown.toString()).isEqualTo(2);
      assertThat(unknown.err()).contains("auto or device or jnr").hasLineCount(1);

      Shared shared = machines.host(original);
      Path byDefault = machines.mount(shared, "device");
      Path asked = machines.mount(shared, "jnr", "--fuse", "jnr");
      for (Path mounted : new Path[] {byDefault, asked}) {
        assertThat(mounted.resolve("film")).hasBinaryContent(content);
        Outcome difference = TwoMachines.run("diff", "-r", original.toString(), mounted.toString());
        assertThat(difference.exit()).as(difference.toString()).isZero();
      }
      Outcome status = machines.onMounting("status");
      assertThat(status.out()).contains("by device (the best one here)", "by jnr (asked for)");

      assertThat(machines.onMounting("unmount", "--all").exit()).isZero();
      assertThat(machines.onMounting("config", "set", "mount.fuse", "jnr").exit()).isZero();
      assertThat(machines.onMounting("daemon", "stop").exit()).isZero();
      Path set = machines.mount(shared, "set");
      assertThat(set.resolve("film")).hasBinaryContent(content);
      assertThat(machines.onMounting("status").out()).contains("by jnr (set by mount.fuse)");
      assertThat(machines.onMounting("doctor").out()).contains("jnr, as mount.fuse says");
    }
  }
}
