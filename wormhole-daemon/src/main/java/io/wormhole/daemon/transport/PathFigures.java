package io.wormhole.daemon.transport;

import java.util.Optional;

/**
 * What is known of a lane's path.
 *
 * @param kind loopback, lan or direct
 * @param rttMillis smoothed round-trip time; negative while unknown
 * @param lossPercent packets this end sent that were lost, of all it sent; 0 while unknown
 * @param controller of what this end sends: bbr, or kernel where that is not ours; empty while
 *     unknown
 * @param congestionWindowBytes of this end; 0 while unknown
 * @param bytesReceived on the lane's streams, since it was made
 */
public record PathFigures(
    String kind,
    double rttMillis,
    double lossPercent,
    String controller,
    long congestionWindowBytes,
    long bytesReceived) {
  /** Empty while unknown. */
  public Optional<String> knownController() {
    return controller.isEmpty() ? Optional.empty() : Optional.of(controller);
  }

  /** Empty while unknown. */
  public Optional<Long> knownWindowBytes() {
    return congestionWindowBytes == 0 ? Optional.empty() : Optional.of(congestionWindowBytes);
  }

  PathFigures withBytesReceived(long bytes) {
    return new PathFigures(kind, rttMillis, lossPercent, controller, congestionWindowBytes, bytes);
  }
}
