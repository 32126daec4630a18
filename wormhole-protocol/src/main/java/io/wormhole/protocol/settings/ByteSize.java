package io.wormhole.protocol.settings;

import java.math.BigDecimal;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Sizes as people write them: {@code 10G}, {@code 1.5T}; K, M, G and T are powers of 1024. And as
 * they are told: {@code 12.3 MB}, in the decimal units in which disks and links are sold.
 */
public final class ByteSize {
  private static final String UNITS = "KMGT";
  private static final Pattern FORM =
      Pattern.compile("(\\d{1,12}(?:\\.\\d{1,3})?) ?([KMGT]?)(?:I?B)?", Pattern.CASE_INSENSITIVE);

  private static final String[] TOLD_IN = {"B", "kB", "MB", "GB", "TB"};

  private ByteSize() {}

  /** A size for a person, the same in every locale. */
  public static String text(long bytes) {
    double value = bytes;
    int unit = 0;
    while (value >= 1000 && unit < TOLD_IN.length - 1) {
      value /= 1000;
      unit++;
    }
    return String.format(Locale.ROOT, unit == 0 ? "%.0f %s" : "%.1f %s", value, TOLD_IN[unit]);
  }

  /** Bytes; empty if it is no size. */
  public static Optional<Long> parse(String text) {
    Matcher matcher = FORM.matcher(text.strip());
    if (!matcher.matches()) {
      return Optional.empty();
    }
    String unit = matcher.group(2).toUpperCase(Locale.ROOT);
    int power = unit.isEmpty() ? 0 : 1 + UNITS.indexOf(unit);
    BigDecimal bytes =
        new BigDecimal(matcher.group(1)).multiply(BigDecimal.valueOf(1L << (10 * power)));
    return bytes.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) > 0
        ? Optional.empty()
        : Optional.of(bytes.longValue());
  }
}
