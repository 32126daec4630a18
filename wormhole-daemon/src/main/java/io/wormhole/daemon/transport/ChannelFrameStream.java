package io.wormhole.daemon.transport;

import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.MessageLite;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.FrameHeader;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.WireException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * One bidirectional stream of a lane. What arrives is decoded and handled on the event loop; what
 * any thread sends is encoded by that thread and leaves through a {@link SendQueue}.
 *
 * <p>When the peer ends its direction, ours ends too once what was sent has left.
 */
final class ChannelFrameStream extends ChannelInboundHandlerAdapter implements FrameStream {
  private static final long LOW_WATER_BYTES = 64 << 10;

  /** Of a frame that has begun. */
  private static final long MIN_BYTES_PER_SECOND = 1 << 10;

  private final ChannelLane lane;
  private final Channel channel;
  private final FrameHandler handler;
  private final FrameDecoder decoder;
  final SendQueue sends;

  /** Arrived and not yet decoded, while reading is off or a handler is being called. */
  private final ArrayDeque<ByteBuf> arrived = new ArrayDeque<>();

  private boolean decoding;
  private boolean readEnabled = true;
  private boolean over;

  /** Made when a frame does not come in one piece; null on a lane of ours. */
  private @Nullable FrameProgress progress;

  private boolean watching;
  private long watchedFrame;

  ChannelFrameStream(ChannelLane lane, Channel channel, FrameHandler handler, Runnable endOutput) {
    this.lane = lane;
    this.channel = channel;
    this.handler = handler;
    this.decoder = new FrameDecoder(this, handler, lane::trusted);
    this.sends = new SendQueue(channel, lane.turns(), lane::sent, endOutput);
  }

  @Override
  public Lane lane() {
    return lane;
  }

  @Override
  public void send(FrameType type, MessageLite message, Turn turn) {
    int bytes = message.getSerializedSize();
    int limit = Limits.payloadBytes(type, lane.trusted());
    if (bytes > limit) {
      throw new IllegalArgumentException(
          "a %s frame of %d bytes, %d allowed".formatted(type, bytes, limit));
    }
    ByteBuf frame = encoded(channel.alloc(), type, message);
    if (type == FrameType.REPLY && !SendQueue.isSmall(frame)) {
      sends.addLarge(frame, turn);
    } else {
      sends.add(frame);
    }
  }

  /** A frame, the caller's. */
  static ByteBuf encoded(ByteBufAllocator allocator, FrameType type, MessageLite message) {
    int bytes = message.getSerializedSize();
    int frameBytes = FrameHeader.BYTES + bytes;
    ByteBuf frame = allocator.directBuffer(frameBytes, frameBytes);
    ByteBuffer target = frame.nioBuffer(0, frameBytes);
    new FrameHeader(type, bytes).write(target);
    CodedOutputStream out = CodedOutputStream.newInstance(target);
    try {
      message.writeTo(out);
      out.flush();
    } catch (IOException e) {
      frame.release();
      throw new UncheckedIOException("a message does not fit the size it told", e);
    }
    return frame.writerIndex(frameBytes);
  }

  @Override
  public Outbound allocate(int bytes) {
    return new PooledOutbound(channel.alloc(), bytes);
  }

  @Override
  public void send(ChunkHeader header, Outbound data, Turn turn) {
    sends.addLarge(((PooledOutbound) data).frame(header), turn);
  }

  @Override
  public boolean withdraw(Turn turn) {
    return sends.withdraw(turn);
  }

  @Override
  public long queuedBytes() {
    return sends.queuedBytes();
  }

  @Override
  public long queuedMessageBytes() {
    return sends.queuedMessageBytes();
  }

  @Override
  public void whenDrained(Runnable action) {
    sends.whenBelow(LOW_WATER_BYTES, action);
  }

  @Override
  public void readEnabled(boolean enabled) {
    lane.onLoop(() -> {
      if (readEnabled == enabled || over) {
        return;
      }
      readEnabled = enabled;
      if (enabled) {
        decode();
      }
      // A handler may have said otherwise meanwhile.
      channel.config().setAutoRead(readEnabled);
    });
  }

  @Override
  public void close() {
    sends.finish();
  }

  /** Calls {@code action} on the event loop when nothing is left to be handed to the codec. */
  void whenAllLeft(Runnable action) {
    sends.whenBelow(1, action);
  }

  /** What has not left is dropped. On the event loop. */
  void endSending() {
    sends.discard();
  }

  boolean wroteWithin(long nanos) {
    return sends.wroteWithin(nanos);
  }

  /**
   * Nothing more is handled: the handler is told why, what arrives is dropped. What was sent may
   * still leave. On the event loop; does nothing the second time.
   */
  void endHandling(LaneException why) {
    if (over) {
      return;
    }
    over = true;
    if (!decoding) {
      dropArrived();
    }
    lane.guarded(() -> decoder.ended(why));
    lane.guarded(() -> handler.ended(this, why));
  }

  /** The lane or the stream is gone for good. On the event loop. */
  void end(LaneException why) {
    endHandling(why);
    sends.discard();
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    ByteBuf in = (ByteBuf) message;
    lane.received(in.readableBytes());
    if (over) {
      in.release();
      return;
    }
    if (progress != null) {
      progress.arrived(in.readableBytes());
    }
    arrived.add(in);
    decode();
    watch();
  }

  /** A frame that has begun must move. */
  private void watch() {
    Duration window = lane.frameWindow();
    if (watching || over || window == null || decoder.atFrameBorder()) {
      return;
    }
    watching = true;
    watchedFrame = decoder.frames();
    if (progress == null) {
      progress = new FrameProgress(window.toMillis() * MIN_BYTES_PER_SECOND / 1000);
    }
    progress.restart();
    lane.after(window.dividedBy(FrameProgress.STEPS), this::stepWatch);
  }

  private void stepWatch() {
    FrameProgress watched = progress;
    Duration window = lane.frameWindow();
    if (over || watched == null || window == null || decoder.atFrameBorder()) {
      watching = false;
      return;
    }
    // What we do not read does not come; that is no fault of the peer.
    boolean same = decoder.frames() == watchedFrame && readEnabled;
    watchedFrame = decoder.frames();
    if (watched.step(same)) {
      lane.tooSlow();
    } else {
      lane.after(window.dividedBy(FrameProgress.STEPS), this::stepWatch);
    }
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext context) {
    sends.drain();
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) {
    if (event == ChannelInputShutdownEvent.INSTANCE && !over) {
      if (decoder.atFrameBorder() || !readEnabled) {
        sends.finish();
      } else {
        lane.violated("a stream that ended within a frame");
      }
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    lane.streamGone(this);
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    if (!over) {
      lane.violated("a stream that broke off: " + cause.getMessage());
    }
  }

  private boolean mayDecode() {
    return readEnabled && !over;
  }

  private void decode() {
    if (decoding) {
      // From within a handler: the loop below goes on.
      return;
    }
    decoding = true;
    try {
      while (mayDecode() && !arrived.isEmpty()) {
        ByteBuf in = arrived.peek();
        decoder.read(in, this::mayDecode);
        if (!in.isReadable()) {
          arrived.poll();
          in.release();
        }
      }
    } catch (WireException e) {
      lane.violated(String.valueOf(e.getMessage()));
    } catch (RuntimeException e) {
      lane.failed(e);
    } finally {
      decoding = false;
      if (over) {
        dropArrived();
      }
    }
  }

  private void dropArrived() {
    for (ByteBuf in = arrived.poll(); in != null; in = arrived.poll()) {
      in.release();
    }
  }
}
