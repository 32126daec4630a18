package io.wormhole.daemon;

import io.wormhole.daemon.control.ControlServer;
import io.wormhole.daemon.control.DaemonServices;
import io.wormhole.daemon.control.DaemonStop;
import io.wormhole.daemon.control.RuntimeFolder;
import io.wormhole.daemon.trust.StateFileException;
import io.wormhole.protocol.control.ControlError;
import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.ExitCode;
import io.wormhole.protocol.control.Folders;
import io.wormhole.protocol.control.PrivateFolder;
import io.wormhole.protocol.control.Version;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The life of the daemon's process: claim the home, open the services, listen, wait, and end in
 * order. Used once.
 */
final class DaemonProcess {
  private static final Logger LOG = LoggerFactory.getLogger(DaemonProcess.class);
  private static final int STOP_SECONDS_MAX = 10;

  private final Folders folders;
  private final Opening opening;
  private final DaemonStop stop = new DaemonStop();
  private final CountDownLatch ended = new CountDownLatch(1);

  DaemonProcess(Folders folders, Opening opening) {
    this.folders = folders;
    this.opening = opening;
  }

  /** Makes the services, once the home is ours. */
  interface Opening {
    DaemonServices open(Folders folders) throws ControlException, IOException;
  }

  /**
   * Runs until a signal or a request stops it.
   *
   * @param console whether the log shows on the console too
   * @return the exit code
   */
  int run(String logLevel, boolean console) {
    // A signal's handler of the JVM ends the process when its hooks are through, with a code of its
    // own: the hook only asks, and leaves the end to the thread that runs here.
    Thread hook = new Thread(this::stopBySignal, "signal");
    Runtime.getRuntime().addShutdownHook(hook);
    try (RuntimeFolder runtime = claim(logLevel, console)) {
      serve(runtime);
      return ExitCode.DONE;
    } catch (ControlException e) {
      return failed(e.error());
    } catch (StateFileException e) {
      LOG.error("the daemon ends: {}; {}", e.getMessage(), e.next());
      return failed(new ControlError(ErrorKind.FAILED, String.valueOf(e.getMessage()), e.next()));
    } catch (IOException | RuntimeException e) {
      LOG.error("the daemon ends", e);
      return failed(new ControlError(ErrorKind.FAILED, e.toString(), "see " + folders.log()));
    } finally {
      DaemonLog.close();
      ended.countDown();
    }
  }

  private RuntimeFolder claim(String logLevel, boolean console)
      throws ControlException, IOException {
    RuntimeFolder runtime = RuntimeFolder.claim(folders);
    PrivateFolder.create(folders.state().resolve("logs"));
    DaemonLog.open(folders.log(), logLevel, console);
    return runtime;
  }

  private void serve(RuntimeFolder runtime) throws ControlException, IOException {
    DaemonServices services = opening.open(folders);
    try (ControlServer server =
        ControlServer.open(runtime.socket(), services, stop, Clock.systemUTC())) {
      runtime.announce();
      LOG.info(
          "wormhole {} runs as process {}, {}",
          Version.current(),
          ProcessHandle.current().pid(),
          server.path());
      LOG.info("the daemon ends: {}", stop.requested().join());
    } finally {
      stop(services);
    }
  }

  /** A service that does not end in time does not keep the process. */
  private static void stop(DaemonServices services) {
    Thread stopping = Thread.ofPlatform().daemon().name("stop").start(services::stop);
    try {
      if (!stopping.join(Duration.ofSeconds(STOP_SECONDS_MAX))) {
        LOG.error("not everything has ended after {} s", STOP_SECONDS_MAX);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void stopBySignal() {
    stop.request("a signal");
    try {
      if (!ended.await(STOP_SECONDS_MAX + 5, TimeUnit.SECONDS)) {
        Runtime.getRuntime().halt(ExitCode.FAILED);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** The last line of the process's output is what a command that started it shows. */
  private static int failed(ControlError error) {
    System.err.println(error.line());
    return error.kind().exitCode();
  }
}
