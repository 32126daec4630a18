package io.wormhole.daemon.mount;

import io.wormhole.daemon.transport.Requests;
import io.wormhole.protocol.wire.message.GetAttributes;
import io.wormhole.protocol.wire.message.Path;
import io.wormhole.protocol.wire.message.Request;
import java.time.Duration;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * Small questions, one after the other, that a mount asks as soon as it has its lanes: until a
 * person has opened the folder they have had the code of both ends compiled and the paths' round
 * trips measured, and the first file does not pay for that. At most 100 and for half a second, so
 * on a long path a few.
 *
 * <p>Runs on the event loops and waits for nothing; ends by itself, also when a lane does.
 */
final class FirstExchanges {
  private static final int MOST = 100;
  private static final long NANOS = 500_000_000L;
  private static final Duration DEADLINE = Duration.ofSeconds(1);

  private final List<Requests> lanes;
  private final LongSupplier tickerNanos;
  private final long endNanos;
  private int asked;

  FirstExchanges(List<Requests> lanes, LongSupplier tickerNanos) {
    this.lanes = List.copyOf(lanes);
    this.tickerNanos = tickerNanos;
    this.endNanos = tickerNanos.getAsLong() + NANOS;
  }

  void next() {
    if (asked == MOST || tickerNanos.getAsLong() - endNanos >= 0) {
      return;
    }
    Requests lane = lanes.get(asked++ % lanes.size());
    GetAttributes.Builder root = GetAttributes.newBuilder().setPath(Path.getDefaultInstance());
    var _ = lane.call(Request.newBuilder().setGetAttributes(root), DEADLINE).thenRun(this::next);
  }
}
