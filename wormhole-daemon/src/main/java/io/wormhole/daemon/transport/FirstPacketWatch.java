package io.wormhole.daemon.transport;

import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells at once when the kernel does not even take a dial's first packet (no route, no network):
 * the codec itself takes every failed send for a lost packet and would try until the deadline.
 */
final class FirstPacketWatch extends ChannelDuplexHandler {
  private static final Logger LOG = LoggerFactory.getLogger(FirstPacketWatch.class);

  private final Consumer<Throwable> refused;
  private boolean watching = true;

  FirstPacketWatch(Consumer<Throwable> refused) {
    this.refused = refused;
  }

  @Override
  public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
    if (!watching) {
      var _ = context.write(message, promise);
      return;
    }
    context
        .write(message, promise.unvoid())
        .addListener(sent -> {
          if (watching && !sent.isSuccess()) {
            refused.accept(sent.cause());
          }
          watching = false;
        });
  }

  /** A refusal by ICMP proves nothing: anyone may have sent it. */
  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    LOG.debug("Socket {}", context.channel().localAddress(), cause);
  }
}
