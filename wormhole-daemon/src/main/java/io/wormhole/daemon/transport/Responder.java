package io.wormhole.daemon.transport;

import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.message.FailureCode;
import io.wormhole.protocol.wire.message.Reply;

/** The way back of one request. Used by the thread that handles it, once. */
public interface Responder {
  /** Sends a reply; the id is filled in here. */
  void reply(Reply.Builder reply);

  /** Sends a failure. */
  void fail(FailureCode code);

  /** Off-heap memory for a chunk's bytes. */
  Outbound allocate(int bytes);

  /** Sends a chunk; the id is filled in here. Takes over {@code data}, whatever happens. */
  void chunk(ChunkHeader header, Outbound data);

  /**
   * Whether the answer is of no use any more: cancelled, past its deadline, or the lane is gone.
   */
  boolean abandoned();
}
