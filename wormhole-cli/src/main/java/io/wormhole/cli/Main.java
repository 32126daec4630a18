package io.wormhole.cli;

import io.wormhole.protocol.control.Folders;
import java.nio.file.Path;
import java.util.Map;

/** The program {@code wormhole}. */
public final class Main {
  private Main() {}

  /** Runs the command that the arguments name, and ends the process with its exit code. */
  public static void main(String[] args) {
    Map<String, String> environment = Folders.forAnyProcess(System.getenv());
    Session session =
        new Session(
            Terminal.ofProcess(environment),
            new Json(),
            environment,
            Path.of(System.getProperty("user.home")),
            Path.of("").toAbsolutePath(),
            System.getProperty("java.class.path"),
            System.in);
    System.exit(CommandTree.execute(session, args));
  }
}
