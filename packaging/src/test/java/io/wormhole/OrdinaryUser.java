package io.wormhole;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.TwoMachines.Outcome;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A user of this machine who is not root, made for a test and removed by {@link #close}, in a mount
 * namespace where {@code /dev/fuse} has the mode that distributions give it. Everything the user
 * mounts is there only, and goes with it.
 */
final class OrdinaryUser implements AutoCloseable {
  private static final long SECONDS = 20;

  private static final AtomicInteger MADE = new AtomicInteger();

  private final String name =
      "wormtest" + ProcessHandle.current().pid() + "x" + MADE.incrementAndGet();
  private final Path home;
  private final String classPath;
  private final Process namespace;

  /**
   * @param folder a new one, which everybody may enter
   * @param setUp shell commands that root runs in the namespace before it is used, with the folder
   *     as {@code $1}
   */
  OrdinaryUser(Path folder, String setUp) throws IOException, InterruptedException {
    for (Path each = folder; !each.equals(each.getRoot()); each = each.getParent()) {
      if (!Files.getPosixFilePermissions(each)
          .containsAll(PosixFilePermissions.fromString("--x--x--x"))) {
        Files.setPosixFilePermissions(each, PosixFilePermissions.fromString("rwxr-xr-x"));
      }
    }
    home = folder.resolve("home");
    run("useradd", "--create-home", "--home-dir", home.toString(), "--shell", "/bin/sh", name);
    classPath = copyClassPath(folder.resolve("lib"));
    Path config = Files.createDirectories(home.resolve("machine/config")).resolve("config.toml");
    Files.writeString(config, "discovery.mdns = false\n");
    run("chown", "-R", name, home.toString());
    namespace =
        new ProcessBuilder(
                "unshare",
                "--mount",
                "--propagation",
                "private",
                "sh",
                "-ec",
                "mknod -m 666 \"$1/fuse\" c 10 229; mount --bind \"$1/fuse\" /dev/fuse; "
                    + setUp
                    + "\necho ready; exec sleep 600",
                "sh",
                folder.toString())
            .redirectErrorStream(true)
            .start();
    BufferedReader said =
        new BufferedReader(
            new InputStreamReader(namespace.getInputStream(), StandardCharsets.UTF_8));
    assertThat(said.readLine()).isEqualTo("ready");
  }

  /** Programs that lie where only root can go are copied to where the user can. */
  private static String copyClassPath(Path to) throws IOException, InterruptedException {
    List<String> copies = new ArrayList<>();
    String[] entries = System.getProperty("java.class.path").split(File.pathSeparator, -1);
    for (int i = 0; i < entries.length; i++) {
      Path entry = Path.of(entries[i]);
      if (Files.exists(entry)) {
        Path copy = Files.createDirectories(to.resolve(Integer.toString(i)));
        run("cp", "-r", "--no-preserve=ownership", entry.toString(), copy.toString());
        copies.add(copy.resolve(entry.getFileName()).toString());
      }
    }
    run("chmod", "-R", "a+rX", to.toString());
    return String.join(File.pathSeparator, copies);
  }

  private static void run(String... command) throws IOException, InterruptedException {
    Outcome outcome = TwoMachines.run(command);
    assertThat(outcome.exit()).as("%s: %s", List.of(command), outcome).isZero();
  }

  /** A folder of the user's own, made. */
  Path folder(String folder) throws IOException, InterruptedException {
    Path made = Files.createDirectories(home.resolve(folder));
    run("chown", name, made.toString());
    return made;
  }

  /** The process id of the user's daemon. */
  long daemonPid() throws IOException {
    return TwoMachines.daemonPid(home.resolve("machine"));
  }

  /** What the user says, as the user. */
  List<String> command(String... command) {
    List<String> whole =
        asRoot(
            "setpriv",
            "--reuid",
            name,
            "--regid",
            name,
            "--init-groups",
            "--inh-caps=-all",
            "env",
            "--default-signal");
    whole.addAll(
        List.of(
            "HOME=" + home,
            "WORMHOLE_HOME=" + home.resolve("machine"),
            "LC_ALL=C.UTF-8",
            "USER=" + name,
            "XDG_RUNTIME_DIR="));
    whole.addAll(List.of(command));
    return whole;
  }

  /** A command of root's in the user's namespace. */
  List<String> asRoot(String... command) {
    List<String> whole =
        new ArrayList<>(List.of("nsenter", "-t", Long.toString(namespace.pid()), "--mount"));
    whole.addAll(List.of(command));
    return whole;
  }

  /** Runs any program as the user, to its end. */
  Outcome does(String... command) throws IOException, InterruptedException {
    return TwoMachines.run(command(command).toArray(String[]::new));
  }

  /** Runs a command of ours as the user, to its end. */
  Outcome wormhole(String... args) throws IOException, InterruptedException {
    return wormholeBy(List.of(), args);
  }

  /**
   * The same.
   *
   * @param wrapper a command that runs the one after it
   */
  Outcome wormholeBy(List<String> wrapper, String... args)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(wrapper);
    command.addAll(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-cp",
            classPath,
            "io.wormhole.cli.Main"));
    command.addAll(List.of(args));
    return does(command.toArray(String[]::new));
  }

  @Override
  public void close() throws IOException {
    try {
      wormhole("unmount", "--all", "--force");
      wormhole("daemon", "stop");
      // All processes of the user, who has no others.
      does("sh", "-c", "kill -KILL -1");
      namespace.destroy();
      namespace.waitFor(SECONDS, TimeUnit.SECONDS);
      run("userdel", name);
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }
}
