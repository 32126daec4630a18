package io.wormhole.protocol.hash;

/** What became of a chunk that was checked. */
public sealed interface Verdict {
  /** Every byte is what the hash says. */
  record Intact() implements Verdict {}

  /**
   * The chaining values follow from the hash, but a group's bytes do not make its own.
   *
   * @param index the first such group; 0 in a chunk of one group, whose hash is its check
   */
  record BadGroup(int index) implements Verdict {}

  /** The chaining values, by number or content, do not make the hash: no group can be told good. */
  record BadChainingValues() implements Verdict {}

  /** Whether the bytes may be used. */
  default boolean isIntact() {
    return this instanceof Intact;
  }
}
