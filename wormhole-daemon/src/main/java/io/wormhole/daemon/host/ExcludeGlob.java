package io.wormhole.daemon.host;

import io.wormhole.daemon.host.ShareException.Kind;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.BitSet;

/**
 * One pattern of what a share does not show, in the language of {@code .gitignore}, matched against
 * the bytes of a path. Immutable.
 *
 * <p>The pattern becomes a nondeterministic automaton without backward edges, and all its states
 * are followed at once, a bit for each (G. Navarro and M. Raffinot, "Flexible Pattern Matching in
 * Strings", 2002, section 4.3). So a path costs as many steps as it has bytes, whatever the pattern
 * is, and a walk that has come to a folder goes on from there for each of its entries.
 *
 * <p>State i means that the first i elements have matched. A {@code *} is a loop at its state on
 * every byte but a slash, a {@code **} between slashes one on every byte. {@code **}{@code /} may
 * also match nothing: who enters its state is in the next one as well.
 */
final class ExcludeGlob {
  /** A pattern, in bytes of UTF-8. */
  static final int MAX_BYTES = 1 << 10;

  private static final int BYTE_VALUES = 256;
  private static final byte SLASH = '/';

  /** What Java puts where an argument's bytes are no text. */
  private static final char UNREADABLE = '\uFFFD';

  private final boolean negated;
  private final boolean foldersOnly;
  private final int last;
  private final int words;

  /** For each byte, the states that go on to the next one with it. */
  private final long[] steps;

  /** The states that stay with any byte but a slash; with a slash. */
  private final long[] nameLoops;

  private final long[] slashLoops;
  private final long[] skips;

  private ExcludeGlob(boolean negated, boolean foldersOnly, Automaton made) {
    this.negated = negated;
    this.foldersOnly = foldersOnly;
    this.last = made.state;
    this.words = (made.state >> 6) + 1;
    this.steps = new long[BYTE_VALUES * words];
    for (int value = 0; value < BYTE_VALUES; value++) {
      long[] states = made.steps[value].toLongArray();
      System.arraycopy(states, 0, steps, value * words, states.length);
    }
    this.slashLoops = Arrays.copyOf(made.pathLoops.toLongArray(), words);
    made.nameLoops.or(made.pathLoops);
    this.nameLoops = Arrays.copyOf(made.nameLoops.toLongArray(), words);
    this.skips = Arrays.copyOf(made.skips.toLongArray(), words);
  }

  /**
   * Reads a pattern. One that can match nothing is refused, because somebody meant to hide
   * something with it.
   */
  static ExcludeGlob parse(String text) throws ShareException {
    byte[] bytes = utf8(text);
    int from = bytes.length > 0 && bytes[0] == '!' ? 1 : 0;
    int to = bytes.length;
    boolean foldersOnly = to > from && bytes[to - 1] == SLASH;
    if (foldersOnly) {
      to--;
    }
    boolean anchored = false;
    for (int i = from; i < to; i++) {
      anchored |= bytes[i] == SLASH;
    }
    boolean leadingSlash = to > from && bytes[from] == SLASH;
    byte[] body = Arrays.copyOfRange(bytes, leadingSlash ? from + 1 : from, to);
    if (body.length == 0) {
      throw refused(text, "it names nothing");
    }
    Automaton automaton = new Automaton(text, body);
    if (!anchored) {
      automaton.anyFolders();
    }
    automaton.read();
    return new ExcludeGlob(from == 1, foldersOnly, automaton);
  }

  /** Whether what it matches is shown after all. */
  boolean negated() {
    return negated;
  }

  /** Whether it matches nothing but folders. */
  boolean foldersOnly() {
    return foldersOnly;
  }

  /** Before the first byte of a path below the share's root. */
  Walk start() {
    long[] states = new long[words];
    states[0] = 1 | ((1 & skips[0]) << 1);
    return new Walk(this, states);
  }

