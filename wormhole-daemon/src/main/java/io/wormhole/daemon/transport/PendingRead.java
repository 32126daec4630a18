package io.wormhole.daemon.transport;

import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.message.Attributes;

/**
 * A read under way. The completion of its answer, in whichever way, gives the destination back to
 * the caller.
 */
public interface PendingRead extends Pending<PendingRead.Answer> {
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
