package io.wormhole.cli;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/** umount2(2), with the flags that always work. */
@SuppressWarnings("restricted")
final class Umount2 {
  /** The errno of somebody who may not unmount. */
  static final int EPERM = 1;

  /** Aborts the FUSE connection: whoever waits for an answer gets an error. */
  private static final int MNT_FORCE = 1;

  /** Takes it out of the tree though it is in use. */
  private static final int MNT_DETACH = 2;

  private static final int UMOUNT_NOFOLLOW = 8;

  private Umount2() {}

  /** Takes the mount away; returns 0 or an errno. */
  static int force(String directory) {
    Linker linker = Linker.nativeLinker();
    StructLayout state = Linker.Option.captureStateLayout();
    VarHandle errno = state.varHandle(MemoryLayout.PathElement.groupElement("errno"));
    MethodHandle umount2 =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("umount2"),
            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT),
            Linker.Option.captureCallState("errno"));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment captured = arena.allocate(state);
      MemorySegment path = arena.allocateFrom(directory);
      int result =
          (int) umount2.invokeExact(captured, path, MNT_FORCE | MNT_DETACH | UMOUNT_NOFOLLOW);
      return result == 0 ? 0 : (int) errno.get(captured, 0L);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException("umount2", e);
    }
  }
}
