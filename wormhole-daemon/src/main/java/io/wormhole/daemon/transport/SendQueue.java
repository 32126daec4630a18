package io.wormhole.daemon.transport;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.message.Reply;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Frames on their way out of one stream. Any thread adds; the event loop hands them to the codec as
 * fast as it takes them, chunks and other large ones when their turn among those of all the lane's
 * streams has come ({@link SendTurns}).
 *
 * <p>QUIC's codec turns every single write into packets at once, TLS into records. So small frames
 * that wait together are joined into one write: what was sent within one turn of the loop leaves
 * together, and a frame that is alone leaves without delay.
 */
final class SendQueue {
  /** Messages up to this size are joined, */
  private static final int SMALL_FRAME_BYTES = 2 << 10;

  /** up to this size together. */
  private static final int JOINED_BYTES = 16 << 10;

  /** What a frame takes beside its bytes while it waits: many small ones are no small thing. */
  private static final long FRAME_COST_BYTES = 256;

  private record Waiter(long belowBytes, Runnable action) {}

  private final Channel channel;
  private final EventLoop loop;
  private final SendTurns turns;
  private final Runnable whenSent;
  private final Runnable whenFinished;

  /** The small ones. */
  private final Queue<ByteBuf> frames = new ConcurrentLinkedQueue<>();

  private final Queue<Waiter> waiters = new ConcurrentLinkedQueue<>();

  /** Of frames added and not yet taken by the codec as a whole, with what each costs beside. */
  private final AtomicLong queuedBytes = new AtomicLong();

  private final AtomicBoolean drainScheduled = new AtomicBoolean();
  private volatile boolean finishing;
  private volatile boolean discarded;

  private boolean draining;
  private boolean finished;
  private long nextCostBytes;
  private long lastWriteNanos;
  private boolean written;

  /**
   * @param turns of the lane
   * @param whenSent called on the event loop each time the connection has taken something
   * @param whenFinished called on the event loop once {@link #finish} was called and everything has
   *     left
   */
  SendQueue(Channel channel, SendTurns turns, Runnable whenSent, Runnable whenFinished) {
    this.channel = channel;
    this.turns = turns;
    this.loop = channel.eventLoop();
    this.whenSent = whenSent;
    this.whenFinished = whenFinished;
  }

  /**
   * Takes over the frame of a message. After {@link #finish} it is dropped.
   *
   * @param turn of a large one
   */
  void addMessage(ByteBuf frame, FrameStream.Turn turn) {
    if (frame.readableBytes() > SMALL_FRAME_BYTES) {
      addLarge(frame, turn);
    } else if (isCounted(frame)) {
      frames.add(frame);
      scheduleDrain();
    }
  }

  /** Takes over a frame that leaves when its turn has come. After {@link #finish} it is dropped. */
  void addLarge(ByteBuf frame, FrameStream.Turn turn) {
    if (isCounted(frame)) {
      turns.add(this, frame, turn);
      scheduleDrain();
    }
  }

  private boolean isCounted(ByteBuf frame) {
    if (finishing || discarded) {
      frame.release();
      return false;
    }
    queuedBytes.addAndGet(cost(frame));
    return true;
  }

  long queuedBytes() {
    return queuedBytes.get();
  }

  /** Calls {@code action} on the event loop once fewer bytes than {@code belowBytes} are queued. */
  void whenBelow(long belowBytes, Runnable action) {
    waiters.add(new Waiter(belowBytes, action));
    try {
      loop.execute(this::callWaiters);
    } catch (RejectedExecutionException loopGone) {
      callWaiters();
    }
  }

  /** No frame is taken any more; those there leave first. */
  void finish() {
    finishing = true;
    scheduleDrain();
  }

  /** Frees what has not left. Whoever waited is called. */
  void discard() {
    discarded = true;
    for (ByteBuf frame = frames.poll(); frame != null; frame = frames.poll()) {
      drop(frame);
    }
    turns.discard(this);
    callWaiters();
  }

  void drop(ByteBuf frame) {
    queuedBytes.addAndGet(-cost(frame));
    frame.release();
  }

  /** Whether the codec takes another frame. On the event loop. */
  boolean takesFrames() {
    return !discarded && channel.isWritable();
  }

  /**
   * Writes a large frame, or what leaves in its place. On the event loop.
   *
   * @param whenOver called when the codec has taken all of it, or never will
   */
  void write(ByteBuf frame, FrameStream.Turn turn, Runnable whenOver) {
    long cost = cost(frame);
    Reply other = turn.instead();
    if (other != null) {
      frame.release();
    }
    write(
        other == null ? frame : ChannelFrameStream.encoded(channel.alloc(), FrameType.REPLY, other),
        () -> {
          left(cost);
          whenOver.run();
        });
  }

  private void write(ByteBuf bytes, Runnable whenTaken) {
    lastWriteNanos = System.nanoTime();
    written = true;
    channel.writeAndFlush(bytes).addListener(_ -> whenTaken.run());
  }

  /** Whether something was handed to the codec less than so long ago. On the event loop. */
  boolean wroteWithin(long nanos) {
    return written && System.nanoTime() - lastWriteNanos < nanos;
  }

  /** Hands over what the codec takes. On the event loop; also called inside a write of ours. */
  void drain() {
    drainScheduled.set(false);
    if (discarded) {
      discard();
      return;
    }
    if (draining) {
      // Whether more can be written is asked again after the write that this call came from.
      return;
    }
    draining = true;
    try {
      while (!discarded && channel.isWritable()) {
        ByteBuf next = next();
        if (next == null) {
          break;
        }
        long cost = nextCostBytes;
        write(next, () -> left(cost));
      }
    } finally {
      draining = false;
    }
    turns.give();
    finishIfEmpty();
  }

  private static long cost(ByteBuf frame) {
    return FRAME_COST_BYTES + frame.readableBytes();
  }

  private void left(long cost) {
    queuedBytes.addAndGet(-cost);
    whenSent.run();
    if (!waiters.isEmpty()) {
      callWaiters();
    }
    finishIfEmpty();
  }

  private void scheduleDrain() {
    if (drainScheduled.compareAndSet(false, true)) {
      try {
        loop.execute(this::drain);
      } catch (RejectedExecutionException loopGone) {
        discard();
      }
    } else if (discarded) {
      discard();
    }
  }

  private void finishIfEmpty() {
    if (finishing && !finished && !draining && frames.isEmpty() && queuedBytes.get() == 0) {
      finished = true;
      whenFinished.run();
    }
  }

  private void callWaiters() {
    long queued = queuedBytes.get();
    List<Waiter> over =
        waiters.stream().filter(waiter -> discarded || queued < waiter.belowBytes()).toList();
    for (Waiter waiter : over) {
      // Another thread may have been first.
      if (waiters.remove(waiter)) {
        waiter.action().run();
      }
    }
  }

  /** The next write, and in {@code nextCostBytes} what its frames counted for. */
  private @Nullable ByteBuf next() {
    ByteBuf first = frames.poll();
    if (first == null) {
      return null;
    }
    nextCostBytes = cost(first);
    if (frames.isEmpty()) {
      return first;
    }
    ByteBuf joined = channel.alloc().directBuffer(JOINED_BYTES, JOINED_BYTES);
    ByteBuf frame = first;
    nextCostBytes = 0;
    while (frame != null) {
      nextCostBytes += cost(frame);
      joined.writeBytes(frame);
      frame.release();
      ByteBuf following = frames.peek();
      frame =
          following != null && following.readableBytes() <= joined.writableBytes()
              ? frames.poll()
              : null;
    }
    return joined;
  }
}
