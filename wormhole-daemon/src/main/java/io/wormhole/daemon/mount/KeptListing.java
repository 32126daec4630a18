package io.wormhole.daemon.mount;

import com.google.protobuf.ByteString;
import io.wormhole.daemon.mount.HostAttributes.HostIdentity;
import io.wormhole.daemon.mount.MetadataCache.Kept;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/**
 * A folder's listing as it was kept, in which names are looked up: where each name stands is held
 * in memory, eight bytes a name, and the entries of one segment, as whoever looks up names does so
 * mostly in the order of the listing.
 *
 * <p>One thread at a time.
 */
final class KeptListing {
  private static final int SEGMENT_HELD_BYTES = 64 << 10;

  private final MetadataCache metadata;
  private final HostIdentity folder;

  /** A name's hash above the number of its segment; ascending. */
  private final long[] places;

  /** What tells that a segment is the one that was indexed. */
  private final long[] segments;

  private boolean whole;
  private int heldSegment = -1;
  private Map<ByteString, HostAttributes> held = Map.of();

  private KeptListing(
      MetadataCache metadata, HostIdentity folder, boolean whole, long[] places, long[] segments) {
    this.metadata = metadata;
    this.folder = folder;
    this.whole = whole;
    this.places = places;
    this.segments = segments;
  }

  /**
   * Reads all that is kept of a folder's listing, once. Waits for the disk.
   *
   * @param goesOn asked between two segments; what was not read by then is not known
   */
  static KeptListing read(MetadataCache metadata, HostIdentity folder, BooleanSupplier goesOn)
      throws InterruptedException {
    MetadataCache.Reader reader = metadata.read(folder);
    List<long[]> places = new ArrayList<>();
    List<Long> segments = new ArrayList<>();
    Optional<List<Kept>> part = reader.next();
    while (part.isPresent()) {
      int segment = segments.size();
      places.add(part.get().stream().mapToLong(entry -> place(entry.name(), segment)).toArray());
      segments.add(reader.lastSegment());
      part = goesOn.getAsBoolean() ? reader.next() : Optional.empty();
    }
    return new KeptListing(
        metadata,
        folder,
        reader.atEnd(),
        places.stream().flatMapToLong(Arrays::stream).sorted().toArray(),
        segments.stream().mapToLong(Long::longValue).toArray());
  }

  private static long place(ByteString name, int segment) {
    return (long) name.hashCode() << Integer.SIZE | segment;
  }

  /** Whether a name that was not found in it was not in the folder either. */
  boolean isWhole() {
    return whole;
  }

  /** What it takes in memory, about. */
  int bytes() {
    return SEGMENT_HELD_BYTES + Long.BYTES * places.length;
  }

  /** What was kept of a name. Waits for the disk, unless the last name stood near this one. */
  Optional<HostAttributes> find(ByteString name) throws InterruptedException {
    int at = Arrays.binarySearch(places, place(name, 0));
    for (int i = at < 0 ? -at - 1 : at; i < places.length; i++) {
      if ((int) (places[i] >> Integer.SIZE) != name.hashCode()) {
        break;
      }
      HostAttributes found = segment((int) places[i]).get(name);
      if (found != null) {
        return Optional.of(found);
      }
    }
    return Optional.empty();
  }

  private Map<ByteString, HostAttributes> segment(int index) throws InterruptedException {
    if (index != heldSegment) {
      Optional<List<Kept>> kept = metadata.segment(folder, index, segments[index]);
      whole = whole && kept.isPresent();
      Map<ByteString, HostAttributes> entries = new HashMap<>();
      kept.orElse(List.of()).forEach(entry -> entries.put(entry.name(), entry.attributes()));
      held = entries;
      heldSegment = index;
    }
    return held;
  }
}
