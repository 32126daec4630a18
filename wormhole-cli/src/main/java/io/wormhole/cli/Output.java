package io.wormhole.cli;

import io.wormhole.protocol.control.ControlError;

/** What one command says, in the form it was asked for. Any thread, a line at a time. */
final class Output {
  private static final String ERASE_LINE = "\r\u001b[K";

  private final Terminal terminal;
  private final OutputOptions options;
  private final Json json;
  private boolean liveLine;

  Output(Terminal terminal, OutputOptions options, Json json) {
    this.terminal = terminal;
    this.options = options;
    this.json = json;
  }

  boolean isJson() {
    return options.json;
  }

  boolean isQuiet() {
    return options.quiet;
  }

  boolean isVerbose() {
    return options.verbose;
  }

  /** Whether {@link #live} shows anything. */
  boolean isLive() {
    return terminal.outIsTerminal() && !options.json && !options.quiet;
  }

  /** The result: on stdout, quiet or not. */
  synchronized void result(String line) {
    endLive();
    terminal.out().println(SafeText.clean(line));
  }

  /** The result as one JSON object in one line. */
  synchronized void result(Object object) {
    result(json.write(object));
  }

  /** What a person wants to read beside the result; not with {@code --json} or {@code --quiet}. */
  synchronized void say(String line) {
    if (!options.json && !options.quiet) {
      result(line);
    }
  }

  /** What only {@code -v} wants to see; on stderr. */
  synchronized void detail(String line) {
    if (options.verbose) {
      endLive();
      terminal.err().println(SafeText.clean(line));
    }
  }

  /** A line that the next one replaces; on a terminal only. */
  synchronized void live(String line) {
    if (isLive()) {
      terminal.out().print(ERASE_LINE + SafeText.clean(line));
      terminal.out().flush();
      liveLine = true;
    }
  }

  /** Leaves a line on stderr that a person should not miss. */
  synchronized void warn(String line) {
    endLive();
    terminal.err().println("wormhole: " + SafeText.clean(line));
  }

  /** The command has failed: a line on stderr, or an object on stdout. */
  synchronized void fail(ControlError error) {
    if (options.json) {
      result(new ControlError.Envelope(error));
    } else {
      warn(error.line());
    }
  }

  /** Words that stand out where colours are wanted. */
  String bold(String words) {
    return terminal.colour() && !options.noColour && !options.json
        ? SafeText.BOLD + words + SafeText.PLAIN
        : words;
  }

  /** Whether whoever read our output has gone, as after {@code | head -1}. */
  boolean readerHasGone() {
    return terminal.out().checkError();
  }

  /** Shows what is waited for, once it has taken a second. */
  ProgressLine progress(String text) {
    boolean shown = terminal.errIsTerminal() && !options.quiet && !options.json;
    return new ProgressLine(terminal.err(), shown, text);
  }

  private void endLive() {
    if (liveLine) {
      terminal.out().print(ERASE_LINE);
      liveLine = false;
    }
  }
}
