package io.wormhole.daemon.fuse.jnr;

import io.wormhole.daemon.fuse.mounts.Call;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;

/**
 * The kernel's requests that are being dealt with, for those that are taken back. An interrupt may
 * overtake its request, as other threads read both: the last few that found no request are kept for
 * it. Any thread may call.
 */
final class CallsUnderWay {
  private static final int EARLY_MAX = 256;

  private final Map<Long, Call> calls = new HashMap<>();
  private final LinkedHashSet<Long> early = new LinkedHashSet<>();
  private boolean ending;

  /** A request is about to be dealt with, by this thread. */
  void begin(long unique) {
    Call call = new Call();
    boolean interrupted;
    synchronized (this) {
      calls.put(unique, call);
      interrupted = early.remove(unique) || ending;
    }
    call.begin();
    if (interrupted) {
      call.interrupt();
    }
  }

  /** A request has been dealt with, by this thread, which is not interrupted any more. */
  void end(long unique) {
    Call call;
    synchronized (this) {
      call = calls.remove(unique);
    }
    if (call != null) {
      call.end();
    }
  }

  /** The kernel takes a request back. */
  void interrupt(long unique) {
    Call call;
    synchronized (this) {
      call = calls.get(unique);
      if (call == null) {
        if (early.size() == EARLY_MAX) {
          early.removeFirst();
        }
        early.add(unique);
      }
    }
    if (call != null) {
      call.interrupt();
    }
  }

  /** Interrupts every request that is being dealt with. */
  void interruptAll() {
    Call[] all;
    synchronized (this) {
      all = calls.values().toArray(Call[]::new);
    }
    for (Call call : all) {
      call.interrupt();
    }
  }

  /** Interrupts every request that is being dealt with, and those that still come. */
  void end() {
    synchronized (this) {
      ending = true;
    }
    interruptAll();
  }
}
