package io.wormhole.daemon.transport;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.DatagramPacket;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps new connections off a socket whose listener is closed, while those there are go on: without
 * an Initial packet (RFC 9000, section 17.2.2) none can begin.
 */
final class InitialGate extends ChannelInboundHandlerAdapter {
  private static final Logger LOG = LoggerFactory.getLogger(InitialGate.class);

  /** Long header, fixed bit, packet type. */
  private static final int TYPE_MASK = 0xf0;

  private static final int INITIAL = 0xc0;

  private volatile boolean shut;

  void shut() {
    shut = true;
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    if (shut && message instanceof DatagramPacket packet && isInitial(packet.content())) {
      packet.release();
    } else {
      context.fireChannelRead(message);
    }
  }

  /** A datagram that could not be received says nothing about any one lane. */
  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    LOG.debug("Socket {}", context.channel().localAddress(), cause);
  }

  private static boolean isInitial(ByteBuf datagram) {
    return datagram.isReadable()
        && (datagram.getByte(datagram.readerIndex()) & TYPE_MASK) == INITIAL;
  }
}
