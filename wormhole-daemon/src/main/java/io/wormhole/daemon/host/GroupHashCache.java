package io.wormhole.daemon.host;

import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.hash.GroupHashes;
import java.lang.foreign.MemorySegment;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The hashes of chunks that were read before, least recently used first out, so that a chunk read
 * again costs no BLAKE3. A write through a mapping changes bytes without a time, so the bytes are
 * compared by CRC-32C, at a small part of the cost: what is sent as a chunk's hash is always that
 * of the bytes sent. Any thread.
 */
final class GroupHashCache {
  /** What an entry takes beside its chaining values: objects, key, hash. */
  private static final long ENTRY_BYTES = 256;

  private final Blake3 blake3;
  private final long limitBytes;
  private final Map<Key, Kept> kept = new LinkedHashMap<>(64, 0.75f, true);
  private long bytes;
  private long hits;

  /**
   * @param limitBytes of heap it may take, about
   */
  GroupHashCache(Blake3 blake3, long limitBytes) {
    this.blake3 = blake3;
    this.limitBytes = limitBytes;
  }

  /** The hashes of bytes that belong to no version that lasts. */
  GroupHashes of(MemorySegment chunk) {
    return blake3.hash(chunk);
  }

  /**
   * The hashes of one whole chunk of a version that is not young.
   *
   * @param index of the chunk in its file
   */
  GroupHashes of(VersionToken version, long index, MemorySegment chunk) {
    Key key = new Key(version, index);
    long checksum = checksum(chunk);
    GroupHashes known = find(key, checksum);
    if (known != null) {
      return known;
    }
    GroupHashes hashes = blake3.hash(chunk);
    keep(key, new Kept(checksum, hashes));
    return hashes;
  }

  /** How many chunks were not hashed because their hashes were kept. */
  synchronized long hits() {
    return hits;
  }

  synchronized long bytes() {
    return bytes;
  }

  private synchronized @Nullable GroupHashes find(Key key, long checksum) {
    Kept found = kept.get(key);
    if (found == null || found.checksum != checksum) {
      return null;
    }
    hits++;
    return found.hashes;
  }

  private synchronized void keep(Key key, Kept entry) {
    Kept before = kept.put(key, entry);
    bytes += entry.bytes() - (before == null ? 0 : before.bytes());
    Iterator<Kept> oldest = kept.values().iterator();
    while (bytes > limitBytes) {
      bytes -= oldest.next().bytes();
      oldest.remove();
    }
  }

  private static long checksum(MemorySegment chunk) {
    CRC32C crc = new CRC32C();
    crc.update(chunk.asByteBuffer());
    return crc.getValue();
  }

  private record Key(VersionToken version, long index) {}

  private record Kept(long checksum, GroupHashes hashes) {
    long bytes() {
      return ENTRY_BYTES + hashes.chainingValues().length;
    }
  }
}
