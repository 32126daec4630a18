package io.wormhole.daemon;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.OutputStreamAppender;
import ch.qos.logback.core.rolling.FixedWindowRollingPolicy;
import ch.qos.logback.core.rolling.RollingFileAppender;
import ch.qos.logback.core.rolling.SizeBasedTriggeringPolicy;
import ch.qos.logback.core.util.FileSize;
import java.nio.file.Path;
import org.slf4j.LoggerFactory;

/** Where the daemon's log goes: a file, and two older ones, of a bounded size each. */
final class DaemonLog {
  private static final FileSize FILE_SIZE_MAX = FileSize.valueOf("5MB");
  private static final int OLDER_FILES = 2;

  private DaemonLog() {}

  /**
   * Logs to a file from now on, and to the console too if a person looks on.
   *
   * @param level a word of logback's; an unknown one is INFO
   */
  static void open(Path file, String level, boolean console) {
    LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
    context.reset();
    Logger root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    root.setLevel(Level.INFO);
    context.getLogger("io.wormhole").setLevel(Level.toLevel(level, Level.INFO));
    // Chronicle Map's libraries tell of what they found of theirs, and what not.
    context.getLogger("net.openhft").setLevel(Level.ERROR);

    RollingFileAppender<ILoggingEvent> rolling = new RollingFileAppender<>();
    rolling.setContext(context);
    rolling.setFile(file.toString());
    FixedWindowRollingPolicy older = new FixedWindowRollingPolicy();
    older.setContext(context);
    older.setParent(rolling);
    older.setFileNamePattern(file + ".%i");
    older.setMinIndex(1);
    older.setMaxIndex(OLDER_FILES);
    older.start();
    SizeBasedTriggeringPolicy<ILoggingEvent> size = new SizeBasedTriggeringPolicy<>();
    size.setContext(context);
    size.setMaxFileSize(FILE_SIZE_MAX);
    size.start();
    rolling.setRollingPolicy(older);
    rolling.setTriggeringPolicy(size);
    start(rolling, context);
    root.addAppender(rolling);

    if (console) {
      ConsoleAppender<ILoggingEvent> terminal = new ConsoleAppender<>();
      terminal.setContext(context);
      terminal.setTarget("System.err");
      start(terminal, context);
      root.addAppender(terminal);
    }
  }

  /** Writes out what is buffered, and closes the file. */
  static void close() {
    ((LoggerContext) LoggerFactory.getILoggerFactory()).stop();
  }

  /** Control characters of a peer's words must not reach a terminal that shows the log. */
  private static void start(OutputStreamAppender<ILoggingEvent> appender, LoggerContext context) {
    PatternLayoutEncoder encoder = new PatternLayoutEncoder();
    encoder.setContext(context);
    encoder.setPattern(
        "%d{\"yyyy-MM-dd'T'HH:mm:ss.SSSXXX\"} %-5level [%thread] %logger{24}:"
            + " %replace(%msg){'[\\p{Cc}]',' '}%n");
    encoder.start();
    appender.setEncoder(encoder);
    appender.start();
  }
}
