package io.wormhole.bench;

import io.wormhole.daemon.fuse.FuseBackend;
import io.wormhole.daemon.fuse.KernelMount;
import io.wormhole.daemon.fuse.MountException;
import io.wormhole.daemon.fuse.MountOptions;
import io.wormhole.daemon.fuse.device.DeviceBackend;
import io.wormhole.daemon.fuse.device.DeviceSettings;
import io.wormhole.daemon.fuse.jnr.JnrBackend;
import io.wormhole.daemon.fuse.jnr.JnrSettings;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Serves {@link SeamFiles} through one backend, set up as the daemon sets it up, and nothing else
 * of the daemon: what {@code benches/seam} measures.
 *
 * <pre>SeamServer --backend device|jnr [--opens yes|no] DIR...</pre>
 *
 * <p>Mounts on each folder and says {@code mounted DIR}. Obeys lines on standard input: {@code
 * mount DIR} mounts on one more folder, {@code change} changes the file of that name and tells the
 * kernel. Unmounts and ends when standard input ends, or at SIGTERM.
 */
public final class SeamServer {
  private static final String USAGE =
      "usage: SeamServer --backend device|jnr [--opens yes|no] DIR...";

  private final FuseBackend backend;
  private final SeamFiles files;
  private final List<KernelMount> mounts = new CopyOnWriteArrayList<>();

  private SeamServer(FuseBackend backend, SeamFiles files) {
    this.backend = backend;
    this.files = files;
  }

  public static void main(String[] arguments) throws IOException, InterruptedException {
    try {
      run(arguments);
      // The hook unmounts; a backend's threads do not keep the process.
      System.exit(0);
    } catch (IllegalArgumentException e) {
      System.err.println("SeamServer: " + e.getMessage());
      System.exit(2);
    } catch (MountException e) {
      System.err.println("SeamServer: " + e.getMessage());
      System.exit(1);
    }
  }

  private static void run(String[] arguments)
      throws IOException, MountException, InterruptedException {
    int at = 0;
    FuseBackend backend = null;
    boolean opens = false;
    for (; at + 1 < arguments.length && arguments[at].startsWith("--"); at += 2) {
      String value = arguments[at + 1];
      switch (arguments[at] + " " + value) {
        case "--backend " + DeviceBackend.NAME ->
            backend = new DeviceBackend(DeviceSettings.DEFAULTS, System::nanoTime);
        case "--backend " + JnrBackend.NAME ->
            backend = new JnrBackend(JnrSettings.DEFAULTS, System::nanoTime);
        case "--opens yes" -> opens = true;
        case "--opens no" -> opens = false;
        default -> throw new IllegalArgumentException(USAGE);
      }
    }
    if (backend == null || at == arguments.length) {
      throw new IllegalArgumentException(USAGE);
    }
    SeamServer server = new SeamServer(backend, new SeamFiles(opens));
    Runtime.getRuntime().addShutdownHook(new Thread(server::unmount, "unmount"));
    for (; at < arguments.length; at++) {
      server.mount(Path.of(arguments[at]));
    }
    server.obey();
  }

  private void mount(Path directory) throws MountException, InterruptedException {
    mounts.add(backend.mount(new MountOptions(directory, "seam"), files));
    System.out.println("mounted " + directory);
  }

  private void obey() throws IOException, MountException, InterruptedException {
    BufferedReader commands =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = commands.readLine(); line != null; line = commands.readLine()) {
      if (line.equals("change")) {
        // The clock that a program on the other side reads as CLOCK_MONOTONIC.
        files.change(System.nanoTime());
        mounts.forEach(mount -> mount.notifier().inode(SeamFiles.CHANGING));
      } else if (line.startsWith("mount ")) {
        mount(Path.of(line.substring("mount ".length())));
      } else {
        throw new IllegalArgumentException("no such command: " + line);
      }
    }
  }

  private void unmount() {
    for (KernelMount mount : mounts) {
      try {
        mount.unmount();
      } catch (IOException busy) {
        mount.forceUnmount();
      }
    }
  }
}
