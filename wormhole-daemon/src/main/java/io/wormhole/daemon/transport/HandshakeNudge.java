package io.wormhole.daemon.transport;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.ChannelPromise;
import io.netty.channel.socket.DatagramPacket;
import org.jspecify.annotations.Nullable;

/**
 * Saves a dial one round trip. The codec checks the peer's certificate between receiving and
 * sending, so its handshake is complete when it has sent; but it looks whether it is complete only
 * when it receives, and the next datagram is a round trip away. So it is handed the last one again
 * after it has sent, which QUIC drops as a duplicate (RFC 9000, section 12.3).
 *
 * <p>Stands before the codec of one connection that is dialled, until that is open. On its event
 * loop.
 */
final class HandshakeNudge extends ChannelDuplexHandler {
  /** The codec sends more than once for one datagram; only after the last time it is complete. */
  private static final int MOST_FOR_ONE = 4;

  private @Nullable DatagramPacket last;
  private int times;

  /** The connection is open: it needs no more of this. */
  static void end(ChannelPipeline pipeline) {
    if (pipeline.get(HandshakeNudge.class) != null) {
      var _ = pipeline.remove(HandshakeNudge.class);
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    if (message instanceof DatagramPacket datagram) {
      forget();
      last = copy(datagram);
    }
    context.fireChannelRead(message);
  }

  @Override
  public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
    if (last != null && times < MOST_FOR_ONE) {
      times++;
      // Once the codec has sent: it is not to be called from within.
      context.channel().eventLoop().execute(() -> nudge(context));
    }
    var _ = context.write(message, promise);
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext context) {
    forget();
  }

  private void nudge(ChannelHandlerContext context) {
    DatagramPacket again = last;
    if (again != null) {
      context.fireChannelRead(copy(again));
      context.fireChannelReadComplete();
    }
  }

  /** The codec decrypts where it stands what it is given. */
  private static DatagramPacket copy(DatagramPacket datagram) {
    ByteBuf bytes = datagram.content().copy();
    return new DatagramPacket(bytes, datagram.recipient(), datagram.sender());
  }

  private void forget() {
    DatagramPacket kept = last;
    last = null;
    times = 0;
    if (kept != null) {
      kept.release();
    }
  }
}
