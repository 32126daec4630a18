package io.wormhole.cache.disk;

import io.wormhole.cache.disk.LastVersions.Version;
import io.wormhole.cache.disk.VersionTable.Entry;
import io.wormhole.cache.disk.VersionTable.Kind;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.hash.ChunkHash;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.Predicate;

/**
 * The hashes of files' chunks, 512 to a page. Pages that were used last are in RAM, 16 KiB each;
 * what has become known is written when {@link #flush} is called, or when there are too many.
 *
 * <p>{@link #hashOf} and {@link #lastVersions} on any platform thread, {@link #mayHold} and {@link
 * #mayHoldOther} on any, everything else on one at a time.
 */
final class FilePages {
  private static final int PAGE_BYTES = PageKey.CHUNKS * ChunkHash.BYTES;
  private static final int MOST_PAGES = 64;

  /** Files whose last versions are in RAM. */
  private static final int MOST_FILES = 256;

  /** Enough for one in ten to be marked in vain at 100,000 pages. */
  private static final int FILTER_BITS = 1 << 20;

  private static final byte[] UNKNOWN = new byte[ChunkHash.BYTES];

  private final VersionTable versions;
  private final ContentStore contents;
  private final Blake3 blake3;
  private final AtomicLongArray filter = new AtomicLongArray(FILTER_BITS / Long.SIZE);
  private final LinkedHashMap<PageKey, Page> pages = new LinkedHashMap<>(16, 0.75f, true);

