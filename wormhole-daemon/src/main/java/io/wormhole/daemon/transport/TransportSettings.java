package io.wormhole.daemon.transport;

import java.time.Duration;

/**
 * What a lane's speed, memory and patience depend on. {@link #DEFAULTS} were measured; {@code
 * docs/adr/0003-netty-quic.md} says how much each of them counts.
 *
 * @param idleTimeout a lane that hears nothing for so long is gone
 * @param handshakeTimeout from a peer's first packet to {@link Lane#trust}, and the longest that
 *     opening a stream may wait for credit
 * @param keepAlive a client's lane that heard nothing for so long sends a ping; below the idle
 *     timeout, or a quiet lane would end
 * @param frameWindow within any such time a frame that a peer has begun must bring 1 KiB a second
 * @param strangers connections of peers that are not trusted yet, in all; past it their first
 *     packets are dropped, and come again. Larger than what the gate behind lets in, which knows
 *     whom it has seen before
 * @param strangersPerSource the same for one source
 * @param socketBufferBytes asked of the kernel for each direction of a socket; the kernel grants
 *     what its limit allows
 * @param sendPayloadBytes the largest packet sent, where the path carries it; 1452 fits an Ethernet
 *     and the longer of the two kinds of IP header
 * @param receivePayloadBytes the largest packet taken
 * @param segmentsPerSend packets handed to the kernel in one call where it can cut them itself
 * @param datagramsPerReceive packets taken from the kernel in one call where it can give many
 * @param dialConnectionWindowBytes what the peer may send unasked on a lane we made. Large, so that
 *     the window never bounds a transfer; the requests in flight bound what is really sent
 * @param dialStreamWindowBytes the same for one stream
 * @param listenConnectionWindowBytes what a stranger may send before he is read. Small; it grows by
 *     itself while a lane is read quickly
 * @param listenStreamWindowBytes the same for one stream
 * @param streamsPerLane streams a peer may have open; fixed before anyone is known, so few
 * @param initialWindowPackets the first congestion window. RFC 9002, section 7.2, recommends ten; a
 *     handshake is shorter than either, and who is sent a chunk has been let in
 * @param nativeSockets whether to use epoll where it is there; else always NIO
 */
public record TransportSettings(
    Duration idleTimeout,
    Duration handshakeTimeout,
    Duration keepAlive,
    Duration frameWindow,
    int strangers,
    int strangersPerSource,
    int socketBufferBytes,
    int sendPayloadBytes,
    int receivePayloadBytes,
    int segmentsPerSend,
    int datagramsPerReceive,
    long dialConnectionWindowBytes,
    long dialStreamWindowBytes,
    long listenConnectionWindowBytes,
    long listenStreamWindowBytes,
    int streamsPerLane,
    int initialWindowPackets,
    boolean nativeSockets) {

  /** What the daemon uses. */
  public static final TransportSettings DEFAULTS =
      new TransportSettings(
          Duration.ofSeconds(30),
          Duration.ofSeconds(10),
          Duration.ofSeconds(10),
          Duration.ofSeconds(10),
          256,
          16,
          4 << 20,
          1452,
          65_527,
          10,
          32,
          64 << 20,
          16 << 20,
          64 << 10,
          64 << 10,
          16,
          32,
          true);

  public TransportSettings {
    if (keepAlive.compareTo(idleTimeout) >= 0) {
      throw new IllegalArgumentException(
          "keep-alive of %s does not keep a lane alive that ends after %s"
              .formatted(keepAlive, idleTimeout));
    }
    if (sendPayloadBytes < 1200) {
      throw new IllegalArgumentException("packets of at least 1200 bytes: RFC 9000, section 14");
    }
  }

  /** These settings with other times; frames have as long as handshakes. */
  public TransportSettings withTimes(Duration idle, Duration handshake, Duration alive) {
    return new TransportSettings(
        idle,
        handshake,
        alive,
        handshake,
        strangers,
        strangersPerSource,
        socketBufferBytes,
        sendPayloadBytes,
        receivePayloadBytes,
        segmentsPerSend,
        datagramsPerReceive,
        dialConnectionWindowBytes,
        dialStreamWindowBytes,
        listenConnectionWindowBytes,
        listenStreamWindowBytes,
        streamsPerLane,
        initialWindowPackets,
        nativeSockets);
  }

  /** These settings on NIO sockets. */
  public TransportSettings withoutNativeSockets() {
    return new TransportSettings(
        idleTimeout,
        handshakeTimeout,
        keepAlive,
        frameWindow,
        strangers,
        strangersPerSource,
        socketBufferBytes,
        sendPayloadBytes,
        receivePayloadBytes,
        segmentsPerSend,
        datagramsPerReceive,
        dialConnectionWindowBytes,
        dialStreamWindowBytes,
        listenConnectionWindowBytes,
        listenStreamWindowBytes,
        streamsPerLane,
        initialWindowPackets,
        false);
  }
}
