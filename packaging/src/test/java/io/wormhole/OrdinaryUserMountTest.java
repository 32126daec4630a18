package io.wormhole;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.TwoMachines.Outcome;
import io.wormhole.TwoMachines.Shared;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whoever is not root mounts as well, with nothing but what distributions give everybody. */
@RealMount
class OrdinaryUserMountTest {
  private static final String CONTROL = "mount -t fusectl none /sys/fs/fuse/connections";
  private static final String WITHOUT_LIBFUSE3 =
      ": >\"$1/none\"; mount --bind \"$1/none\""
          + " \"$(readlink -f /usr/lib/$(uname -m)-linux-gnu/libfuse3.so.3)\"; ";
  private static final int NOBODY_HANGS_SECONDS = 45;

  @TempDir Path temp;
  private TwoMachines machines;
  private Shared shared;

  @BeforeEach
  void share() throws IOException, InterruptedException {
    Path folder = Files.createDirectory(temp.resolve("shared"));
    Files.writeString(folder.resolve("file"), "content");
    Files.write(folder.resolve("large"), new byte[8 << 20]);
    machines = new TwoMachines(temp.resolve("machines"));
    shared = machines.host(folder);
  }

  @AfterEach
  void end() throws IOException {
    machines.close();
  }

  private OrdinaryUser user(String setUp) throws IOException, InterruptedException {
    return new OrdinaryUser(Files.createDirectory(temp.resolve("user")), setUp);
  }

  private Outcome mount(OrdinaryUser user, Path at, String... options)
      throws IOException, InterruptedException {
    String[] command = new String[options.length + 5];
    command[0] = "mount";
    command[1] = shared.code();
    command[2] = at.toString();
    command[3] = "--peer";
    command[4] = shared.address();
    System.arraycopy(options, 0, command, 5, options.length);
    return user.wormhole(command);
  }

  private static String mountLine(OrdinaryUser user, Path at)
      throws IOException, InterruptedException {
    return user.does("findmnt", "-n", "-o", "SOURCE,FSTYPE,OPTIONS", at.toString()).out();
  }

  private static void succeeded(Outcome outcome) {
    assertThat(outcome.exit()).as(outcome.toString()).isZero();
  }

  @Test
  void theUsersMountIsTheUsersAloneAndSafe() throws IOException, InterruptedException {
    try (OrdinaryUser user = user(":")) {
      Path at = user.folder("mnt, with \\ blanks");
      succeeded(mount(user, at));
      assertThat(user.does("cat", at.resolve("file").toString()).out()).isEqualTo("content");
      assertThat(user.does("find", at.toString(), "-user", "root").out()).isEmpty();
      assertThat(mountLine(user, at))
          .contains(
              "shared",
              "fuse.wormhole",
              "ro,",
              "nosuid",
              "nodev",
              "default_permissions",
              "max_read=1048576")
          .doesNotContain("allow_other");
      Outcome root =
          TwoMachines.run(user.asRoot("cat", at.resolve("file").toString()).toArray(String[]::new));
      assertThat(root.err()).contains("Permission denied");
      assertThat(user.does("touch", at.resolve("new").toString()).err())
          .contains("Read-only file system");
      assertThat(user.wormhole("status", "--json").json("backend")).isEqualTo("device");
      Process holder =
          new ProcessBuilder(
                  user.command(
                      "sh", "-c", "cd \"$1\" && echo in && exec sleep 60", "sh", at.toString()))
              .start();
      assertThat(holder.getInputStream().read()).isEqualTo('i');
      Outcome busy = user.wormhole("unmount", at.toString());
      assertThat(busy.exit()).isEqualTo(1);
      assertThat(busy.err()).contains("busy");
      holder.destroy();
      assertThat(holder.waitFor(NOBODY_HANGS_SECONDS, TimeUnit.SECONDS)).isTrue();
      succeeded(user.wormhole("unmount", at.toString()));
      assertThat(mountLine(user, at)).isEmpty();
    }
  }

