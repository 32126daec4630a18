package io.wormhole.cli;

import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.Folders;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Map;

/**
 * What a command works with: the process's surroundings, and the way to the daemon of its home.
 *
 * @param userHome absolute
 * @param workingDirectory absolute
 * @param classPath what the daemon runs from, absolute entries
 * @param input standard input
 */
record Session(
    Terminal terminal,
    Json json,
    Map<String, String> environment,
    Path userHome,
    Path workingDirectory,
    String classPath,
    InputStream input) {

  Folders folders() {
    return Folders.of(environment, userHome);
  }

  ControlClient client() {
    return new ControlClient(folders(), json);
  }

  DaemonStarter starter() {
    return new DaemonStarter(folders(), client(), environment, classPath);
  }

  Output output(OutputOptions options) {
    return new Output(terminal, options, json);
  }

  Arguments arguments() {
    return new Arguments(workingDirectory);
  }

  /** The way to a daemon that runs: this starts it if there is none. */
  ControlClient runningDaemon(Output output) throws ControlException, InterruptedException {
    try (ProgressLine _ = output.progress("starting the daemon")) {
      if (starter().ensureRunning()) {
        output.detail("the daemon was started; its log is " + folders().log());
      }
    }
    return client();
  }
}
