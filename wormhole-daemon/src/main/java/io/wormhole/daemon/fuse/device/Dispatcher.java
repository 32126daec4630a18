package io.wormhole.daemon.fuse.device;

import io.wormhole.daemon.fuse.Errno;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.fuse.KernelFileSystem;
import io.wormhole.daemon.fuse.device.FileSystemCalls.Answer;
import io.wormhole.daemon.fuse.mounts.FaultLog;
import io.wormhole.daemon.fuse.mounts.Libc;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import java.util.function.Predicate;

/**
 * Decides where a request is dealt with. What cannot wait is answered on the reader's own thread at
 * once. What may wait is too, as long as another reader is in no call and such calls did not wait a
 * moment ago: that saves two changes of threads, which cost more than most answers. Else it gets a
 * virtual thread of its own; so however many calls wait, one reader always reads.
 *
 * <p>A request that may wait is in {@code calls} from before its call until it was replied to.
 * Whoever claims the call has the right to reply: each gets one reply. Nothing that a file system
 * throws leaves here.
 *
 * <p>The dispatcher is held by each reader, by each call and by whoever else writes to the device.
 * Who lets go last closes the device and tells the file system that it is over: no reply can go to
 * a descriptor that is another file's by now.
 */
final class Dispatcher {
  private final Device device;
  private final KernelFileSystem fileSystem;
  private final FileSystemCalls fileSystemCalls;
  private final ReplyPool replies;
  private final FaultLog faults;
  private final int callLimit;
  private final int readers;
  private final ConcurrentMap<Long, DeviceCall> calls = new ConcurrentHashMap<>();
  private final AtomicInteger holds;
  private final SlowCalls slowCalls;

  /** Readers that the file system may keep waiting. */
  private final AtomicInteger inCalls = new AtomicInteger();

  private volatile boolean ending;
  private volatile boolean refusing;

  /**
   * @param readers how many readers hold it; each lets go when it leaves
   * @param callLimit how many calls may be under way at once; past it the kernel hears ENOMEM
   * @param nanoTime a clock that only goes forward, like {@link System#nanoTime}
   */
  Dispatcher(
      Device device,
      KernelFileSystem fileSystem,
      ReplyPool replies,
      FaultLog faults,
      int readers,
      int callLimit,
      LongSupplier nanoTime) {
    this.device = device;
    this.fileSystem = fileSystem;
    this.fileSystemCalls = new FileSystemCalls(fileSystem);
    this.replies = replies;
    this.faults = faults;
    this.readers = readers;
    this.callLimit = callLimit;
    this.holds = new AtomicInteger(readers);
    this.slowCalls = new SlowCalls(nanoTime);
  }

  /** Deals with a request or sees to it that somebody does. Called by readers only. */
  void dispatch(Request request) {
    if (refusing) {
      refuse(request);
      return;
    }
    switch (request) {
      case Request.Waiting waiting -> call(waiting);
      case Request.Refused(var unique, var errno) -> reply(unique, errno);
      case Request.Accepted(var unique) -> accept(unique);
      case Request.Destroy(var unique) -> accept(unique);
      case Request.Forget forget -> forget(forget);
      case Request.Interrupt(var unique, var target) -> interrupt(unique, target);
      case Request.Release(var unique, var node, var handle) -> {
        guarded("release", () -> fileSystem.release(node, handle));
        accept(unique);
      }
      case Request.Releasedir(var unique, var node, var handle) -> {
        guarded("releasedir", () -> fileSystem.releasedir(node, handle));
        accept(unique);
      }
    }
  }

  /** Answers a request with an error, outside all calls. */
  void reply(long unique, Errno errno) {
    Reply reply = replies.takeSmall();
    try {
      check(reply.send(device, unique, errno));
    } finally {
      replies.give(reply);
    }
  }

  /** The calls of a kind that are under way: all but those that were replied to. */
  List<DeviceCall> calls(Predicate<DeviceCall> kind) {
    return calls.values().stream().filter(kind).toList();
  }

  /** Keeps the device open until {@link #letGo}; false if it is closed. */
  boolean hold() {
    int before;
    do {
      before = holds.get();
    } while (before > 0 && !holds.compareAndSet(before, before + 1));
    return before > 0;
  }

  /** Interrupts every call that is under way. */
  void interruptCalls() {
    calls.values().forEach(DeviceCall::interrupt);
  }

  /**
   * The connection is over: calls that are under way are interrupted, and those that still come.
   */
  void end() {
    ending = true;
    interruptCalls();
  }

  /** Every request is answered with EIO: those under way at once, those to come as they come. */
  void refuse() {
    refusing = true;
    calls.forEach((unique, call) -> fail(unique, call, Errno.EIO));
  }

