package io.wormhole.daemon.fuse.device;

import io.wormhole.daemon.fuse.mounts.Call;
import java.util.ArrayList;
import java.util.List;

/**
 * A call that answers a request: what it is about, who replies to it, and who waits for its end.
 */
final class DeviceCall extends Call {
  private final long node;
  private final boolean bringsEntries;
  private List<Runnable> followers = List.of();
  private boolean claimed;
  private boolean followed;

  /**
   * @param node what it is about
   * @param bringsEntries whether its answer may bring attributes of others
   */
  DeviceCall(long node, boolean bringsEntries) {
    this.node = node;
    this.bringsEntries = bringsEntries;
  }

  /** Whether it is about a node. */
  boolean isOn(long other) {
    return node == other;
  }

  /** Whether its answer may say what a node is like. */
  boolean maySayOf(long other) {
    return node == other || bringsEntries;
  }

  /** Takes the right to reply; whether it was there to be taken. */
  synchronized boolean claim() {
    boolean first = !claimed;
    claimed = true;
    return first;
  }

  /**
   * Has something done when the call is over and was replied to, on its thread; at once if it is.
   */
  void whenOver(Runnable follower) {
    synchronized (this) {
      if (!followed) {
        if (followers.isEmpty()) {
          followers = new ArrayList<>();
        }
        followers.add(follower);
        return;
      }
    }
    follower.run();
  }

  @Override
  public void end() {
    super.end();
    List<Runnable> told;
    synchronized (this) {
      followed = true;
      told = followers;
    }
    told.forEach(Runnable::run);
  }
}