  @Test
  void othersAreLetInOnlyWhereRootAllowsUsersToDoThat() throws IOException, InterruptedException {
    try (OrdinaryUser user =
        user("echo '# none' >\"$1/fuse.conf\"; mount --bind \"$1/fuse.conf\" /etc/fuse.conf")) {
      Path at = user.folder("mnt");
      Outcome refused = mount(user, at, "--allow-other");
      assertThat(refused.exit()).isEqualTo(5);
      assertThat(refused.err()).contains("user_allow_other", "/etc/fuse.conf").hasLineCount(1);
      succeeded(
          TwoMachines.run(
              user.asRoot("sh", "-c", "echo user_allow_other >>/etc/fuse.conf")
                  .toArray(String[]::new)));
      Outcome again = machines.onSharing("host", temp.resolve("shared").toString(), "-d", "--json");
      succeeded(again);
      succeeded(
          user.wormhole(
              "mount",
              again.json("code"),
              at.toString(),
              "--peer",
              shared.address(),
              "--allow-other"));
      assertThat(mountLine(user, at)).contains("allow_other");
      Outcome root =
          TwoMachines.run(user.asRoot("cat", at.resolve("file").toString()).toArray(String[]::new));
      assertThat(root.out()).isEqualTo("content");
    }
  }

  @Test
  void theMountOfAKilledDaemonIsClearedByTheNextStart() throws IOException, InterruptedException {
    try (OrdinaryUser user = user(":")) {
      Path at = user.folder("mnt");
      succeeded(mount(user, at));
      kill(user.daemonPid());
      assertThat(user.does("stat", at.toString()).err())
          .contains("Transport endpoint is not connected");
      succeeded(user.wormhole("daemon", "start"));
      awaitContent(user, at.resolve("file"));
      assertThat(mountLine(user, at).lines()).hasSize(1);
      kill(user.daemonPid());
      succeeded(user.wormhole("unmount", at.toString(), "--force"));
      assertThat(mountLine(user, at)).isEmpty();
    }
  }

  private static void kill(long pid) throws IOException, InterruptedException {
    ProcessHandle process = ProcessHandle.of(pid).orElseThrow();
    succeeded(TwoMachines.run("kill", "-KILL", Long.toString(pid)));
    Await.end(process, Duration.ofSeconds(NOBODY_HANGS_SECONDS));
  }

  private static void awaitContent(OrdinaryUser user, Path file)
      throws IOException, InterruptedException {
    var _ =
        Await.until(
            Duration.ofSeconds(NOBODY_HANGS_SECONDS),
            () -> user.does("cat", file.toString()),
            read -> read.out().equals("content"));
  }

