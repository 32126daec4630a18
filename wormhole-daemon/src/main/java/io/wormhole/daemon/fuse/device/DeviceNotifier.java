package io.wormhole.daemon.fuse.device;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.wormhole.daemon.fuse.KernelNotifier;
import io.wormhole.daemon.fuse.device.Abi.NotifyEntry;
import io.wormhole.daemon.fuse.device.Abi.NotifyInode;
import io.wormhole.daemon.fuse.device.Abi.OutHeader;
import io.wormhole.daemon.fuse.mounts.FaultLog;
import io.wormhole.daemon.fuse.mounts.Libc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Writes FUSE_NOTIFY_INVAL_INODE and FUSE_NOTIFY_INVAL_ENTRY on a thread of its own, {@code
 * notify}, which is there only while there is something to tell.
 *
 * <p>The kernel takes a notice in the writer's own thread, and there it waits for pages that are
 * being read and for folders that are being looked up in, which only our answers end. So no thread
 * that answers may write one, and no lock is held while one is written. And a notice waits here
 * first, for the calls that were under way when it came and may speak of its node: that keeps the
 * thread free for other notices, and lets no answer that was made before the change arrive after
 * the notice. Calls that come later hold it up in the kernel at worst; they see the change. How
 * long all that may take is up to the deadlines of the file system's calls.
 *
 * <p>A notice about what is waiting already joins it: ranges of an inode become the range that
 * spans them. Past the limit nothing is taken in, the caller is told, and the log is, once in a
 * while.
 */
final class DeviceNotifier implements KernelNotifier {
  /** How many notices may wait. */
  static final int LIMIT = 16_384;

  private static final Duration IDLE = Duration.ofSeconds(10);
  private static final long STACK_BYTES = 256 << 10;
  private static final int NAME_BYTES_MAX = 255;
  private static final long HEADER_AT = 16;
  private static final long BODY_AT = HEADER_AT + OutHeader.BYTES;

  private final Device device;
  private final Dispatcher dispatcher;
  private final FaultLog faults;
  private final int limit;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  /** All that wait. */
  private final Map<Notice.Target, Notice> waiting = new HashMap<>();

  /** Those that may go; some may have been joined since, and await calls again. */
  private final Queue<Notice> ready = new ArrayDeque<>();

  private boolean running;
  private boolean over;
  private long written;

  /**
   * @param limit how many notices may wait
   */
  DeviceNotifier(Device device, Dispatcher dispatcher, FaultLog faults, int limit) {
    this.device = device;
    this.dispatcher = dispatcher;
    this.faults = faults;
    this.limit = limit;
  }

  @Override
  public boolean inode(long node) {
    return add(new Notice.Inode(node), 0, Long.MAX_VALUE);
  }

  @Override
  public boolean range(long node, long offset, long length) {
    if (offset < 0 || length <= 0) {
      throw new IllegalArgumentException(length + " bytes at " + offset);
    }
    long to = offset > Long.MAX_VALUE - length ? Long.MAX_VALUE : offset + length;
    return add(new Notice.Inode(node), offset, to);
  }

  @Override
  public boolean entry(long parent, byte[] name) {
    if (name.length == 0 || name.length > NAME_BYTES_MAX) {
      throw new IllegalArgumentException("a name of " + name.length + " bytes");
    }
    return add(
        new Notice.Name(parent, new String(name, StandardCharsets.ISO_8859_1)), 0, Long.MAX_VALUE);
  }

  /** Nothing is written any more, but for what is being written now. */
  void stop() {
    lock.lock();
    try {
      over = true;
      waiting.clear();
      ready.clear();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** How many notices the kernel was given so far. */
  long written() {
    lock.lock();
    try {
      return written;
    } finally {
      lock.unlock();
    }
  }

  private boolean add(Notice.Target target, long from, long to) {
    List<DeviceCall> calls = dispatcher.calls(target::mayBeSaidBy);
    Notice notice;
    List<DeviceCall> awaited;
    lock.lock();
    try {
      if (over || !run()) {
        return false;
      }
      if (waiting.size() >= limit && !waiting.containsKey(target)) {
        faults.report("more than " + limit + " notices to the kernel wait: one was dropped");
        return false;
      }
      notice = waiting.computeIfAbsent(target, _ -> new Notice(target, from, to));
      notice.from = Math.min(notice.from, from);
      notice.to = Math.max(notice.to, to);
      awaited = calls.stream().filter(notice.awaited::add).toList();
      readyIfNoneAwaited(notice);
    } finally {
      lock.unlock();
    }
    for (DeviceCall call : awaited) {
      call.whenOver(() -> callOver(notice, call));
    }
    return true;
  }

  private void callOver(Notice notice, DeviceCall call) {
    lock.lock();
    try {
      notice.awaited.remove(call);
      readyIfNoneAwaited(notice);
    } finally {
      lock.unlock();
    }
  }

  private void readyIfNoneAwaited(Notice notice) {
    if (notice.awaited.isEmpty() && !notice.taken && !notice.ready) {
      notice.ready = true;
      ready.add(notice);
      changed.signal();
    }
  }

  /** Sees to it that the thread is there; whether it is, which the end of the mount rules out. */
  private boolean run() {
    if (running) {
      return true;
    }
    if (!dispatcher.hold()) {
      return false;
    }
    boolean started = false;
    try {
      Thread.ofPlatform()
          .name("notify")
          .daemon()
          .stackSize(STACK_BYTES)
          .inheritInheritableThreadLocals(false)
          .start(this::tell);
      started = true;
      running = true;
    } finally {
      if (!started) {
        dispatcher.letGo();
      }
    }
    return true;
  }

  private void tell() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory =
          arena.allocate(BODY_AT + NotifyInode.BYTES + NotifyEntry.BYTES + NAME_BYTES_MAX + 1, 64);
      for (Notice notice = next(); notice != null; notice = next()) {
        write(notice, memory);
      }
    } catch (Throwable e) {
      faults.report("The thread that tells the kernel of changes died", e);
      leave();
    } finally {
      dispatcher.letGo();
    }
  }

