package io.wormhole.daemon.fuse.jnr;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.util.Objects.requireNonNull;

import io.wormhole.daemon.fuse.jnr.NativeStructs.InHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A thread that deals with the kernel's requests, one at a time, and what the one in hand says
 * beyond what libfuse hands to a callback: whether it is a lookup, and of which of its nodes.
 */
final class SessionThread extends Thread {
  private static final int LOOKUP = 1;

  private static final int UNLINK = 10;

  /** No request of the kernel's: it ignores the reply. */
  private static final long UNIQUE_OF_NONE = -2;

  private @Nullable MemorySegment request;
  private @Nullable Consumer<MemorySegment> libfuse;
  private boolean removal;

  /**
   * @param stackBytes small: calls are shallow, and there may be many threads
   */
  SessionThread(Runnable body, String name, long stackBytes) {
    super(null, body, name, stackBytes, false);
    setDaemon(true);
  }

  /**
   * Takes a request in hand, on its own thread.
   *
   * @param libfuse deals with a request on this thread
   */
  static void take(MemorySegment request, Consumer<MemorySegment> libfuse) {
    SessionThread self = self();
    self.request = request;
    self.libfuse = libfuse;
  }

  /** Whether the request in hand asks what a name is now; else it is of an inode that is known. */
  static boolean isLookup() {
    return inHand().get(JAVA_INT, InHeader.OPCODE) == LOOKUP;
  }

  /**
   * What the kernel calls the inode that the request in hand is about; a lookup's is the folder.
   */
  static long node() {
    return inHand().get(JAVA_LONG, InHeader.NODE);
  }

  /**
   * Tells libfuse that the name which the lookup in hand asks for was removed, so that it takes
   * what the lookup finds for another inode. libfuse hears of removals in one way only: as a
   * request of the kernel's, which this one is made to look like. It waits for calls on the old
   * inode that need its path.
   */
  static void removeName() {
    SessionThread self = self();
    MemorySegment lookup = inHand();
    int length = lookup.get(JAVA_INT, InHeader.LENGTH);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment unlink = arena.allocate(length, Long.BYTES);
      MemorySegment.copy(lookup, JAVA_BYTE, 0, unlink, JAVA_BYTE, 0, length);
      unlink.set(JAVA_INT, InHeader.OPCODE, UNLINK);
      unlink.set(JAVA_LONG, InHeader.UNIQUE, UNIQUE_OF_NONE);
      self.removal = true;
      requireNonNull(self.libfuse).accept(unlink);
    } finally {
      self.removal = false;
    }
  }

  /** Whether this thread is in {@link #removeName}. */
  static boolean isRemoval() {
    return self().removal;
  }

  private static MemorySegment inHand() {
    return requireNonNull(self().request);
  }

  private static SessionThread self() {
    return (SessionThread) Thread.currentThread();
  }
}
