package io.wormhole.cache.disk;

import io.wormhole.cache.disk.VersionTable.Entry;
import io.wormhole.protocol.hash.ChunkHash;
import java.io.IOException;
import java.util.BitSet;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * What is kept until it is unpinned. A pin has pages of files' versions, each of them one pin's at
 * most; the contents that those name are pinned. One thread at a time.
 */
final class Pins {
  private final ContentStore contents;
  private final VersionTable versions;
  private final FilePages pages;

  /** Records of pages of which every chunk was found to be there. */
  private final BitSet whole = new BitSet();

  /** How many pinned contents had been dropped when that was found. */
  private long lost;

  /** How often all of it has gone. */
  private int epoch;

  Pins(ContentStore contents, VersionTable versions, FilePages pages) {
    this.contents = contents;
    this.versions = versions;
    this.pages = pages;
  }

  /** How a content is to stand that comes for a page. */
  Standing standing(PageKey page) throws IOException {
    if (versions.pins().isEmpty()) {
      return Standing.PROBATION;
    }
    return versions.get(page).filter(versions::isPinned).isPresent()
        ? Standing.PINNED
        : Standing.PROBATION;
  }

  /**
   * The record of a page of a pin, every chunk of which is there.
   *
   * @return empty if that is not known
   */
  OptionalInt whole(int pin, PageKey page) throws IOException {
    if (lost != contents.pinnedLost()) {
      lost = contents.pinnedLost();
      whole.clear();
    }
    Optional<Entry> entry = versions.get(page);
    if (entry.isPresent()
        && whole.get(entry.get().number())
        && versions.pinOf(entry.get().number()) == pin) {
      return OptionalInt.of(entry.get().number());
    }
    return OptionalInt.empty();
  }

  /**
   * Pins a chunk.
   *
   * @return whether it is there
   */
  boolean hold(PageKey page, int index) throws IOException {
    Optional<ChunkHash> hash = pages.hashOf(page, index);
    return hash.isPresent() && contents.pin(hash.get());
  }

  /**
   * Has a pin have a page, whose chunks are pinned.
   *
   * @return its record; empty if nothing is known of the page
   */
  OptionalInt holdWhole(int pin, PageKey page) throws IOException {
    pages.flush(page);
    Optional<Entry> entry = versions.get(page);
    if (entry.isEmpty() || !contents.pin(entry.get().hash())) {
      return OptionalInt.empty();
    }
    int number = entry.get().number();
    versions.pin(page, entry.get(), pin);
    whole.set(number);
    return OptionalInt.of(number);
  }

  /**
   * Takes from a pin whatever it has, and unpins what is no pin's then.
   *
   * @param met records that it keeps
   */
  void release(int pin, BitSet met) throws IOException {
    BitSet gone = versions.pinnedBy(pin);
    gone.andNot(met);
    for (int number = gone.nextSetBit(0); number >= 0; number = gone.nextSetBit(number + 1)) {
      versions.unpin(number);
      whole.clear(number);
    }
    if (versions.wasReplaced() || !gone.isEmpty()) {
      unpinUnnamed();
    }
  }

  /** Takes whatever they have from all other pins. */
  void releaseOthers(Set<Integer> known) throws IOException {
    for (int pin : versions.pins()) {
      if (!known.contains(pin)) {
        release(pin, new BitSet());
      }
    }
    if (contents.pinnedBytes() > 0) {
      unpinUnnamed();
    }
  }

  /** Unpins what no pinned page names: a version that is gone, or what a crash has left. */
  private void unpinUnnamed() throws IOException {
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
