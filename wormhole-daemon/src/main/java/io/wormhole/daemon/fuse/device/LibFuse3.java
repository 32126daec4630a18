package io.wormhole.daemon.fuse.device;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.wormhole.daemon.fuse.mounts.Libc;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Optional;

/**
 * As much of libfuse3 as mounts ({@code fuse_lowlevel.h}): a session without operations is made,
 * mounted, and relieved of its device. Nothing of the library is used after that, so its
 * structures, which differ from release to release, do not matter. Any thread may call.
 */
@SuppressWarnings("restricted")
final class LibFuse3 {
  private static final List<String> NAMES = List.of("libfuse3.so.4", "libfuse3.so.3");

  private static final StructLayout ARGUMENTS =
      MemoryLayout.structLayout(
          JAVA_INT.withName("argc"),
          MemoryLayout.paddingLayout(4),
          ADDRESS.withName("argv"),
          JAVA_INT.withName("allocated"),
          MemoryLayout.paddingLayout(4));
  private static final long ARGC = ARGUMENTS.byteOffset(PathElement.groupElement("argc"));
  private static final long ARGV = ARGUMENTS.byteOffset(PathElement.groupElement("argv"));

  /** The first operation alone, which is none. */
  private static final long OPERATIONS_BYTES = 8;

  private final MethodHandle sessionNew;
  private final MethodHandle sessionMount;
  private final MethodHandle sessionDescriptor;
  private final MethodHandle sessionDestroy;

  private LibFuse3(SymbolLookup library) {
    Linker linker = Linker.nativeLinker();
    sessionNew =
        linker.downcallHandle(
            library.findOrThrow("fuse_session_new"),
            FunctionDescriptor.of(ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS));
    sessionMount =
        linker.downcallHandle(
            library.findOrThrow("fuse_session_mount"),
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS));
    sessionDescriptor =
        linker.downcallHandle(
            library.findOrThrow("fuse_session_fd"), FunctionDescriptor.of(JAVA_INT, ADDRESS));
    sessionDestroy =
        linker.downcallHandle(
            library.findOrThrow("fuse_session_destroy"), FunctionDescriptor.ofVoid(ADDRESS));
  }

  /** The library, if this machine has it. */
  static Optional<LibFuse3> find() {
    return NAMES.stream().flatMap(name -> load(name).stream()).findFirst().map(LibFuse3::new);
  }

  private static Optional<SymbolLookup> load(String name) {
    try {
      return Optional.of(SymbolLookup.libraryLookup(name, Arena.global()));
    } catch (IllegalArgumentException absent) {
      return Optional.empty();
    }
  }

  /**
   * Mounts; waits for the helper.
   *
   * @param options as after {@code -o}
   * @return the device's descriptor, the caller's to close; negative if the mount was refused, and
   *     then the library or the helper has said why on the process's standard error
   */
  int mount(String directory, String options) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment session = session(arena, options);
      if (session.equals(MemorySegment.NULL)) {
        return -Libc.EINVAL;
      }
      try {
        int result = (int) sessionMount.invokeExact(session, arena.allocateFrom(directory));
        // The session closes its own descriptor when it is destroyed.
        return result == 0
            ? Libc.duplicate((int) sessionDescriptor.invokeExact(session))
            : -Libc.EPERM;
      } finally {
        sessionDestroy.invokeExact(session);
      }
    } catch (Throwable e) {
      throw new IllegalStateException("a call of libfuse3 could not be made", e);
    }
  }

  private MemorySegment session(Arena arena, String options) throws Throwable {
    List<String> words = List.of("wormhole", "-o", options);
    MemorySegment argv = arena.allocate(ADDRESS, words.size() + 1L);
    for (int i = 0; i < words.size(); i++) {
      argv.setAtIndex(ADDRESS, i, arena.allocateFrom(words.get(i)));
    }
    MemorySegment arguments = arena.allocate(ARGUMENTS);
    arguments.set(JAVA_INT, ARGC, words.size());
    arguments.set(ADDRESS, ARGV, argv);
    return (MemorySegment)
        sessionNew.invokeExact(
            arguments, arena.allocate(OPERATIONS_BYTES, 8), OPERATIONS_BYTES, MemorySegment.NULL);
  }
}
