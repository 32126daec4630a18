package io.wormhole;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.TwoMachines.Outcome;
import io.wormhole.TwoMachines.Shared;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Mount points that are links, lie on other file systems, or are changed behind the mount. */
@RealMount
class MountPointMountTest {
  @TempDir Path temp;
  private TwoMachines machines;
  private Shared shared;

  @BeforeEach
  void share() throws IOException, InterruptedException {
    Path folder = Files.createDirectory(temp.resolve("shared"));
    Files.writeString(folder.resolve("file"), "content");
    Files.createDirectory(folder.resolve("empty"));
    Files.createDirectory(folder.resolve("another"));
    machines = new TwoMachines(temp.resolve("machines"));
    shared = machines.host(folder);
  }

  @AfterEach
  void end() throws IOException {
    machines.close();
    assertThat(TwoMachines.mountTable()).doesNotContain(temp.toString());
  }

  private static void succeeded(Outcome outcome) {
    assertThat(outcome.exit()).as(outcome.toString()).isZero();
  }

  private static void program(Object... command) throws IOException, InterruptedException {
    String[] words = new String[command.length];
    for (int i = 0; i < words.length; i++) {
      words[i] = command[i].toString();
    }
    succeeded(TwoMachines.run(words));
  }

  private Outcome mount(Path at) throws IOException, InterruptedException {
    return machines.onMounting("mount", shared.code(), at.toString(), "--peer", shared.address());
  }

  private Outcome unmount(Path at, String... options) throws IOException, InterruptedException {
    String[] command = new String[options.length + 2];
    command[0] = "unmount";
    command[1] = at.toString();
    System.arraycopy(options, 0, command, 2, options.length);
    return machines.onMounting(command);
  }

  private String kept() throws IOException {
    return Files.readString(machines.mounting().resolve("state/mounts.json"));
  }

  @Test
  void aLinkIsKeptByWhatItLeadsTo() throws IOException, InterruptedException {
    Path target = Files.createDirectory(temp.resolve("target"));
    Path link = Files.createSymbolicLink(temp.resolve("link"), Path.of("target"));
    succeeded(mount(link));
    assertThat(kept()).contains(target + "\"").doesNotContain(link + "\"");
    Outcome again = mount(link);
    assertThat(again.exit()).isEqualTo(1);
    assertThat(again.err()).contains("something is mounted there already").hasLineCount(1);

    TwoMachines.endDaemon(machines.mounting(), "KILL");
    succeeded(machines.onMounting("daemon", "start"));
    TwoMachines.awaitContent(link.resolve("file"), "content");
    succeeded(unmount(link));
    assertThat(kept()).doesNotContain(target.toString());

    Files.delete(target);
    Outcome dangling = mount(link);
    assertThat(dangling.exit()).isEqualTo(1);
    assertThat(dangling.err())
        .contains("no such folder: " + target, "mkdir -p " + target)
        .hasLineCount(1);
    Files.createDirectory(target);

    succeeded(mount(link));
    TwoMachines.endDaemon(machines.mounting(), "KILL");
    succeeded(unmount(link, "--force"));
    assertThat(TwoMachines.mountTable()).doesNotContain(target.toString());
  }

