package io.wormhole.cli;

import picocli.CommandLine.Option;

/** How a command says what it says; every command has them. */
final class OutputOptions {
  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "show this help")
  boolean help;

  @Option(names = "--json", description = "print JSON, an object or one a line")
  boolean json;

  @Option(
      names = {"-q", "--quiet"},
      description = "print the result only")
  boolean quiet;

  @Option(
      names = {"-v", "--verbose"},
      description = "say more")
  boolean verbose;

  @Option(names = "--no-color", description = "no colours; NO_COLOR does the same")
  boolean noColour;
}