  private void refuse(Request request) {
    switch (request) {
      case Request.Waiting waiting -> reply(waiting.unique(), Errno.EIO);
      case Request.Refused(var unique, var errno) -> reply(unique, errno);
      case Request.Accepted(var unique) -> accept(unique);
      case Request.Destroy(var unique) -> accept(unique);
      case Request.Release(var unique, var _, var _) -> accept(unique);
      case Request.Releasedir(var unique, var _, var _) -> accept(unique);
      case Request.Forget _, Request.Interrupt _ -> {}
    }
  }

  /** A reader or another writer has left, or a call is over. */
  void letGo() {
    if (holds.decrementAndGet() == 0) {
      device.close();
      guarded("destroyed", fileSystem::destroyed);
    }
  }

  private void call(Request.Waiting request) {
    if (holds.getAndIncrement() >= callLimit + readers) {
      letGo();
      faults.report("more than " + callLimit + " requests wait: one was refused");
      reply(request.unique(), Errno.ENOMEM);
      return;
    }
    DeviceCall call = new DeviceCall(request.node(), request.bringsEntries());
    calls.put(request.unique(), call);
    if (ending) {
      call.interrupt();
    }
    if (refusing) {
      fail(request.unique(), call, Errno.EIO);
    }
    if (!slowCalls.isLikely(request, slowCalls.now()) && enter()) {
      run(request, call, true);
    } else {
      start(request, call);
    }
  }

  private void start(Request.Waiting request, DeviceCall call) {
    boolean started = false;
    try {
      Thread.ofVirtual().name("fuse-call").start(() -> run(request, call, false));
      started = true;
    } finally {
      if (!started) {
        calls.remove(request.unique());
        call.end();
        letGo();
      }
    }
  }

  /** Whether a reader may wait in a call, as another one is in none; then it must leave it. */
  private boolean enter() {
    int before;
    do {
      before = inCalls.get();
    } while (before < readers - 1 && !inCalls.compareAndSet(before, before + 1));
    return before < readers - 1;
  }

  private void run(Request.Waiting request, DeviceCall call, boolean byReader) {
    try {
      answer(request, call, byReader);
    } catch (Throwable e) {
      faults.report("A reply to the kernel could not be made", e);
    } finally {
      calls.remove(request.unique(), call);
      call.end();
      letGo();
    }
  }

  private void answer(Request.Waiting request, DeviceCall call, boolean byReader) {
    long unique = request.unique();
    Reply reply = null;
    try {
      Answer answer;
      long begunNanos = slowCalls.now();
      try {
        call.begin();
        reply = replies.take(request.replyBytes());
        answer = fileSystemCalls.answer(request, reply);
      } finally {
        slowCalls.ended(request, begunNanos);
        if (byReader) {
          // Before the reply: what whoever gets it asks next must not find all readers in calls.
          inCalls.decrementAndGet();
        }
      }
      if (!call.claim() || !check(reply.send(device, unique, answer.bytes()))) {
        answer.giveBack().run();
      }
    } catch (ErrnoException e) {
      fail(unique, call, e.errno());
    } catch (InterruptedException e) {
      fail(unique, call, Errno.EINTR);
    } catch (Throwable e) {
      faults.report("The file system failed at " + request, e);
      fail(unique, call, Errno.EIO);
    } finally {
      if (reply != null) {
        replies.give(reply);
      }
    }
  }

  private void fail(long unique, DeviceCall call, Errno errno) {
    if (call.claim()) {
      reply(unique, errno);
    }
  }

  private void forget(Request.Forget forget) {
    for (int i = 0; i < forget.nodes().length; i++) {
      long node = forget.nodes()[i];
      long lookups = forget.lookups()[i];
      guarded("forget", () -> fileSystem.forget(node, lookups));
    }
  }

  /**
   * Interrupts the call that answers the target. If there is none, the target was answered, or
   * another reader has taken it in and not yet started its call; EAGAIN lets the kernel ask again
   * in the second case and is ignored in the first ({@code Documentation/filesystems/fuse},
   * "Interrupting filesystem operations").
   */
  private void interrupt(long unique, long target) {
    DeviceCall call = calls.get(target);
    if (call == null) {
      reply(unique, Errno.EAGAIN);
    } else {
      call.interrupt();
    }
  }

  private void accept(long unique) {
    Reply reply = replies.takeSmall();
    try {
      check(reply.send(device, unique, 0));
    } finally {
      replies.give(reply);
    }
  }

  /** Whether the kernel took a reply; it takes none to what was aborted in between. */
  private boolean check(long written) {
    if (written < 0 && written != -Libc.ENOENT) {
      faults.report("The kernel refused a reply with error number " + -written);
    }
    return written >= 0;
  }

  private void guarded(String call, Runnable body) {
    try {
      body.run();
    } catch (Throwable e) {
      faults.report("The file system failed at " + call, e);
    }
  }
}
