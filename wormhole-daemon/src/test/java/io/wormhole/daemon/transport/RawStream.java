package io.wormhole.daemon.transport;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.MessageLite;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.quic.QuicStreamChannel;
import io.wormhole.protocol.wire.FrameHeader;
import io.wormhole.protocol.wire.FrameType;
import java.nio.ByteBuffer;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A stream of a {@link RawPeer}: any bytes out, whole frames in. */
public final class RawStream {
  private final QuicStreamChannel channel;
  private final Reader reader;

  RawStream(QuicStreamChannel channel, Reader reader) {
    this.channel = channel;
    this.reader = reader;
  }

  /** A frame that came. */
  @SuppressWarnings("ArrayRecordComponent")
  public record Frame(FrameType type, byte[] payload) {}

  public static byte[] frame(FrameType type, byte[] payload) {
    ByteBuffer frame = ByteBuffer.allocate(FrameHeader.BYTES + payload.length);
    new FrameHeader(type, payload.length).write(frame);
    return frame.put(payload).array();
  }

  public void send(FrameType type, MessageLite message) throws Exception {
    send(frame(type, message.toByteArray()));
  }

  /** Returns when the connection has taken the bytes. */
  public void send(byte[] bytes) throws Exception {
    assertThat(
            channel
                .writeAndFlush(Unpooled.wrappedBuffer(bytes))
                .await(Wire.SOON.toSeconds(), TimeUnit.SECONDS))
        .isTrue();
  }

  /** Sends as far as the other end takes it; says whether it took all within a while. */
  public boolean tryToSend(byte[] bytes, long millis) throws Exception {
    return channel
        .writeAndFlush(Unpooled.wrappedBuffer(bytes))
        .await(millis, TimeUnit.MILLISECONDS);
  }

  /** What the other end sends stays in the windows from now on. */
  public void stopReading() {
    channel.config().setAutoRead(false);
  }

  /** The next frame, or a failure of the test when none comes. */
  public Frame next() throws InterruptedException {
    Frame next = reader.frames.poll(Wire.SOON.toSeconds(), TimeUnit.SECONDS);
    assertThat(next).isNotNull();
    return next;
  }

  /** Keeps frames, of which there may be a million before memory is short. */
  static final class Reader extends ChannelInboundHandlerAdapter {
    private final BlockingQueue<Frame> frames = new LinkedBlockingQueue<>(1 << 20);
    private final ByteBuf arrived = Unpooled.buffer();

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      ByteBuf in = (ByteBuf) message;
      arrived.discardReadBytes().writeBytes(in);
      in.release();
      while (arrived.readableBytes() >= FrameHeader.BYTES) {
        int length = arrived.getInt(arrived.readerIndex());
        if (arrived.readableBytes() < FrameHeader.BYTES + length) {
          return;
        }
        int code = arrived.getByte(arrived.readerIndex() + 4);
        byte[] payload = new byte[length];
        arrived.skipBytes(FrameHeader.BYTES).readBytes(payload);
        for (FrameType type : FrameType.values()) {
          if (type.code() == code) {
            frames.add(new Frame(type, payload));
          }
        }
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      // The other end is free to break off.
    }
  }
}