  /** {@link LastVersions#NOTHING} where none are known. */
  private final LinkedHashMap<PageKey, LastVersions> files =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<PageKey, LastVersions> eldest) {
          return size() > MOST_FILES;
        }
      };

  /** Guarded by the pages. */
  private static final class Page {
    private final byte[] hashes;
    private boolean changed;

    Page(byte[] hashes) {
      this.hashes = hashes;
    }
  }

  FilePages(VersionTable versions, ContentStore contents, Blake3 blake3) {
    this.versions = versions;
    this.contents = contents;
    this.blake3 = blake3;
  }

  /** Reads which pages are known; for once, before anything else. */
  void open() throws IOException {
    versions.forEach((key, _) -> mark(key));
  }

  /** Told of each hash there is, some of them several times. */
  @FunctionalInterface
  interface HashReader {
    void hash(ChunkHash hash) throws IOException;
  }

  /**
   * Tells of every hash that was flushed.
   *
   * @param which of the entries count
   */
  void forEachHash(Predicate<Entry> which, HashReader told) throws IOException {
    List<ChunkHash> found = new ArrayList<>();
    IOException[] failure = new IOException[1];
    versions.forEach((_, entry) -> {
      if (entry.kind() == Kind.LAST || !which.test(entry)) {
        return;
      }
      if (entry.kind() == Kind.PAGE) {
        found.add(entry.hash());
        return;
      }
      try {
        told.hash(entry.hash());
      } catch (IOException failed) {
        failure[0] = failed;
      }
    });
    if (failure[0] != null) {
      throw failure[0];
    }
    byte[] hashes = new byte[PAGE_BYTES];
    for (ChunkHash page : found) {
      told.hash(page);
      if (!readPage(page, hashes)) {
        continue;
      }
      for (int at = 0; at < PAGE_BYTES; at += ChunkHash.BYTES) {
        byte[] hash = Arrays.copyOfRange(hashes, at, at + ChunkHash.BYTES);
        if (!Arrays.equals(hash, UNKNOWN)) {
          told.hash(ChunkHash.of(hash));
        }
      }
    }
  }

  private boolean readPage(ChunkHash hash, byte[] hashes) throws IOException {
    try {
      return contents.read(hash, MemorySegment.ofArray(hashes)).isPresent();
    } catch (CorruptContentException corrupt) {
      contents.drop(hash);
      return false;
    }
  }

  /**
   * The hash of a chunk, if it is known.
   *
   * @param index in the page, 0 to 511
   */
  Optional<ChunkHash> hashOf(PageKey key, int index) throws IOException {
    Optional<Page> known = inMemory(key);
    if (known.isEmpty()) {
      Optional<Entry> entry = versions.get(key);
      if (entry.isEmpty()) {
        return Optional.empty();
      }
      if (entry.get().kind() == Kind.CHUNK) {
        return index == 0 ? Optional.of(entry.get().hash()) : Optional.empty();
      }
      known = load(key, entry.get().hash());
    }
    return known.flatMap(page -> hash(page, index));
  }

  /** Which versions of a file came last, if that is known. */
  Optional<LastVersions> lastVersions(PageKey file) throws IOException {
    Optional<LastVersions> known = versionsInMemory(file);
    if (known.isEmpty()) {
      LastVersions found = stored(file).orElse(LastVersions.NOTHING);
      synchronized (files) {
        LastVersions noted = files.putIfAbsent(file, found);
        known = Optional.of(noted == null ? found : noted);
      }
    }
    return known.filter(last -> !last.equals(LastVersions.NOTHING));
  }

  private Optional<LastVersions> stored(PageKey file) throws IOException {
    return versions
        .get(file)
        .filter(entry -> entry.kind() == Kind.LAST)
        .map(entry -> LastVersions.of(entry.hash()));
  }

  private Optional<LastVersions> versionsInMemory(PageKey file) {
    synchronized (files) {
      return Optional.ofNullable(files.get(file));
    }
  }

  /** Something of a version is put. */
  void noteVersion(PageKey file, Version version) throws IOException {
    // From the table: that it is asked for keeps it there.
    Optional<LastVersions> last = stored(file);
    if (last.isEmpty() || !last.get().newest().equals(version)) {
      mark(file);
      LastVersions now = last.map(was -> was.then(version)).orElse(LastVersions.first(version));
      versions.put(file, Kind.LAST, now.stored());
      synchronized (files) {
        files.put(file, now);
      }
    }
  }

  /**
   * Whether a chunk may be known; false is sure. Any thread, and does not block.
   *
   * @param index in the page, 0 to 511
   */
  boolean mayHold(PageKey key, int index) {
    return isMarked(key) && inMemory(key).map(page -> hash(page, index).isPresent()).orElse(true);
  }

  /** Whether a version of a file may be known beside this one; as {@link #mayHold}. */
  boolean mayHoldOther(PageKey file, Version version) {
    return isMarked(file)
        && versionsInMemory(file)
            .map(last -> last.otherThan(version.high(), version.low()).isPresent())
            .orElse(true);
  }

  private boolean isMarked(PageKey key) {
    int bit = (int) key.low() & (FILTER_BITS - 1);
    return (filter.get(bit / Long.SIZE) & (1L << bit)) != 0;
  }

  /**
   * A chunk is known to have this hash.
   *
   * @param alone whether the file has no other
   * @return whether that is new
   */
  boolean note(PageKey key, int index, ChunkHash hash, boolean alone) throws IOException {
    mark(key);
    if (alone) {
      boolean known = versions.get(key).filter(entry -> entry.hash().equals(hash)).isPresent();
      if (!known) {
        versions.put(key, Kind.CHUNK, hash);
      }
      return !known;
    }
    Page page = inMemory(key).orElse(null);
    if (page == null) {
      Optional<Entry> entry = versions.get(key).filter(found -> found.kind() == Kind.PAGE);
      page = entry.isPresent() ? loadOrDrop(key, entry.get().hash()).orElse(null) : null;
    }
    boolean known;
    synchronized (pages) {
      if (page == null) {
        page = new Page(new byte[PAGE_BYTES]);
      }
      pages.put(key, page);
      int at = index * ChunkHash.BYTES;
      byte[] bytes = hash.bytes();
      known = Arrays.equals(bytes, 0, bytes.length, page.hashes, at, at + bytes.length);
      if (!known) {
        System.arraycopy(bytes, 0, page.hashes, at, bytes.length);
        page.changed = true;
      }
    }
    if (size() > MOST_PAGES) {
      shrink();
    }
    return !known;
  }

  /** Writes what has become known of a page. */
  void flush(PageKey key) throws IOException {
    Optional<Page> known = inMemory(key);
    if (known.isPresent()) {
      write(key, known.get());
    }
  }

  /** Writes what has become known. */
  void flush() throws IOException {
    for (Map.Entry<PageKey, Page> each : all()) {
      write(each.getKey(), each.getValue());
    }
  }

  /** Forgets what is in RAM. */
  void clear() {
    synchronized (pages) {
      pages.clear();
    }
    synchronized (files) {
      files.clear();
    }
    for (int i = 0; i < filter.length(); i++) {
      filter.set(i, 0);
    }
  }

  private void mark(PageKey key) {
    int bit = (int) key.low() & (FILTER_BITS - 1);
    filter.getAndAccumulate(bit / Long.SIZE, 1L << bit, (before, one) -> before | one);
  }

  private void shrink() throws IOException {
    for (Map.Entry<PageKey, Page> oldest : all()) {
      if (size() <= MOST_PAGES / 2) {
        return;
      }
      write(oldest.getKey(), oldest.getValue());
      synchronized (pages) {
        if (!oldest.getValue().changed) {
          pages.remove(oldest.getKey());
        }
      }
    }
  }

  private void write(PageKey key, Page page) throws IOException {
    MemorySegment bytes;
    synchronized (pages) {
      if (!page.changed) {
        return;
      }
      page.changed = false;
      bytes = MemorySegment.ofArray(page.hashes.clone());
    }
    ChunkHash hash = blake3.hash(bytes).hash();
    Optional<Entry> before = versions.get(key);
    boolean written = false;
    try {
      boolean pinned = before.isPresent() && versions.isPinned(before.get());
      contents.put(hash, bytes, pinned ? Standing.PINNED : Standing.PROVEN);
      versions.put(key, Kind.PAGE, hash);
      written = true;
    } finally {
      if (!written) {
        synchronized (pages) {
          page.changed = true;
        }
      }
    }
    if (before.isPresent()
        && before.get().kind() == Kind.PAGE
        && !before.get().hash().equals(hash)) {
      contents.drop(before.get().hash());
    }
  }

  private Optional<Page> loadOrDrop(PageKey key, ChunkHash hash) throws IOException {
    try {
      return load(key, hash);
    } catch (CorruptContentException corrupt) {
      contents.drop(corrupt.hash());
      return Optional.empty();
    }
  }

  private Optional<Page> load(PageKey key, ChunkHash hash) throws IOException {
    byte[] hashes = new byte[PAGE_BYTES];
    Optional<Integer> length = contents.read(hash, MemorySegment.ofArray(hashes));
    if (length.isEmpty() || length.get() != PAGE_BYTES) {
      return Optional.empty();
    }
    synchronized (pages) {
      Page known = pages.get(key);
      if (known == null) {
        known = new Page(hashes);
        pages.put(key, known);
        // One that holds nothing new may go at once.
        pages.entrySet().stream()
            .filter(each -> pages.size() > MOST_PAGES && !each.getValue().changed)
            .findFirst()
            .map(Map.Entry::getKey)
            .ifPresent(pages::remove);
      }
      return Optional.of(known);
    }
  }

  private Optional<Page> inMemory(PageKey key) {
    synchronized (pages) {
      return Optional.ofNullable(pages.get(key));
    }
  }

  private Optional<ChunkHash> hash(Page page, int index) {
    int at = index * ChunkHash.BYTES;
    byte[] bytes;
    synchronized (pages) {
      bytes = Arrays.copyOfRange(page.hashes, at, at + ChunkHash.BYTES);
    }
    return Arrays.equals(bytes, UNKNOWN) ? Optional.empty() : Optional.of(ChunkHash.of(bytes));
  }

  private List<Map.Entry<PageKey, Page>> all() {
    synchronized (pages) {
      return new ArrayList<>(
          pages.entrySet().stream().map(e -> Map.entry(e.getKey(), e.getValue())).toList());
    }
  }

  private int size() {
    synchronized (pages) {
      return pages.size();
    }
  }
}
