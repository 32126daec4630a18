package io.wormhole.daemon.fuse.device;

import java.util.List;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * Replies that are used again, in three sizes. Small ones never wait. What the others take together
 * is bounded: past the bound a taker waits for some to come back, in order. Few are kept while
 * nobody uses them, so that an idle daemon is small; the rest are freed as they come back. What
 * came back last is taken first, as the processor still has it in its cache. Any thread may call.
 */
final class ReplyPool {
  /** Holds every answer that is not data: an entry, a link's target, a page of a listing. */
  static final int SMALL_BYTES = 4096;

  /** Holds what the kernel reads ahead of a program by default. */
  static final int MEDIUM_BYTES = 128 << 10;

  private static final int SMALL_KEPT = 64;
  private static final int MEDIUM_KEPT = 32;
  private static final int LARGE_KEPT = 4;

  private final int limit;
  private final Semaphore unused;
  private final List<Kept> sizes;

  /** Replies of one size: a bounded stack of those that nobody uses. */
  private static final class Kept {
    private final int bytes;

    /** What one takes of the bound, in {@link #MEDIUM_BYTES}; small ones take nothing. */
    private final int units;

    private final Reply[] replies;
    private int count;

    Kept(int bytes, int most) {
      this.bytes = bytes;
      this.units = bytes == SMALL_BYTES ? 0 : Math.ceilDiv(bytes, MEDIUM_BYTES);
      this.replies = new Reply[most];
    }

    synchronized @Nullable Reply poll() {
      return count == 0 ? null : replies[--count];
    }

    synchronized boolean offer(Reply reply) {
      if (count == replies.length) {
        return false;
      }
      replies[count++] = reply;
      return true;
    }
  }

  /**
   * @param largeBytes the most that is asked for
   * @param limitBytes what all but the small ones may take together; at least one large one
   */
  ReplyPool(int largeBytes, long limitBytes) {
    this.sizes =
        List.of(
            new Kept(SMALL_BYTES, SMALL_KEPT),
            new Kept(Math.min(MEDIUM_BYTES, largeBytes), MEDIUM_KEPT),
            new Kept(largeBytes, LARGE_KEPT));
    this.limit = (int) Math.max(limitBytes / MEDIUM_BYTES, sizes.getLast().units);
    this.unused = new Semaphore(limit, true);
  }

  /**
   * A reply with room for so many bytes, at most the large size; the taker gives it back. What was
   * sent in it before is still in it.
   */
  Reply take(int payloadBytes) throws InterruptedException {
    for (Kept size : sizes) {
      if (payloadBytes <= size.bytes) {
        if (size.units > 0) {
          // Even for nothing a fair semaphore has its caller wait behind others.
          unused.acquire(size.units);
        }
        return taken(size);
      }
    }
    throw new IllegalArgumentException(
        "a reply of " + payloadBytes + " bytes, of " + sizes.getLast().bytes + " at most");
  }

  /** A small reply, at once. */
  Reply takeSmall() {
    return taken(sizes.getFirst());
  }

  void give(Reply reply) {
    for (Kept size : sizes) {
      if (reply.capacityBytes() == size.bytes) {
        if (!size.offer(reply)) {
          reply.close();
        }
        unused.release(size.units);
        return;
      }
    }
    throw new IllegalArgumentException("a reply from elsewhere");
  }

  /** Bytes that are taken now, but for small replies. */
  long takenBytes() {
    return (long) (limit - unused.availablePermits()) * MEDIUM_BYTES;
  }

  private Reply taken(Kept size) {
    boolean done = false;
    try {
      Reply kept = size.poll();
      Reply reply = kept == null ? new Reply(size.bytes) : kept;
      done = true;
      return reply;
    } finally {
      if (!done) {
        unused.release(size.units);
      }
    }
  }
}