  @Test
  void aTerminatedDaemonUnmounts() throws IOException, InterruptedException {
    try (OrdinaryUser user = user(":")) {
      Path at = user.folder("mnt");
      succeeded(mount(user, at));
      ProcessHandle daemon = ProcessHandle.of(user.daemonPid()).orElseThrow();
      succeeded(TwoMachines.run("kill", "-TERM", Long.toString(daemon.pid())));
      Await.end(daemon, Duration.ofSeconds(NOBODY_HANGS_SECONDS));
      assertThat(mountLine(user, at)).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {":", CONTROL})
  void forceEndsTheReadersOfASilentHost(String setUp) throws IOException, InterruptedException {
    long host = TwoMachines.daemonPid(machines.sharing());
    try (OrdinaryUser user = user(setUp)) {
      Path at = user.folder("mnt");
      succeeded(mount(user, at));
      succeeded(TwoMachines.run("kill", "-STOP", Long.toString(host)));
      Process reader =
          new ProcessBuilder(
                  user.command(
                      "sh",
                      "-c",
                      "exec 3<\"$1\"; echo open; cat <&3 >\"$2\"",
                      "sh",
                      at.resolve("large").toString(),
                      "/dev/null"))
              .redirectErrorStream(true)
              .start();
      Outcome forced = user.wormhole("unmount", at.toString(), "--force");
      succeeded(forced);
      assertThat(reader.waitFor(NOBODY_HANGS_SECONDS, TimeUnit.SECONDS)).isTrue();
      assertThat(reader.exitValue()).isNotZero();
      assertThat(mountLine(user, at)).isEmpty();
      assertThat(user.wormhole("status", "--json").out()).doesNotContain(at.toString());
    } finally {
      succeeded(TwoMachines.run("kill", "-CONT", Long.toString(host)));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "cp /usr/bin/fusermount3 \"$1/helper\"; mount --bind \"$1/helper\" /usr/bin/fusermount3"
            + " # is not set-uid root",
        "mount --bind /dev/null \"$(readlink -f /usr/bin/fusermount3)\" # Install the package fuse3",
        "chmod 600 /dev/fuse # chmod 666 /dev/fuse",
        "mount -t tmpfs none /dev; mknod -m 666 /dev/null c 1 3; mknod -m 666 /dev/urandom c 1 9;"
            + " mknod -m 666 /dev/random c 1 8 # /dev/fuse is missing",
        WITHOUT_LIBFUSE3
            + ": >\"$1/none2\"; mount --bind \"$1/none2\""
            + " \"$(readlink -f /usr/lib/$(uname -m)-linux-gnu/libfuse.so.2)\""
            + " # Install the package fuse3",
      })
  void whatAUserLacksToMountIsNamedInOneLine(String setUpAndWords)
      throws IOException, InterruptedException {
    String[] parts = setUpAndWords.split(" # ", -1);
    try (OrdinaryUser user = user(parts[0])) {
      Outcome refused = mount(user, user.folder("mnt"));
      assertThat(refused.exit()).as(refused.toString()).isEqualTo(5);
      assertThat(refused.err()).contains(parts[1]).hasLineCount(1);
      Outcome doctor = user.wormhole("doctor");
      assertThat(doctor.exit()).isEqualTo(5);
    }
  }

  @Test
  void jnrWithoutItsLibraryOrHelperNamesThePackage() throws IOException, InterruptedException {
    String withoutLibrary =
        "mount --bind /dev/null \"$(readlink -f /usr/lib/$(uname -m)-linux-gnu/libfuse.so.2)\"";
    try (OrdinaryUser user = user(withoutLibrary)) {
      Path at = user.folder("mnt");
      Outcome refused = mount(user, at, "--fuse", "jnr");
      assertThat(refused.exit()).as(refused.toString()).isEqualTo(5);
      assertThat(refused.err()).contains("apt-get install libfuse2").hasLineCount(1);
      succeeded(
          TwoMachines.run(
              user.asRoot("mount", "--bind", "/dev/null", "/usr/bin/fusermount")
                  .toArray(String[]::new)));
      Outcome helpless = mount(user, at, "--fuse", "jnr");
      assertThat(helpless.exit()).as(helpless.toString()).isEqualTo(5);
      assertThat(helpless.err()).contains("fusermount is missing", "fuse3").hasLineCount(1);
    }
  }

  @Test
  void doctorSaysWhetherTheHelperMayWorkAndOthersMayBeLetIn()
      throws IOException, InterruptedException {
    String configuration = ": >\"$1/conf\"; mount --bind \"$1/conf\" /etc/fuse.conf";
    try (OrdinaryUser user = user(configuration)) {
      Outcome doctor = user.wormhole("doctor");
      assertThat(doctor.out()).contains("letting others in needs the line user_allow_other");
      Files.writeString(temp.resolve("user/conf"), "user_allow_other\n");
      assertThat(user.wormhole("doctor").out()).contains("--allow-other lets others in");

      List<String> without = List.of("setpriv", "--no-new-privs");
      Outcome refused = user.wormholeBy(without, "doctor");
      assertThat(refused.exit()).as(refused.toString()).isEqualTo(5);
      assertThat(refused.out()).contains("(no_new_privs)", "NoNewPrivileges=no");
    }
  }

  @Test
  void jnrMountsWhereTheDeviceCannot() throws IOException, InterruptedException {
    try (OrdinaryUser user = user(WITHOUT_LIBFUSE3)) {
      Path at = user.folder("mnt");
      Outcome refused = mount(user, at, "--fuse", "device");
      assertThat(refused.exit()).isEqualTo(5);
      assertThat(refused.err()).contains("Install the package fuse3").hasLineCount(1);
      succeeded(user.wormhole("mount", shared.code(), at.toString(), "--peer", shared.address()));
      assertThat(user.wormhole("status", "--json").json("backend")).isEqualTo("jnr");
      assertThat(user.does("cat", at.resolve("file").toString()).out()).isEqualTo("content");
      assertThat(mountLine(user, at)).contains("nosuid", "nodev", "default_permissions");
      kill(user.daemonPid());
      succeeded(user.wormhole("daemon", "start"));
      awaitContent(user, at.resolve("file"));
      succeeded(user.wormhole("unmount", at.toString()));
      assertThat(mountLine(user, at)).isEmpty();
    }
  }
}
