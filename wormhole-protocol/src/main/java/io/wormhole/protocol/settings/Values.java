package io.wormhole.protocol.settings;

import java.util.List;

/** The values a setting may have. Immutable. */
sealed interface Values {
  boolean allow(String value);

  /** What they are, in words. */
  String words();

  /** Each of them, if they can be counted. */
  default List<String> listed() {
    return List.of();
  }

  static Values oneOf(String... words) {
    return new OneOf(List.of(words));
  }

  /**
   * Sizes, or a word that stands for none.
   *
   * @param least as {@link ByteSize} has it
   */
  static Values size(String least, String most, String word, String wordMeans) {
    return new Size(least, most, word, wordMeans);
  }

  /** Some words. */
  record OneOf(List<String> listed) implements Values {
    @Override
    public boolean allow(String value) {
      return listed.contains(value);
    }

    @Override
    public String words() {
      return String.join(" or ", listed);
    }
  }

  /** Sizes in a range. */
  record Size(String least, String most, String word, String wordMeans) implements Values {
    @Override
    public boolean allow(String value) {
      return value.equals(word)
          || ByteSize.parse(value)
              .filter(bytes -> bytes >= bytes(least) && bytes <= bytes(most))
              .isPresent();
    }

    @Override
    public String words() {
      return "from %s to %s, or %s: %s".formatted(least, most, word, wordMeans);
    }

    private static long bytes(String bound) {
      return ByteSize.parse(bound).orElseThrow();
    }
  }
}