  @Test
  void aFolderOfAnotherMountWillDoUnlessThatDoesNotAnswer()
      throws IOException, InterruptedException {
    Path memory = Files.createDirectory(temp.resolve("memory"));
    program("mount", "-t", "tmpfs", "none", memory);
    try {
      Path within = Files.createDirectory(memory.resolve("within"));
      succeeded(mount(within));
      assertThat(within.resolve("file")).content().isEqualTo("content");
      succeeded(unmount(within));
    } finally {
      program("umount", memory);
    }

    Path second = machines.another("second");
    Path outer = machines.mountOn(second, shared, "outer");
    succeeded(mount(outer.resolve("empty")));
    assertThat(outer.resolve("empty/file")).content().isEqualTo("content");
    Outcome held = machines.on(second, "unmount", outer.toString());
    assertThat(held.exit()).isEqualTo(1);
    assertThat(held.err()).contains("something is mounted at " + outer.resolve("empty"));
    succeeded(unmount(outer.resolve("empty")));

    String daemon = Long.toString(TwoMachines.daemonPid(second));
    program("kill", "-STOP", daemon);
    try {
      Outcome silent = mount(outer.resolve("another"));
      assertThat(silent.exit()).as(silent.toString()).isEqualTo(1);
      assertThat(silent.err())
          .contains(outer.resolve("another").toString(), "does not answer")
          .hasLineCount(1);
      succeeded(machines.onMounting("status"));
    } finally {
      program("kill", "-CONT", daemon);
    }
  }

  @Test
  void whatIsMountedOverItIsNamedAndLeftAlone() throws IOException, InterruptedException {
    Path at = machines.mount(shared, "mnt");
    program("mount", "-t", "tmpfs", "cover", at);
    try {
      Files.writeString(at.resolve("mine"), "mine");
      assertThat(machines.onMounting("status").out())
          .contains("cover (tmpfs) is mounted over it; unmount that first: umount " + at);
      for (String[] options : new String[][] {{}, {"--force"}}) {
        Outcome refused = unmount(at, options);
        assertThat(refused.exit()).as(refused.toString()).isEqualTo(1);
        assertThat(refused.err())
            .contains("cover (tmpfs) is mounted over " + at, "umount " + at)
            .hasLineCount(1);
        assertThat(at.resolve("mine")).content().isEqualTo("mine");
      }
    } finally {
      program("umount", at);
    }
    succeeded(unmount(at, "--force"));
    assertThat(kept()).doesNotContain(at.toString());
    succeeded(mount(at));
    assertThat(at.resolve("file")).content().isEqualTo("content");
  }

  @Test
  void aFolderAboveItMayBeRenamed() throws IOException, InterruptedException {
    Path above = Files.createDirectory(temp.resolve("above"));
    Path at = Files.createDirectory(above.resolve("mnt"));
    Path renamed = temp.resolve("renamed");
    Path now = renamed.resolve("mnt");
    succeeded(mount(at));
    Files.move(above, renamed);
    assertThat(now.resolve("file")).content().isEqualTo("content");
    assertThat(machines.onMounting("status", "--json").json("directory")).isEqualTo(now.toString());
    succeeded(unmount(now));
    assertThat(kept()).doesNotContain(at.toString());

    succeeded(mount(now));
    Files.move(renamed, above);
    TwoMachines.endDaemon(machines.mounting(), "KILL");
    succeeded(machines.onMounting("daemon", "start"));
    assertThat(TwoMachines.mountTable()).doesNotContain(at.toString());
    Outcome status = machines.onMounting("status");
    assertThat(status.out()).contains("no such folder: " + now);
    Files.move(above, renamed);
    TwoMachines.awaitContent(now.resolve("file"), "content");
    succeeded(unmount(now));
  }

  @Test
  void itsRemovalFromAnotherNamespaceUnmountsIt() throws IOException, InterruptedException {
    Path at = machines.mount(shared, "mnt");
    program("unshare", "-m", "sh", "-ec", "umount \"$1\"; rmdir \"$1\"", "sh", at);
    assertThat(at).doesNotExist();
    assertThat(machines.onMounting("status", "--json").out()).doesNotContain(at.toString());
    assertThat(kept()).doesNotContain(at.toString());
    Outcome none = unmount(at);
    assertThat(none.exit()).isEqualTo(1);
    assertThat(none.err()).contains("nothing of ours is mounted at " + at).hasLineCount(1);
    Outcome missing = mount(at);
    assertThat(missing.exit()).isEqualTo(1);
    assertThat(missing.err()).contains("no such folder: " + at).hasLineCount(1);
  }
}
