package io.wormhole.daemon;

import io.wormhole.protocol.control.Folders;
import java.nio.file.Path;

/** The daemon's process. Takes no arguments: its home comes from the environment. */
public final class Main {
  /** Set for a daemon that a command starts in the background. */
  private static final String DETACHED = "wormhole.detached";

  private Main() {}

  /** Runs until somebody stops it, and ends the process. */
  public static void main(String[] args) {
    boolean detached = Boolean.getBoolean(DETACHED);
    if (detached) {
      Posix.leaveSession();
      Posix.ignoreHangup();
    }
    Folders folders = Folders.of(System.getenv(), Path.of(System.getProperty("user.home")));
    String logLevel = System.getenv().getOrDefault("WORMHOLE_LOG", "info");
    DaemonProcess process = new DaemonProcess(folders, Services::new);
    Runtime.getRuntime().halt(process.run(logLevel, !detached));
  }
}
