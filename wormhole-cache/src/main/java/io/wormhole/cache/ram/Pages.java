package io.wormhole.cache.ram;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Anonymous memory straight from the kernel: page aligned, taking no RAM until it is touched, and
 * given back a page at a time.
 *
 * <p>{@link Arena#allocate} will not do. It fills what it hands out with zeros, so all of it counts
 * at once; and the C library keeps freed blocks of this size for itself once the first has been
 * freed, so the process would never shrink.
 */
@SuppressWarnings("restricted")
final class Pages {
  private static final int PROT_READ_WRITE = 0x3;
  private static final boolean LINUX = System.getProperty("os.name", "").startsWith("Linux");
  private static final int MAP_PRIVATE_ANONYMOUS = 0x2 | (LINUX ? 0x20 : 0x1000);

  /** MADV_DONTNEED where it drops pages at once; elsewhere MADV_FREE, which lets them go. */
  private static final int MADVISE_DROP = LINUX ? 4 : 5;

  private static final long MAP_FAILED = -1;

  private static final MethodHandle MMAP =
      function(
          "mmap",
          FunctionDescriptor.of(
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_LONG));
  private static final MethodHandle MUNMAP =
      function(
          "munmap",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
  private static final MethodHandle MADVISE =
      function(
          "madvise",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_INT));

  private Pages() {}

  /**
   * Maps zeroed memory, unmapped when the arena closes.
   *
   * @throws OutOfMemoryError if the kernel has no address space left for this process
   */
  static MemorySegment map(long bytes, Arena owner) {
    long address;
    try {
      address = (long) MMAP.invokeExact(0L, bytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0L);
    } catch (Throwable thrown) {
      throw new AssertionError(thrown);
    }
    if (address == MAP_FAILED) {
      throw new OutOfMemoryError("the system refused " + bytes + " bytes for the cache in RAM");
    }
    return MemorySegment.ofAddress(address).reinterpret(bytes, owner, Pages::unmap);
  }

  /** Gives the pages back; the memory stays mapped and reads as zeros or as before. */
  static void drop(MemorySegment pages) {
    try {
      // Refused advice costs RAM, never bytes, so its answer decides nothing.
      int _ = (int) MADVISE.invokeExact(pages.address(), pages.byteSize(), MADVISE_DROP);
    } catch (Throwable thrown) {
      throw new AssertionError(thrown);
    }
  }

  private static void unmap(MemorySegment pages) {
    try {
      int _ = (int) MUNMAP.invokeExact(pages.address(), pages.byteSize());
    } catch (Throwable thrown) {
      throw new AssertionError(thrown);
    }
  }

  private static MethodHandle function(String name, FunctionDescriptor descriptor) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), descriptor);
  }
}
