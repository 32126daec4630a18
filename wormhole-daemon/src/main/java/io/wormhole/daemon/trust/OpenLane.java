package io.wormhole.daemon.trust;

import io.wormhole.daemon.transport.FrameHandler;
import io.wormhole.daemon.transport.FrameStream;
import io.wormhole.daemon.transport.Lane;

/**
 * A lane that a host has let in, with its first stream. The host says nothing on it before it is
 * asked; until {@link #handOver}, a frame from it ends the lane. Whoever got it closes the lane.
 */
public final class OpenLane {
  private final FrameStream stream;
  private final SwitchingHandler switching;

  OpenLane(FrameStream stream, SwitchingHandler switching) {
    this.stream = stream;
    this.switching = switching;
  }

  public Lane lane() {
    return stream.lane();
  }

  /** The stream that was opened first, for requests. */
  public FrameStream stream() {
    return stream;
  }

  /**
   * Gives the first stream's frames to {@code next}, from here on. Call it before the first request
   * is sent. If the stream has ended already, {@code next} is told before this returns. Any thread.
   */
  public void handOver(FrameHandler next) {
    switching.switchTo(stream, next);
  }
}
