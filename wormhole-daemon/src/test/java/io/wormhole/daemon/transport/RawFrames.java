package io.wormhole.daemon.transport;

import io.netty.buffer.Unpooled;

/** Bytes on a stream of ours that no frame of ours would have. */
public final class RawFrames {
  private RawFrames() {}

  public static void send(FrameStream stream, byte[] bytes) {
    ((ChannelFrameStream) stream).sends.add(Unpooled.wrappedBuffer(bytes));
  }
}