  private static byte[] utf8(String text) throws ShareException {
    if (text.indexOf(UNREADABLE) >= 0 || text.indexOf('\0') >= 0) {
      throw refused(text, "it is no text; ? stands for a byte of any value");
    }
    ByteBuffer bytes;
    try {
      bytes = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
    } catch (CharacterCodingException halfACharacter) {
      throw refused(text, "it is no text; ? stands for a byte of any value");
    }
    if (bytes.remaining() > MAX_BYTES) {
      throw new ShareException(
          Kind.BAD_EXCLUDE,
          "cannot exclude a pattern of %d bytes: at most %d are taken"
              .formatted(bytes.remaining(), MAX_BYTES),
          "exclude a folder as a whole, or use wildcards");
    }
    byte[] copy = new byte[bytes.remaining()];
    bytes.get(copy);
    return copy;
  }

  private static ShareException refused(String text, String why) {
    return new ShareException(
        Kind.BAD_EXCLUDE,
        "cannot exclude '%s': %s".formatted(text, why),
        "patterns are those of .gitignore: *.key, /private/, **/build, !keep.key");
  }

  /** How far into a pattern a path has come; one thread at a time. */
  static final class Walk {
    private final ExcludeGlob glob;
    private final long[] states;

    private Walk(ExcludeGlob glob, long[] states) {
      this.glob = glob;
      this.states = states;
    }

    ExcludeGlob glob() {
      return glob;
    }

    Walk copy() {
      return new Walk(glob, states.clone());
    }

    /** Goes on with a byte of the path. */
    void step(byte octet) {
      int words = glob.words;
      int row = Byte.toUnsignedInt(octet) * words;
      long[] loops = octet == SLASH ? glob.slashLoops : glob.nameLoops;
      long carried = 0;
      long carriedSkip = 0;
      for (int word = 0; word < words; word++) {
        long going = states[word] & glob.steps[row + word];
        long entered = (going << 1) | carried;
        carried = going >>> 63;
        long skipped = entered & glob.skips[word];
        states[word] = entered | (skipped << 1) | carriedSkip | (states[word] & loops[word]);
        carriedSkip = skipped >>> 63;
      }
    }

    /** Whether the path up to here, which ends with a name, is matched. */
    boolean matches() {
      return ((states[glob.last >> 6] >>> glob.last) & 1) != 0;
    }
  }

  /** The automaton while the pattern is read. */
  private static final class Automaton {
    private final String text;
    private final byte[] body;
    private final BitSet[] steps = new BitSet[BYTE_VALUES];
    private final BitSet nameLoops = new BitSet();
    private final BitSet pathLoops = new BitSet();
    private final BitSet skips = new BitSet();
    private int state;
    private int at;

    Automaton(String text, byte[] body) {
      this.text = text;
      this.body = body;
      Arrays.setAll(steps, _ -> new BitSet());
    }

    /** {@code **}{@code /}; two of them mean what one does. */
    void anyFolders() {
      if (state == 0 || !skips.get(state - 1)) {
        pathLoops.set(state);
        skips.set(state);
        step(SLASH);
      }
    }

    void read() throws ShareException {
      while (at < body.length) {
        byte octet = body[at++];
        switch (octet) {
          case '*' -> stars();
          case '?' -> step(ByteClass.notSlash());
          case '[' -> {
            ByteClass.Reader reader = new ByteClass.Reader(body, at);
            BitSet members = reader.read();
            if (members == null) {
              throw refused(text, "a [ is never closed, or what it holds can be no byte");
            }
            at = reader.end();
            step(members);
          }
          case '\\' -> {
            if (at == body.length || body[at] == SLASH) {
              throw refused(text, "a \\ stands before nothing");
            }
            step(body[at++]);
          }
          case SLASH -> {
            if (at == 1 || at == body.length || body[at] == SLASH) {
              throw refused(text, "two slashes have no name between them");
            }
            step(SLASH);
          }
          default -> step(octet);
        }
      }
    }

    private void stars() {
      boolean startsName = at == 1 || body[at - 2] == SLASH;
      int first = at - 1;
      while (at < body.length && body[at] == '*') {
        at++;
      }
      boolean endsName = at == body.length || body[at] == SLASH;
      if (at - first < 2 || !startsName || !endsName) {
        nameLoops.set(state);
      } else if (at == body.length) {
        pathLoops.set(state);
      } else {
        at++;
        anyFolders();
      }
    }

    private void step(byte octet) {
      steps[Byte.toUnsignedInt(octet)].set(state++);
    }

    private void step(BitSet octets) {
      octets.stream().forEach(octet -> steps[octet].set(state));
      state++;
    }
  }
}
