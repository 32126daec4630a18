package io.wormhole.daemon.fuse.jnr;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import jnr.ffi.Pointer;
import jnr.ffi.Struct;
import ru.serce.jnrfuse.struct.FuseOperations;

/**
 * Puts {@link PathCalls} into jnr-fuse's table of operations as functions that take raw pointers.
 * What is left out libfuse answers with ENOSYS, or does not ask for; on a read-only mount the
 * kernel itself refuses every change.
 */
@SuppressWarnings("restricted")
final class Callbacks {
  /** Of the word after {@code bmap}: calls with a handle need no path, and so no lock on it. */
  private static final int NULLPATH_OK = 1;

  private static final int NOPATH = 2;

  private final PathCalls calls;
  private final Arena arena;
  private final Pointer table;

  private Callbacks(PathCalls calls, FuseOperations operations, Arena arena) {
    this.calls = calls;
    this.arena = arena;
    this.table = Struct.getMemory(operations);
  }

  /**
   * Fills the table.
   *
   * @param arena holds the functions; to be closed when libfuse calls none any more
   */
  static void install(PathCalls calls, FuseOperations operations, Arena arena) {
    Callbacks callbacks = new Callbacks(calls, operations, arena);
    callbacks.table.setMemory(0, Struct.size(operations), (byte) 0);
    callbacks.put(operations.init.offset(), "init", ADDRESS, ADDRESS);
    callbacks.put(operations.getattr.offset(), "getattr", JAVA_INT, ADDRESS, ADDRESS);
    callbacks.put(operations.fgetattr.offset(), "fgetattr", JAVA_INT, ADDRESS, ADDRESS, ADDRESS);
    callbacks.put(operations.readlink.offset(), "readlink", JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG);
    callbacks.put(operations.open.offset(), "open", JAVA_INT, ADDRESS, ADDRESS);
    callbacks.put(
        operations.read.offset(),
        "read",
        JAVA_INT,
        ADDRESS,
        ADDRESS,
        JAVA_LONG,
        JAVA_LONG,
        ADDRESS);
    callbacks.put(operations.release.offset(), "release", JAVA_INT, ADDRESS, ADDRESS);
    callbacks.put(operations.opendir.offset(), "opendir", JAVA_INT, ADDRESS, ADDRESS);
    callbacks.put(
        operations.readdir.offset(),
        "readdir",
        JAVA_INT,
        ADDRESS,
        ADDRESS,
        ADDRESS,
        JAVA_LONG,
        ADDRESS);
    callbacks.put(operations.releasedir.offset(), "releasedir", JAVA_INT, ADDRESS, ADDRESS);
    callbacks.put(operations.unlink.offset(), "unlink", JAVA_INT, ADDRESS);
    callbacks.put(operations.statfs.offset(), "statfs", JAVA_INT, ADDRESS, ADDRESS);
    callbacks.put(
        operations.getxattr.offset(), "getxattr", JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG);
    callbacks.put(
        operations.listxattr.offset(), "listxattr", JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG);
    callbacks.table.putInt(operations.bmap.offset() + Long.BYTES, NULLPATH_OK | NOPATH);
  }

  private void put(long offset, String name, MemoryLayout result, MemoryLayout... parameters) {
    FunctionDescriptor descriptor = FunctionDescriptor.of(result, parameters);
    try {
      MethodHandle target = MethodHandles.lookup().bind(calls, name, descriptor.toMethodType());
      MemorySegment function = Linker.nativeLinker().upcallStub(target, descriptor, arena);
      table.putAddress(offset, function.address());
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("no callback " + name, e);
    }
  }
}
