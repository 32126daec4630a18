package io.wormhole.daemon.transport;

import com.google.protobuf.MessageLite;
import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.FrameType;

/** A stream of no lane, on which nothing waits. What is sent on it is for a test to say. */
class IdleStream implements FrameStream {
  @Override
  public Lane lane() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void send(FrameType type, MessageLite message, Turn turn) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Outbound allocate(int bytes) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void send(ChunkHeader header, Outbound data, Turn turn) {
    throw new UnsupportedOperationException();
  }

  @Override
  public boolean withdraw(Turn turn) {
    return false;
  }

  @Override
  public long queuedBytes() {
    return 0;
  }

  @Override
  public long queuedMessageBytes() {
    return 0;
  }

  @Override
  public void whenDrained(Runnable action) {
    action.run();
  }

  @Override
  public void readEnabled(boolean enabled) {
    // Reading is the caller's.
  }

  @Override
  public void close() {}
}
