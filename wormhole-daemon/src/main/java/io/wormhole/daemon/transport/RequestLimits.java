package io.wormhole.daemon.transport;

import io.wormhole.protocol.wire.Limits;

/**
 * What a host takes from one lane at a time; a client waits with what is beyond.
 *
 * @param requestsInFlight sent and not answered
 * @param bytesInFlight asked for by reads, sent and not answered; at least one chunk
 */
public record RequestLimits(int requestsInFlight, int bytesInFlight) {
  /** What this version's host takes. */
  public static final RequestLimits DEFAULTS =
      new RequestLimits(Limits.REQUESTS_IN_FLIGHT, Limits.BYTES_IN_FLIGHT);

  public RequestLimits {
    if (requestsInFlight < 1 || bytesInFlight < Limits.CHUNK_BYTES) {
      throw new IllegalArgumentException(
          "%d requests and %d bytes in flight let nothing pass"
              .formatted(requestsInFlight, bytesInFlight));
    }
  }
}
