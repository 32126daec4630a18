package io.wormhole.daemon;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** The system calls that make a process a daemon; Java has none of them. */
@SuppressWarnings("restricted")
final class Posix {
  private static final Linker LINKER = Linker.nativeLinker();
  private static final SymbolLookup LIBC = LINKER.defaultLookup();
  private static final int SIGHUP = 1;
  private static final int PRIO_PROCESS = 0;
  private static final int THIS_THREAD = 0;
  private static final int LOWEST_PRIORITY = 19;
  private static final MemorySegment SIG_IGN = MemorySegment.ofAddress(1);

  private Posix() {}

  /**
   * Leaves the terminal's session (setsid(2)), so that neither its end nor its Ctrl-C reaches us. A
   * process that leads a group already has left it, or cannot.
   *
   * @return whether this process leads a session of its own now
   */
  static boolean leaveSession() {
    MethodHandle setsid =
        LINKER.downcallHandle(
            LIBC.findOrThrow("setsid"), FunctionDescriptor.of(ValueLayout.JAVA_INT));
    try {
      return (int) setsid.invokeExact() > 0;
    } catch (Throwable e) {
      throw new IllegalStateException("setsid", e);
    }
  }

  /** Lets SIGHUP pass unnoticed; the JVM would end on it. */
  static void ignoreHangup() {
    MethodHandle signal =
        LINKER.downcallHandle(
            LIBC.findOrThrow("signal"),
            FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_INT, ValueLayout.ADDRESS));
    try {
      MemorySegment before = (MemorySegment) signal.invokeExact(SIGHUP, SIG_IGN);
      if (before.address() == -1) {
        throw new IllegalStateException("signal(SIGHUP) is refused");
      }
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException("signal", e);
    }
  }

  /** Lets every other thread of the machine go before the calling one (setpriority(2)). */
  static void yieldToAll() {
    MethodHandle setpriority =
        LINKER.downcallHandle(
            LIBC.findOrThrow("setpriority"),
            FunctionDescriptor.of(
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT));
    try {
      int result = (int) setpriority.invokeExact(PRIO_PROCESS, THIS_THREAD, LOWEST_PRIORITY);
      if (result != 0) {
        throw new IllegalStateException("setpriority is refused");
      }
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException("setpriority", e);
    }
  }
}
