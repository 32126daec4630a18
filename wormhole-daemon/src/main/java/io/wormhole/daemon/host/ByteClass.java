package io.wormhole.daemon.host;

import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** What a {@code [...]} of a pattern stands for: a set of bytes, never a slash. */
final class ByteClass {
  private static final int BYTE_VALUES = 256;
  private static final int ASCII_END = 0x80;

  private ByteClass() {}

  /** Every byte a name may have. */
  static BitSet notSlash() {
    BitSet all = new BitSet();
    all.set(0, BYTE_VALUES);
    all.clear('/');
    return all;
  }

  /** Reads one class, as POSIX has them: ranges, {@code !} or {@code ^}, {@code [:name:]}. */
  static final class Reader {
    private final byte[] pattern;
    private final BitSet members = new BitSet();
    private int at;

    /**
     * @param at behind the bracket that opens it
     */
    Reader(byte[] pattern, int at) {
      this.pattern = pattern;
      this.at = at;
    }

    /** Behind the bracket that closes it. */
    int end() {
      return at;
    }

    /** The bytes, or null if the bracket is never closed or they can be none. */
    @Nullable BitSet read() {
      boolean negated = at < pattern.length && (pattern[at] == '!' || pattern[at] == '^');
      if (negated) {
        at++;
      }
      int first = at;
      while (at < pattern.length && (pattern[at] != ']' || at == first)) {
        if (!member()) {
          return null;
        }
      }
      if (at == pattern.length) {
        return null;
      }
      at++;
      if (negated) {
        members.flip(0, BYTE_VALUES);
      }
      members.clear('/');
      return members.isEmpty() ? null : members;
    }

    private boolean member() {
      if (pattern[at] == '[' && at + 1 < pattern.length && pattern[at + 1] == ':') {
        return named();
      }
      int low = octet();
      boolean range =
          at + 1 < pattern.length && pattern[at] == '-' && pattern[at + 1] != ']' && low >= 0;
      if (range) {
        at++;
      }
      int high = range ? octet() : low;
      if (low < 0 || high < low) {
        return false;
      }
      members.set(low, high + 1);
      return true;
    }

    /** A byte, a backslash before it taken off; -1 where there is none. */
    private int octet() {
      if (pattern[at] == '\\') {
        at++;
      }
      return at == pattern.length ? -1 : Byte.toUnsignedInt(pattern[at++]);
    }

    private boolean named() {
      int start = at + 2;
      int end = start;
      while (end + 1 < pattern.length && (pattern[end] != ':' || pattern[end + 1] != ']')) {
        end++;
      }
      if (end + 1 >= pattern.length) {
        return false;
      }
      IntPredicate holds =
          holds(new String(pattern, start, end - start, StandardCharsets.ISO_8859_1));
      if (holds == null) {
        return false;
      }
      for (int octet = 0; octet < ASCII_END; octet++) {
        if (holds.test(octet)) {
          members.set(octet);
        }
      }
      at = end + 2;
      return true;
    }

    private static @Nullable IntPredicate holds(String name) {
      return switch (name) {
        case "alpha" -> Reader::alpha;
        case "digit" -> Reader::digit;
        case "alnum" -> octet -> alpha(octet) || digit(octet);
        case "upper" -> octet -> alpha(octet) && octet < 'a';
        case "lower" -> octet -> alpha(octet) && octet >= 'a';
        case "xdigit" -> octet -> Character.digit(octet, 16) >= 0;
        case "blank" -> octet -> octet == ' ' || octet == '\t';
        case "space" -> octet -> octet == ' ' || (octet >= '\t' && octet <= '\r');
        case "cntrl" -> octet -> octet < ' ' || octet == 0x7f;
        case "print" -> octet -> octet >= ' ' && octet < 0x7f;
        case "graph" -> octet -> octet > ' ' && octet < 0x7f;
        case "punct" -> octet -> octet > ' ' && octet < 0x7f && !alpha(octet) && !digit(octet);
        default -> null;
      };
    }

    private static boolean alpha(int octet) {
      int lower = octet | 0x20;
      return lower >= 'a' && lower <= 'z';
    }

    private static boolean digit(int octet) {
      return octet >= '0' && octet <= '9';
    }
  }
}
