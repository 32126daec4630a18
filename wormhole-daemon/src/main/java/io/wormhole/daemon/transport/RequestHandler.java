package io.wormhole.daemon.transport;

import io.wormhole.protocol.wire.message.Request;

/** Answers one trusted peer's requests. */
public interface RequestHandler {
  /**
   * Answers a request exactly once through {@code responder}, before it returns. Called on a {@code
   * host-io} thread, several at a time; may wait for the disk. What it throws is answered as an I/O
   * failure and logged.
   */
  void handle(Request request, Responder responder);
}
