package io.wormhole.cache.ram;

import io.wormhole.protocol.hash.ChunkHash;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.OptionalInt;

/**
 * Verified bytes of one chunk, off-heap, reference-counted, never changed once published.
 *
 * <p>Made with one reference, which is its maker's. Whoever is given a chunk owns one reference and
 * releases it once, on any thread; {@link #bytes} may be used until then and not after. At zero the
 * slot goes back to its arena and holds something else soon; a {@code Chunk} is never used again.
 */
public final class Chunk {
  private static final VarHandle REFERENCES;

  static {
    try {
      REFERENCES = MethodHandles.lookup().findVarHandle(Chunk.class, "references", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final Slot slot;
  private final MemorySegment bytes;
  private final ChunkHash hash;
  private final boolean young;

  @SuppressWarnings("FieldMayBeFinal")
  private volatile int references = 1;

  /** Takes over the slot, whose first {@code length} bytes have been verified against the hash. */
  public Chunk(Slot slot, int length, ChunkHash hash, boolean young) {
    this.slot = slot;
    this.bytes = slot.memory().asSlice(0, length).asReadOnly();
    this.hash = hash;
    this.young = young;
  }

  /**
   * Adds a reference.
   *
   * @return false when the last one is gone already: look the chunk up again
   */
  public boolean retain() {
    for (int seen = references; seen > 0; seen = references) {
      if (REFERENCES.weakCompareAndSet(this, seen, seen + 1)) {
        return true;
      }
    }
    return false;
  }

  /**
   * Gives one reference back.
   *
   * @throws IllegalStateException if there is none left to give
   */
  public void release() {
    int before = (int) REFERENCES.getAndAdd(this, -1);
    if (before == 1) {
      slot.release();
    } else if (before == 2) {
      slot.mayBeEvicted();
    } else if (before <= 0) {
      REFERENCES.getAndAdd(this, 1);
      throw new IllegalStateException("a chunk was released more often than retained");
    }
  }

  /**
   * The bytes, read-only, {@link #length} of them.
   *
   * @throws IllegalStateException if the last reference is gone
   */
  public MemorySegment bytes() {
    if (references <= 0) {
      throw new IllegalStateException("a chunk was read after its release");
    }
    return bytes;
  }

  /** 0 to {@link SlabArena#SLOT_BYTES}. */
  public int length() {
    return (int) bytes.byteSize();
  }

  /** Whether its file's version was too young, when read, to be kept on a disk. */
  public boolean young() {
    return young;
  }

  /** The hash its bytes were verified against. */
  public ChunkHash hash() {
    return hash;
  }

  /** RAM it holds: the slot's, however short the chunk. */
  int footprintBytes() {
    return (int) slot.memory().byteSize();
  }

  /** The place of which its slot is a part; empty if it is all of one. */
  OptionalInt sharedPlace() {
    return slot.part() == Slot.WHOLE ? OptionalInt.empty() : OptionalInt.of(slot.place());
  }

  /** Whether nobody but one holder, the cache, has it at this moment. */
  boolean isIdle() {
    return references == 1;
  }
}
