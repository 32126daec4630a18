package io.wormhole.cache.disk;

import io.wormhole.cache.disk.VersionTable.Entry;
import io.wormhole.protocol.hash.ChunkHash;
import java.io.IOException;
import java.util.BitSet;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.IntPredicate;

/**
 * What is kept until it is unpinned. A pin has pages of files' versions, each of them one pin's at
 * most; the contents that those name are pinned. A pin of a negative number is one that passes, and
 * takes no page from another. One thread at a time.
 */
final class Pins {
  private final ContentStore contents;
  private final VersionTable versions;
  private final FilePages pages;

  /** Records of pages of which every chunk was found to be there. */
  private final BitSet whole = new BitSet();

  /** How many pinned contents had been dropped when that was found. */
  private long lost;

  /** Contents may be pinned that no pin names. */
  private boolean unnamed;

  /** How often all of it has gone. */
  private int epoch;

  /**
   * @param unnamed whether contents may be pinned that no pin names, as after a crash
   */
  Pins(ContentStore contents, VersionTable versions, FilePages pages, boolean unnamed) {
    this.contents = contents;
    this.versions = versions;
    this.pages = pages;
    this.unnamed = unnamed;
  }

  /** How a content is to stand that comes for a page. */
  Standing standing(PageKey page) throws IOException {
    return versions.hasPins() && versions.get(page).filter(versions::isPinned).isPresent()
        ? Standing.PINNED
        : Standing.PROBATION;
  }

  /**
   * The record of a page of a pin, every chunk of which is there.
   *
   * @return empty if that is not known
   */
  OptionalInt whole(int pin, PageKey page) throws IOException {
    forgetWhatWasLost();
    Optional<Entry> entry = versions.get(page);
    if (entry.isPresent() && whole.get(entry.get().number()) && isFor(pin, entry.get())) {
      return OptionalInt.of(entry.get().number());
    }
    return OptionalInt.empty();
  }

  private boolean isFor(int pin, Entry entry) {
    return versions.pinOf(entry.number()) == pin || (pin < 0 && versions.isPinned(entry));
  }

  private void forgetWhatWasLost() {
    if (lost != contents.pinnedLost()) {
      lost = contents.pinnedLost();
      whole.clear();
    }
  }

  /**
   * Pins a chunk.
   *
   * @param most bytes that may be pinned in all
   * @return whether it is there, and there is room for it
   */
  boolean hold(PageKey page, int index, long most) throws IOException {
    Optional<ChunkHash> hash = pages.hashOf(page, index);
    return hash.isPresent() && pin(hash.get(), most);
  }

  private boolean pin(ChunkHash hash, long most) throws IOException {
    if (contents.isPinned(hash)) {
      return true;
    }
    if (contents.pinnedBytes() + contents.bytesOf(hash) > most) {
      return false;
    }
    unnamed = true;
    return contents.pin(hash);
  }

  /**
   * Has a pin have a page: what is there of it is pinned.
   *
   * @param chunks how many there are in the page
   * @param most bytes that may be pinned in all
   * @param mostNames the same, for the page itself
   * @return its record; empty if nothing is known of the page, or there is no room for it
   */
  OptionalInt holdPage(int pin, PageKey page, int chunks, long most, long mostNames)
      throws IOException {
    forgetWhatWasLost();
    pages.flush(page);
    Optional<Entry> entry = versions.get(page);
    if (entry.isEmpty() || !pin(entry.get().hash(), mostNames)) {
      return OptionalInt.empty();
    }
    int number = entry.get().number();
    if (!isFor(pin, entry.get())) {
      versions.pin(page, entry.get(), pin);
    }
    boolean all = true;
    for (int index = 0; index < chunks; index++) {
      all &= hold(page, index, most);
    }
    whole.set(number, all);
    return OptionalInt.of(number);
  }

  /** Whether every chunk of a page was there when it was held. */
  boolean isWhole(int number) {
    return whole.get(number);
  }

  /**
   * Takes from such pins whatever they have, and unpins what is no pin's then.
   *
   * @param except records that they keep
   */
  void release(IntPredicate pin, BitSet except) throws IOException {
    BitSet gone = versions.pinnedBy(pin);
    gone.andNot(except);
    for (int number = gone.nextSetBit(0); number >= 0; number = gone.nextSetBit(number + 1)) {
      unnamed = true;
      versions.unpin(number);
      whole.clear(number);
    }
    if (unnamed || versions.wasReplaced()) {
      unpinUnnamed();
    }
  }

  /** Unpins what no pinned page names: a version that is gone, or what a crash has left. */
  private void unpinUnnamed() throws IOException {
    unnamed = true;
    pages.flush();
    BitSet named = new BitSet();
    pages.forEachHash(
        versions::isPinned,
        hash -> {
          OptionalInt place = contents.placeOf(hash);
          if (place.isPresent()) {
            named.set(place.getAsInt());
          }
        });
    contents.unpinAllBut(named);
    versions.settled();
    unnamed = false;
  }

  /** A content is pinned before a pin has its page. */
  void pinnedAhead() {
    unnamed = true;
  }

  /** Everything has gone. */
  void clear() {
    whole.clear();
    epoch++;
  }

  /** What numbers of records mean something in. */
  int epoch() {
    return epoch;
  }
}