  private void leave() {
    lock.lock();
    try {
      running = false;
    } finally {
      lock.unlock();
    }
  }

  /** The next notice to write; null if there is none for a while, and then the thread is gone. */
  private @Nullable Notice next() throws InterruptedException {
    lock.lock();
    try {
      long idleUntilNanos = System.nanoTime() + IDLE.toNanos();
      while (!over) {
        Notice notice = takeReady();
        if (notice != null) {
          waiting.remove(notice.target);
          notice.taken = true;
          written++;
          return notice;
        }
        long leftNanos = idleUntilNanos - System.nanoTime();
        if (leftNanos <= 0 && waiting.isEmpty()) {
          break;
        }
        var _ = changed.awaitNanos(leftNanos > 0 ? leftNanos : IDLE.toNanos());
      }
      running = false;
      return null;
    } finally {
      lock.unlock();
    }
  }

  private @Nullable Notice takeReady() {
    for (Notice notice = ready.poll(); notice != null; notice = ready.poll()) {
      notice.ready = false;
      if (notice.awaited.isEmpty() && !notice.taken) {
        return notice;
      }
    }
    return null;
  }

  /** Writes a notice, whose error number says what it is and which answers no request. */
  private void write(Notice notice, MemorySegment memory) {
    MemorySegment body = memory.asSlice(BODY_AT);
    int bodyBytes =
        switch (notice.target) {
          case Notice.Inode(var node) -> inode(body, node, notice.from, notice.to);
          case Notice.Name(var parent, var name) -> entry(body, parent, name);
        };
    int code =
        notice.target instanceof Notice.Inode ? Abi.NOTIFY_INVAL_INODE : Abi.NOTIFY_INVAL_ENTRY;
    int bytes = OutHeader.BYTES + bodyBytes;
    memory.set(JAVA_INT, HEADER_AT + OutHeader.LEN, bytes);
    memory.set(JAVA_INT, HEADER_AT + OutHeader.ERROR, code);
    memory.set(JAVA_LONG, HEADER_AT + OutHeader.UNIQUE, 0);
    long result = device.write(memory.asSlice(HEADER_AT, bytes), memory);
    switch ((int) -Math.min(result, 0)) {
      // ENOENT: the kernel does not know it. The others: the connection is over.
      case 0, Libc.ENOENT, Libc.ENODEV, Libc.ENOTCONN, Libc.EPERM -> {}
      default -> faults.report("The kernel refused a notice with error number " + -result);
    }
  }

  private static int inode(MemorySegment body, long node, long from, long to) {
    body.set(JAVA_LONG, NotifyInode.NODE, node);
    body.set(JAVA_LONG, NotifyInode.OFFSET, from);
    body.set(JAVA_LONG, NotifyInode.LENGTH, to == Long.MAX_VALUE ? 0 : to - from);
    return NotifyInode.BYTES;
  }

  private static int entry(MemorySegment body, long parent, String name) {
    body.set(JAVA_LONG, NotifyEntry.PARENT, parent);
    body.set(JAVA_INT, NotifyEntry.NAME_BYTES, name.length());
    body.set(JAVA_INT, NotifyEntry.FLAGS, 0);
    MemorySegment text = body.asSlice(NotifyEntry.BYTES);
    MemorySegment.copy(
        MemorySegment.ofArray(name.getBytes(StandardCharsets.ISO_8859_1)),
        0,
        text,
        0,
        name.length());
    text.set(JAVA_BYTE, name.length(), (byte) 0);
    return NotifyEntry.BYTES + name.length() + 1;
  }
}
