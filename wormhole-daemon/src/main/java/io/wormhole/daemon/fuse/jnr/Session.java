package io.wormhole.daemon.fuse.jnr;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.wormhole.daemon.fuse.KernelNotifier;
import io.wormhole.daemon.fuse.jnr.NativeStructs.Buffer;
import io.wormhole.daemon.fuse.jnr.NativeStructs.InHeader;
import io.wormhole.daemon.fuse.mounts.FaultLog;
import io.wormhole.daemon.fuse.mounts.Libc;
import io.wormhole.daemon.fuse.mounts.ServedConnection;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;

/**
 * libfuse's session loop on Java threads, {@code fuse-N}. A callback answers before it returns, so
 * a call that waits holds its thread; whoever takes a request while nobody else waits for the next
 * one starts another thread, up to a bound, past which requests wait in the kernel. Threads beyond
 * those at rest leave when they are not needed.
 *
 * <p>Each request is looked at before libfuse gets it: its header says what callbacks are not told,
 * and an interrupt is passed on to the call it is meant for.
 *
 * <p>Started once; over for good when the kernel says so. The thread that leaves last ends
 * libfuse's side and tells the file system.
 */
final class Session implements ServedConnection {
  private static final long STACK_BYTES = 512 << 10;
  private static final int FORGET = 2;
  private static final int INTERRUPT = 36;
  private static final int BATCH_FORGET = 42;

  private final LibFuse2 library;
  private final long channel;
  private final long session;
  private final long bufferBytes;
  private final JnrSettings settings;
  private final FaultLog faults;
  private final Runnable atEnd;
  private final Runnable atLast;
  private final KernelNotifier notifier;
  private final CallsUnderWay calls = new CallsUnderWay();
  private final CompletableFuture<Void> ended = new CompletableFuture<>();

  private int threads;
  private int waiting;
  private int number;
  private boolean over;

  /**
   * @param atEnd run by the thread that sees the end, before it is told
   * @param atLast run by the thread that leaves last, when libfuse is in no call
   */
  Session(
      LibFuse2 library,
      long session,
      long channel,
      JnrSettings settings,
      FaultLog faults,
      Runnable atEnd,
      Runnable atLast,
      KernelNotifier notifier) {
    this.library = library;
    this.channel = channel;
    this.session = session;
    this.bufferBytes = library.fuse_chan_bufsize(channel);
    this.settings = settings;
    this.faults = faults;
    this.atEnd = atEnd;
    this.atLast = atLast;
    this.notifier = notifier;
  }

  synchronized void start() {
    for (int i = 0; i < settings.threadsAtRest(); i++) {
      startThread();
    }
  }

  @Override
  public CompletableFuture<Void> ended() {
    return ended;
  }

  @Override
  public KernelNotifier notifier() {
    return notifier;
  }

  @Override
  public void interruptCalls() {
    calls.interruptAll();
  }

  /** Calls are interrupted from now on, and so answered with EINTR. */
  @Override
  public void giveUp() {
    end();
  }

  private void startThread() {
    threads++;
    waiting++;
    boolean started = false;
    try {
      new SessionThread(this::serve, "fuse-" + number++, STACK_BYTES).start();
      started = true;
    } finally {
      if (!started) {
        threads--;
        waiting--;
      }
    }
  }

  private void serve() {
    boolean counted = true;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(bufferBytes, 4096);
      MemorySegment buffer = arena.allocate(Buffer.BYTES, Long.BYTES);
      MemorySegment cell = arena.allocate(Long.BYTES, Long.BYTES);
      boolean goesOn = true;
      while (goesOn) {
        int length = receive(memory, buffer, cell);
        if (length > 0) {
          taken();
          counted = false;
          process(memory, buffer, cell);
          goesOn = waitsAgain();
          counted = goesOn;
        } else {
          goesOn = length == -Libc.EINTR || length == -Libc.EAGAIN;
          if (!goesOn) {
            end();
          }
        }
      }
    } catch (Throwable e) {
      faults.report("A thread of a FUSE session died", e);
    } finally {
      leave(counted);
    }
  }

  private int receive(MemorySegment memory, MemorySegment buffer, MemorySegment cell) {
    buffer.set(JAVA_LONG, Buffer.SIZE, bufferBytes);
    buffer.set(JAVA_INT, Buffer.FLAGS, 0);
    buffer.set(JAVA_LONG, Buffer.MEMORY, memory.address());
    cell.set(JAVA_LONG, 0, channel);
    return library.fuse_session_receive_buf(session, buffer.address(), cell.address());
  }

  private void process(MemorySegment memory, MemorySegment buffer, MemorySegment cell) {
    SessionThread.take(memory, this::processOwn);
    long unique = memory.get(JAVA_LONG, InHeader.UNIQUE);
    int opcode = memory.get(JAVA_INT, InHeader.OPCODE);
    boolean isCall = opcode != INTERRUPT && opcode != FORGET && opcode != BATCH_FORGET;
    if (opcode == INTERRUPT) {
      calls.interrupt(memory.get(JAVA_LONG, InHeader.INTERRUPTED));
    }
    if (isCall) {
      calls.begin(unique);
    }
    try {
      library.fuse_session_process_buf(session, buffer.address(), cell.get(JAVA_LONG, 0));
    } finally {
      if (isCall) {
        calls.end(unique);
      }
    }
  }

  /** Has libfuse deal with a request of our own making, within one of the kernel's. */
  private void processOwn(MemorySegment request) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(Buffer.BYTES, Long.BYTES);
      buffer.set(JAVA_LONG, Buffer.SIZE, request.byteSize());
      buffer.set(JAVA_LONG, Buffer.MEMORY, request.address());
      library.fuse_session_process_buf(session, buffer.address(), channel);
    }
  }

  /** This thread has a request; somebody is to wait for the next one. */
  private synchronized void taken() {
    waiting--;
    if (waiting == 0 && threads < settings.threadsMax() && !over) {
      startThread();
    }
  }

  /** Whether this thread, which is through with its request, is needed to wait for another one. */
  private synchronized boolean waitsAgain() {
    if (waiting >= settings.threadsAtRest() && !over) {
      return false;
    }
    waiting++;
    return true;
  }

  /** The kernel has said that it is over: it tells every thread that waits the same. */
  private void end() {
    synchronized (this) {
      if (over) {
        return;
      }
      over = true;
    }
    calls.end();
    try {
      atEnd.run();
    } catch (RuntimeException e) {
      faults.report("The end of a mount could not be dealt with", e);
    } finally {
      ended.complete(null);
    }
  }

  private void leave(boolean counted) {
    boolean last;
    synchronized (this) {
      threads--;
      if (counted) {
        waiting--;
      }
      last = threads == 0;
    }
    if (last) {
      end();
      atLast.run();
    }
  }
}
