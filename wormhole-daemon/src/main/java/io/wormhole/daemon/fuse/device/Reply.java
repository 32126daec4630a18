package io.wormhole.daemon.fuse.device;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.wormhole.daemon.fuse.Errno;
import io.wormhole.daemon.fuse.device.Abi.OutHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Off-heap memory for one reply: room for the error number of the write, the reply's header, then
 * the payload, so that a reply goes out in one call and needs no other memory. Used by one thread
 * at a time; whoever made it closes it.
 */
final class Reply implements AutoCloseable {
  private static final long HEADER_AT = 16;
  private static final long PAYLOAD_AT = HEADER_AT + OutHeader.BYTES;

  private final Arena arena = Arena.ofShared();
  private final MemorySegment memory;
  private final MemorySegment payload;

  Reply(int payloadBytes) {
    memory = arena.allocate(PAYLOAD_AT + payloadBytes, 64);
    payload = memory.asSlice(PAYLOAD_AT);
  }

  /** All the room there is; its first bytes are what is sent. Aligned to 8. */
  MemorySegment payload() {
    return payload;
  }

  int capacityBytes() {
    return (int) payload.byteSize();
  }

  /**
   * Sends the first bytes of the payload; a negated error number if the kernel does not take it.
   */
  long send(Device device, long unique, int payloadBytes) {
    return send(device, unique, payloadBytes, 0);
  }

  /** Sends an error number; a negated error number if the kernel does not take it. */
  long send(Device device, long unique, Errno errno) {
    return send(device, unique, 0, -errno.code());
  }

  private long send(Device device, long unique, int payloadBytes, int error) {
    int bytes = OutHeader.BYTES + payloadBytes;
    memory.set(JAVA_INT, HEADER_AT + OutHeader.LEN, bytes);
    memory.set(JAVA_INT, HEADER_AT + OutHeader.ERROR, error);
    memory.set(JAVA_LONG, HEADER_AT + OutHeader.UNIQUE, unique);
    return device.write(memory.asSlice(HEADER_AT, bytes), memory);
  }

  @Override
  public void close() {
    arena.close();
  }
}
