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
 * fast as it takes them: messages in their order, chunks and large answers when their turn among
 * those of all the lane's streams has come ({@link SendTurns}).
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

  /** Equal to itself alone: two frames may have the same bytes. */
  private static final class Large {
    private final ByteBuf frame;
    private final FrameStream.Turn turn;
    private final long number;

    Large(ByteBuf frame, FrameStream.Turn turn, long number) {
      this.frame = frame;
      this.turn = turn;
      this.number = number;
    }
  }

  private final Channel channel;
  private final EventLoop loop;
  private final SendTurns turns;
  private final Runnable whenSent;
  private final Runnable whenFinished;
  private final Queue<ByteBuf> messages = new ConcurrentLinkedQueue<>();
  private final Queue<Large> waitedFor = new ConcurrentLinkedQueue<>();
  private final Queue<Large> readAhead = new ConcurrentLinkedQueue<>();

  private final Queue<Waiter> waiters = new ConcurrentLinkedQueue<>();

  /** Of frames added and not yet taken by the codec as a whole, with what each costs beside. */
  private final AtomicLong queuedBytes = new AtomicLong();

  /** The same of messages alone. */
  private final AtomicLong queuedMessageBytes = new AtomicLong();

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
    turns.add(this);
  }

  /** Takes over the frame of a message. After {@link #finish} it is dropped. */
  void add(ByteBuf frame) {
    if (isCounted(frame)) {
      queuedMessageBytes.addAndGet(cost(frame));
      messages.add(frame);
      scheduleDrain();
    }
  }

  /** Takes over a frame that leaves when its turn has come. After {@link #finish} it is dropped. */
  void addLarge(ByteBuf frame, FrameStream.Turn turn) {
    if (isCounted(frame)) {
      line(turn.isReadAhead()).add(new Large(frame, turn, turns.nextNumber()));
      scheduleDrain();
    }
  }

  private Queue<Large> line(boolean ofReadAhead) {
    return ofReadAhead ? readAhead : waitedFor;
  }

  private boolean isCounted(ByteBuf frame) {
    if (finishing || discarded) {
      frame.release();
      return false;
    }
    queuedBytes.addAndGet(cost(frame));
    return true;
  }

  /**
   * Drops a frame whose turn has not come. On the event loop.
   *
   * @return false if there is none with this turn
   */
  boolean withdraw(FrameStream.Turn turn) {
    for (Large large : line(turn.isReadAhead())) {
      if (large.turn.equals(turn) && drop(large)) {
        callWaiters();
        finishIfEmpty();
        return true;
      }
    }
    return false;
  }

  private boolean drop(Large large) {
    boolean there = line(large.turn.isReadAhead()).remove(large);
    if (there) {
      free(large);
    }
    return there;
  }

  private void free(Large large) {
    queuedBytes.addAndGet(-cost(large.frame));
    large.frame.release();
  }

  private @Nullable ByteBuf instead(FrameStream.Turn turn) {
    Reply other = turn.instead();
    return other == null
        ? null
        : ChannelFrameStream.encoded(channel.alloc(), FrameType.REPLY, other);
  }

  long queuedBytes() {
    return queuedBytes.get();
  }

  long queuedMessageBytes() {
    return queuedMessageBytes.get();
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
    turns.remove(this);
    for (ByteBuf frame = messages.poll(); frame != null; frame = messages.poll()) {
      queuedMessageBytes.addAndGet(-cost(frame));
      queuedBytes.addAndGet(-cost(frame));
      frame.release();
    }
    waitedFor.forEach(this::drop);
    readAhead.forEach(this::drop);
    callWaiters();
  }

  /** Whether the codec takes another frame. On the event loop. */
  boolean takesFrames() {
    return !discarded && channel.isWritable();
  }

  /** Of the large frame that is first in its line; past all others' if there is none. */
  long firstNumber(boolean ofReadAhead) {
    Large first = line(ofReadAhead).peek();
    return first == null ? Long.MAX_VALUE : first.number;
  }

  /**
   * Writes the large frame that is first in its line, or what leaves in its place. On the event
   * loop.
   *
   * @param whenOver called when the codec has taken all of it, or never will
   * @return false if there is none, and nothing is called
   */
  boolean writeLarge(boolean ofReadAhead, Runnable whenOver) {
    Large large = line(ofReadAhead).poll();
    if (large == null) {
      return false;
    }
    long cost = cost(large.frame);
    ByteBuf word;
    boolean asked = false;
    try {
      word = instead(large.turn);
      asked = true;
    } finally {
      if (!asked) {
        free(large);
      }
    }
    if (word != null) {
      large.frame.release();
    }
    write(
        word == null ? large.frame : word,
        () -> {
          try {
            left(cost);
          } finally {
            whenOver.run();
          }
        });
    return true;
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
        write(
            next,
            () -> {
              queuedMessageBytes.addAndGet(-cost);
              left(cost);
            });
      }
    } finally {
      draining = false;
    }
    turns.give();
    finishIfEmpty();
  }

  /** Whether a message is joined with others. */
  static boolean isSmall(ByteBuf frame) {
    return frame.readableBytes() <= SMALL_FRAME_BYTES;
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
    if (finishing && !finished && !draining && messages.isEmpty() && queuedBytes.get() == 0) {
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
    ByteBuf first = messages.poll();
    if (first == null) {
      return null;
    }
    nextCostBytes = cost(first);
    ByteBuf second = messages.peek();
    if (!isSmall(first) || second == null || !isSmall(second)) {
      return first;
    }
    ByteBuf joined = channel.alloc().directBuffer(JOINED_BYTES, JOINED_BYTES);
    ByteBuf frame = first;
    nextCostBytes = 0;
    while (frame != null) {
      nextCostBytes += cost(frame);
      joined.writeBytes(frame);
      frame.release();
      ByteBuf following = messages.peek();
      frame =
          following != null
                  && isSmall(following)
                  && following.readableBytes() <= joined.writableBytes()
              ? messages.poll()
              : null;
    }
    return joined;
  }
}
