package io.wormhole.cli;

import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.join.Invitation;
import io.wormhole.protocol.join.JoinCodeException;
import io.wormhole.protocol.join.Ticket;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What a command is to join: a join code or a ticket as an argument, the first line of a file, or
 * of standard input; or as an argument the name of a share that was mounted before.
 */
final class JoinCodeOption {
  private static final int CODE_BYTES_MAX = 2 * Ticket.MAX_CHARACTERS;

  private JoinCodeOption() {}

  /**
   * The code or ticket, checked as far as can be done without a network; or what may be a name, as
   * it is.
   *
   * @param argument null where none was given; {@code -} for standard input
   * @param file null where none was given; {@code -} for standard input
   */
  static String read(@Nullable String argument, @Nullable String file, Session session)
      throws ControlException {
    if (argument != null && file != null) {
      throw new ControlException(
          ErrorKind.USAGE, "a code and --code-file are both given", "give one of them");
    }
    String source = argument == null ? file : argument;
    if (source == null) {
      throw new ControlException(
          ErrorKind.USAGE,
          "no join code and no ticket is given",
          "wormhole mount CODE, or --code-file FILE");
    }
    if (source.equals("-")) {
      return check(firstLine(session.input(), "standard input"));
    }
    if (argument == null) {
      return check(fromFile(session.arguments().path(source)));
    }
    // No name looks like a code or a ticket: the daemon sees to that.
    return Invitation.looksLikeOne(argument) ? check(argument) : argument;
  }

  private static String check(String typed) throws ControlException {
    try {
      return Invitation.parse(typed).format();
    } catch (JoinCodeException e) {
      throw new ControlException(ErrorKind.MISTYPED_CODE, String.valueOf(e.getMessage()), null, e);
    }
  }

  private static String fromFile(Path file) throws ControlException {
    try (InputStream in = Files.newInputStream(file)) {
      return firstLine(in, file.toString());
    } catch (NoSuchFileException e) {
      throw new ControlException(
          ErrorKind.USAGE, "no such file: " + file, "--code-file wants a file that holds the code");
    } catch (IOException e) {
      throw unreadable(file.toString(), e);
    }
  }

  private static String firstLine(InputStream in, String name) throws ControlException {
    try {
      StringBuilder line = new StringBuilder();
      for (int c; (c = in.read()) >= 0 && c != '\n' && line.length() < CODE_BYTES_MAX; ) {
        line.append((char) c);
      }
      return line.toString().strip();
    } catch (IOException e) {
      throw unreadable(name, e);
    }
  }

  private static ControlException unreadable(String name, IOException e) {
    return new ControlException(
        ErrorKind.USAGE, "the code cannot be read from " + name + ": " + e, null, e);
  }
}
