package io.wormhole.daemon.transport;

import io.wormhole.protocol.wire.Fingerprint;
import java.net.InetSocketAddress;
import java.util.concurrent.CompletableFuture;

/**
 * One encrypted connection to a peer whose key is proved. It authorises nobody: what the peer may
 * is decided by whoever reads its first frame.
 *
 * <p>Methods return at once and may be called from any thread. Handlers are called on the lane's
 * one event loop and must not wait, hash or touch a file.
 */
public interface Lane {
  /** Whose certificate the other end showed and holds the key of. */
  Fingerprint peer();

  /** The other end's address, as last seen. */
  InetSocketAddress remoteAddress();

  /**
   * Opens a bidirectional stream. Fails with a {@link LaneException} when the lane is gone or the
   * peer takes no more streams within the lane's connect deadline.
   */
  CompletableFuture<FrameStream> openStream(FrameHandler handler);

  /** What it runs over, {@code quic} or {@code tcp}: for a person, who may have to open a port. */
  String carrier();

  /** How many streams are worth having on it: on some, what one waits for all wait for. */
  int streams();

  /** From here on frames of a trusted peer's sizes, and further streams, are accepted. */
  void trust();

  /**
   * What is known of the path; cheap. What was received is so until now; the rest is a snapshot
   * made when it was last asked for, or within a second of that.
   */
  PathFigures path();

  /**
   * Ends the lane after what was sent has left, at the latest after one second. Does nothing the
   * second time.
   *
   * @param reason told to the peer and to this lane's streams
   */
  void close(CloseReason reason);

  /** Completes, never exceptionally, when the lane has ended, with why. */
  CompletableFuture<LaneException> closed();
}
