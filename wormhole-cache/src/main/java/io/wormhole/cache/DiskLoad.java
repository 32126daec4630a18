package io.wormhole.cache;

import io.wormhole.cache.disk.DiskTier;
import io.wormhole.cache.disk.DiskTier.Found;
import io.wormhole.protocol.hash.ChunkHash;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A chunk from the disk or, if it is not there or the disk has it wait too long, from the network.
 * The disk never writes to the destination itself: however late it answers, it disturbs nobody.
 */
final class DiskLoad implements PendingLoad {
  private static final byte[] NONE = new byte[0];

  private final ChunkKey key;
  private final MemorySegment destination;
  private final ChunkLoader network;
  private final Consumer<DiskLoad> readingKnown;
  private final CompletableFuture<Arrival> arrival = new CompletableFuture<>();

  /** Guarded by this: the disk may still bring it. */
  private boolean open = true;

  private boolean cancelled;
  private boolean hurried;
  private @Nullable PendingLoad further;
  private @Nullable Consumer<Part> partTold;

  /** What another version has in this place. */
  private volatile @Nullable ChunkHash known;

  /** What the host says of it that is not known: its length, and whether it is young. */
  private volatile @Nullable Arrival same;

  private volatile boolean checked;

  /**
   * @param readingKnown begins to call {@link #readKnown}, or gives this up; does not wait
   */
  DiskLoad(
      ChunkKey key,
      MemorySegment destination,
      ChunkLoader network,
      Consumer<DiskLoad> readingKnown) {
    this.key = key;
    this.destination = destination;
    this.network = network;
    this.readingKnown = readingKnown;
  }

  @Override
  public CompletableFuture<Arrival> arrival() {
    return arrival;
  }

  /** Whether what has arrived was found to be what its hash says: it came from our own disk. */
  boolean isChecked() {
    return checked;
  }

  /** Whether the disk has brought it under another version's name. */
  boolean isNews() {
    return same != null;
  }

  /**
   * Reads the disk, and goes on over the network if it is not there. Blocks.
   *
   * @param scratch of a chunk's size
   * @return whether the disk has answered in time
   */
  boolean read(DiskTier tier, MemorySegment scratch) {
    if (!isOpen()) {
      return false;
    }
    try {
      Optional<Found> found = tier.read(DiskKeys.page(key), DiskKeys.indexInPage(key), scratch);
      if (found.isPresent()) {
        return land(found.get(), scratch, false);
      }
      known = ofOtherVersion(tier).orElse(null);
    } catch (RuntimeException | Error failed) {
      if (giveUp()) {
        arrival.completeExceptionally(failed);
      }
      return false;
    }
    boolean inTime = giveUp();
    if (inTime) {
      overNetwork();
    }
    return inTime;
  }

  private Optional<ChunkHash> ofOtherVersion(DiskTier tier) {
    FileVersion file = key.file();
    return tier.lastVersions(DiskKeys.file(file))
        .flatMap(last -> last.otherThan(file.versionHigh(), file.versionLow()))
        .map(other ->
            new FileVersion(
                file.shareHigh(),
                file.shareLow(),
                file.inode(),
                file.generation(),
                other.high(),
                other.low()))
        .map(other -> new ChunkKey(other, key.index()))
        .flatMap(other -> tier.hashOf(DiskKeys.page(other), DiskKeys.indexInPage(other)));
  }

  /**
   * Reads what the host says is the chunk, and goes on over the network if it is not there any
   * more. Blocks.
   *
   * @param scratch of a chunk's size
   * @return whether the disk has answered in time
   */
  boolean readKnown(DiskTier tier, MemorySegment scratch) {
    Arrival told = same;
    ChunkHash hash = known;
    if (told == null || hash == null) {
      return false;
    }
    Optional<Found> found = tier.read(hash, scratch).filter(here -> here.length() == told.length());
    if (found.isPresent()) {
      return land(found.get(), scratch, told.young());
    }
    boolean inTime = giveUp();
    if (inTime) {
      overNetwork();
    }
    return inTime;
  }

  /** Does without the disk from now on; false if that has brought the chunk, or nobody wants it. */
  synchronized boolean giveUp() {
    boolean was = open;
    open = false;
    return was;
  }

  /** After it was given up. */
  void overNetwork() {
    // Once: what the host calls the same and is not here comes as bytes.
    ChunkHash hint = same == null ? known : null;
    known = hint;
    same = null;
    PendingLoad begun;
    try {
      begun = hint == null ? network.load(key, destination) : network.load(key, hint, destination);
    } catch (RuntimeException | Error failed) {
      arrival.completeExceptionally(failed);
      return;
    }
    boolean late;
    boolean waitedFor;
    Consumer<Part> told;
    synchronized (this) {
      further = begun;
      late = cancelled;
      waitedFor = hurried;
      told = partTold;
    }
    if (told != null) {
      begun.onPart(told);
    }
    if (late) {
      begun.cancel();
    } else if (waitedFor) {
      begun.hurry();
    }
    var _ =
        begun
            .arrival()
            .whenComplete((come, failure) -> {
              if (failure != null) {
                arrival.completeExceptionally(failure);
              } else if (hint != null && come.isKnown()) {
                isKnown(come);
              } else {
                arrival.complete(come);
              }
            });
  }

  private void isKnown(Arrival told) {
    same = told;
    boolean wanted;
    synchronized (this) {
      wanted = !cancelled;
      open = wanted;
    }
    if (wanted) {
      readingKnown.accept(this);
    } else {
      arrival.completeExceptionally(new CancellationException());
    }
  }

  @Override
  public void onPart(Consumer<Part> told) {
    PendingLoad begun;
    synchronized (this) {
      partTold = told;
      begun = further;
    }
    if (begun != null) {
      begun.onPart(told);
    }
  }

  @Override
  public void hurry() {
    PendingLoad begun;
    synchronized (this) {
      hurried = true;
      begun = further;
    }
    if (begun != null) {
      begun.hurry();
    }
  }

  @Override
  public void cancel() {
    boolean only;
    PendingLoad begun;
    synchronized (this) {
      cancelled = true;
      only = open;
      open = false;
      begun = further;
    }
    if (begun != null) {
      begun.cancel();
    }
    if (only) {
      arrival.completeExceptionally(new CancellationException());
    }
  }

  private boolean land(Found found, MemorySegment scratch, boolean young) {
    if (found.length() > destination.byteSize()) {
      // Who is asked next says what is so.
      boolean inTime = giveUp();
      if (inTime) {
        overNetwork();
      }
      return inTime;
    }
    synchronized (this) {
      if (!open) {
        return false;
      }
      open = false;
      // Under the lock: whoever closes it may have the destination written to.
      MemorySegment.copy(scratch, 0, destination, 0, found.length());
    }
    checked = true;
    arrival.complete(new Arrival(found.length(), found.hash().bytes(), NONE, young));
    return true;
  }

  private synchronized boolean isOpen() {
    return open;
  }
}
