package io.wormhole.daemon.fuse.jnr;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.wormhole.daemon.fuse.DirectoryWriter;
import io.wormhole.daemon.fuse.Entry;
import io.wormhole.daemon.fuse.FileType;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Fills one reply of libfuse's readdir through the function that came with the call ({@code
 * fuse_fill_dir_t}). libfuse says that the reply is full only when it is: the name that met that is
 * not in the reply, and the kernel asks on from the one before it.
 */
@SuppressWarnings("restricted")
final class Filler implements DirectoryWriter, AutoCloseable {
  private static final int NAME_MAX = 255;
  private static final MethodHandle FILL =
      Linker.nativeLinker()
          .downcallHandle(FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG));

  private final MemorySegment function;
  private final MemorySegment reply;
  private final NativeStructs.Stat layout;
  private final Arena arena = Arena.ofConfined();
  private final MemorySegment name = arena.allocate(NAME_MAX + 1);
  private final MemorySegment stat;
  private boolean full;

  /**
   * @param function libfuse's, valid during the call only
   * @param reply what it wants as its first argument
   */
  Filler(MemorySegment function, MemorySegment reply, NativeStructs.Stat layout) {
    this.function = function;
    this.reply = reply;
    this.layout = layout;
    this.stat = arena.allocate(layout.bytes(), Long.BYTES);
  }

  @Override
  public boolean wantsEntries() {
    return false;
  }

  @Override
  public boolean fits(int nameBytes) {
    return !full;
  }

  @Override
  public void add(byte[] bytes, long inode, FileType type, long nextOffset) {
    if (full) {
      throw new IllegalStateException("added to a reply that is full");
    }
    MemorySegment.copy(bytes, 0, name, JAVA_BYTE, 0, bytes.length);
    name.set(JAVA_BYTE, bytes.length, (byte) 0);
    layout.writeKind(stat, inode, type, 0);
    try {
      full = (int) FILL.invokeExact(function, reply, name, stat, nextOffset) != 0;
    } catch (Throwable e) {
      throw new IllegalStateException("libfuse could not be called", e);
    }
  }

  @Override
  public void add(byte[] bytes, Entry entry, long nextOffset) {
    throw new IllegalStateException("a whole entry where names were wanted");
  }

  @Override
  public void close() {
    arena.close();
  }
}
