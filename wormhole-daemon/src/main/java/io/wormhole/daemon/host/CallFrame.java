package io.wormhole.daemon.host;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Native memory for the arguments and results of a few system calls in a row, used by the thread
 * that made it and freed with {@link #close}.
 */
final class CallFrame implements AutoCloseable {
  private static final int PATH_BYTES = LinuxCalls.PATH_MAX_BYTES + 1;

  private final Arena arena = Arena.ofConfined();
  private final MemorySegment capture = arena.allocate(LinuxCalls.captureBytes(), 8);
  private final MemorySegment scratch =
      arena.allocate(LinuxCalls.OPEN_HOW_BYTES + LinuxCalls.STATX_BYTES + PATH_BYTES + 8, 8);

  /** Where a call leaves its errno. */
  MemorySegment capture() {
    return capture;
  }

  /** Room for {@code struct open_how}. */
  MemorySegment how() {
    return scratch.asSlice(0, LinuxCalls.OPEN_HOW_BYTES);
  }

  /** Room for {@code struct statx} or {@code struct statfs}. */
  MemorySegment status() {
    return scratch.asSlice(LinuxCalls.OPEN_HOW_BYTES, LinuxCalls.STATX_BYTES);
  }

  /** Room for a path with its closing zero, or a link's target. */
  MemorySegment text() {
    return scratch.asSlice(LinuxCalls.OPEN_HOW_BYTES + LinuxCalls.STATX_BYTES, PATH_BYTES);
  }

  /**
   * The path, closed by a zero, in {@link #text}.
   *
   * @param path at most {@link LinuxCalls#PATH_MAX_BYTES}
   */
  MemorySegment path(byte[] path) {
    MemorySegment text = text();
    MemorySegment.copy(path, 0, text, JAVA_BYTE, 0, path.length);
    text.set(JAVA_BYTE, path.length, (byte) 0);
    return text;
  }

  /** A path of no bytes: the descriptor itself. */
  MemorySegment noPath() {
    return scratch.asSlice(LinuxCalls.OPEN_HOW_BYTES + LinuxCalls.STATX_BYTES + PATH_BYTES, 1);
  }

  /** More memory, freed with the rest. */
  MemorySegment allocate(int bytes) {
    return arena.allocate(bytes, 8);
  }

  void closeDescriptor(int descriptor) {
    LinuxCalls.close(capture, descriptor);
  }

  @Override
  public void close() {
    arena.close();
  }
}
