package io.wormhole.daemon.transport;

import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.message.Attributes;
import java.util.concurrent.CompletableFuture;

/** A read under way. */
public interface PendingRead {
  /**
   * The head of what arrived, or that the file is at another version. Its completion, in whichever
   * way, gives the destination back to the caller.
   */
  CompletableFuture<Answer> answer();

  /** Somebody waits for it now: where it is read-ahead that still waits here, it goes first. */
  default void hurry() {}

  /** Nobody wants it any more: told to the host; {@link #answer} fails soon, if it was not done. */
  void cancel();

  /** What a read is answered with. */
  sealed interface Answer {
    /** The bytes are in the destination, unverified. */
    record Bytes(ChunkHeader header) implements Answer {}

    /** The file is at another version; no bytes came. */
    record Changed(Attributes now) implements Answer {}

    /**
     * The range has the hash that the request named; no bytes came.
     *
     * @param young as of a chunk
     */
    record Same(boolean young) implements Answer {}
  }
}
