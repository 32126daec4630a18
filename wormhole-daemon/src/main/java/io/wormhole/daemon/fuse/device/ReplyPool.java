package io.wormhole.daemon.fuse.device;

import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * Replies that are used again, in two sizes. Small ones never wait. Large ones are bounded: past
 * the bound a taker waits for one to come back. Few are kept while nobody uses them, so that an
 * idle daemon is small; the rest are freed as they come back. What came back last is taken first,
 * as the processor still has it in its cache. Any thread may call.
 */
final class ReplyPool {
  /** Holds every answer that is not data: an entry, a link's target, a page of a listing. */
  static final int SMALL_BYTES = 4096;

  private static final int SMALL_KEPT = 64;
  private static final int LARGE_KEPT = 32;

  private final int largeBytes;
  private final int largeLimit;
  private final Semaphore largeUnused;
  private final Kept small = new Kept(SMALL_KEPT);
  private final Kept large = new Kept(LARGE_KEPT);

  /** A bounded stack. */
  private static final class Kept {
    private final Reply[] replies;
    private int count;

    Kept(int limit) {
      replies = new Reply[limit];
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
   * @param largeBytes payload of the large size
   * @param largeLimit how many large ones there are at most
   */
  ReplyPool(int largeBytes, int largeLimit) {
    this.largeBytes = largeBytes;
    this.largeLimit = largeLimit;
    this.largeUnused = new Semaphore(largeLimit);
  }

  /**
   * A reply with room for so many bytes, at most the large size; the taker gives it back. What was
   * sent in it before is still in it.
   */
  Reply take(int payloadBytes) throws InterruptedException {
    if (payloadBytes <= SMALL_BYTES) {
      return takeSmall();
    }
    if (payloadBytes > largeBytes) {
      throw new IllegalArgumentException(
          "a reply of " + payloadBytes + " bytes, of " + largeBytes + " at most");
    }
    largeUnused.acquire();
    Reply kept = large.poll();
    try {
      return kept == null ? new Reply(largeBytes) : kept;
    } catch (OutOfMemoryError e) {
      largeUnused.release();
      throw e;
    }
  }

  /** A small reply, at once. */
  Reply takeSmall() {
    Reply kept = small.poll();
    return kept == null ? new Reply(SMALL_BYTES) : kept;
  }

  void give(Reply reply) {
    boolean isLarge = reply.capacityBytes() > SMALL_BYTES;
    if (!(isLarge ? large : small).offer(reply)) {
      reply.close();
    }
    if (isLarge) {
      largeUnused.release();
    }
  }

  /** Large replies that are taken now. */
  int largeTaken() {
    return largeLimit - largeUnused.availablePermits();
  }
}
