package io.wormhole.protocol.settings;

import java.math.BigDecimal;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes as people write them: {@code 10G}, {@code 1.5T}; K, M, G and T are powers of 1024. */
public final class ByteSize {
  private static final String UNITS = "KMGT";
  private static final Pattern FORM =
      Pattern.compile("(\\d{1,12}(?:\\.\\d{1,3})?) ?([KMGT]?)(?:I?B)?", Pattern.CASE_INSENSITIVE);

  private ByteSize() {}

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
