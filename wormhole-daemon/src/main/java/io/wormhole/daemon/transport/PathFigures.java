package io.wormhole.daemon.transport;

/**
 * What is known of a lane's path.
 *
 * @param kind loopback, lan or direct
 * @param rttMillis smoothed round-trip time; negative while unknown
 * @param lossPercent packets this end sent that were lost, of all it sent; 0 while unknown
 * @param congestionWindowBytes of this end; 0 while unknown
 * @param bytesReceived on the lane's streams, since it was made
 */
public record PathFigures(
    String kind,
    double rttMillis,
    double lossPercent,
    long congestionWindowBytes,
    long bytesReceived) {
  PathFigures withBytesReceived(long bytes) {
    return new PathFigures(kind, rttMillis, lossPercent, congestionWindowBytes, bytes);
  }
}
