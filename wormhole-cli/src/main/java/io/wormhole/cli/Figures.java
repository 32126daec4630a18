package io.wormhole.cli;

import io.wormhole.protocol.settings.ByteSize;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** Figures for people; the same in every locale. */
final class Figures {
  private static final DateTimeFormatter MINUTES =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm", Locale.ROOT);

  private Figures() {}

  static String rate(long bytesPerSecond) {
    return ByteSize.text(bytesPerSecond) + "/s";
  }

  static String millis(double millis) {
    return String.format(Locale.ROOT, millis < 10 ? "%.2f ms" : "%.0f ms", millis);
  }

  /** {@code 2026-03-01 14:05} where this machine is. */
  static String localTime(Instant time) {
    return MINUTES.format(time.atZone(ZoneId.systemDefault()));
  }

  /** {@code 3 d 4 h}, {@code 5 min}, {@code 12 s}. */
  static String duration(long seconds) {
    long minutes = seconds / 60;
    long hours = minutes / 60;
    if (hours >= 24) {
      return hours / 24 + " d " + hours % 24 + " h";
    }
    if (hours > 0) {
      return hours + " h " + minutes % 60 + " min";
    }
    return minutes > 0 ? minutes + " min" : seconds + " s";
  }
}
