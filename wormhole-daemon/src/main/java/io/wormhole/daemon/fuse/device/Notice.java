package io.wormhole.daemon.fuse.device;

import java.util.HashSet;
import java.util.Set;

/** Something the kernel is to be told, while it waits. Guarded by its {@link DeviceNotifier}. */
final class Notice {
  /** What it is about: notices about the same become one. */
  sealed interface Target {
    /** Whether a call may answer what the notice takes back. */
    boolean mayBeSaidBy(DeviceCall call);
  }

  /** An inode. */
  record Inode(long node) implements Target {
    @Override
    public boolean mayBeSaidBy(DeviceCall call) {
      return call.maySayOf(node);
    }
  }

  /**
   * A name in a folder.
   *
   * @param name its bytes, each a character
   */
  record Name(long parent, String name) implements Target {
    @Override
    public boolean mayBeSaidBy(DeviceCall call) {
      return call.isOn(parent);
    }
  }

  final Target target;

  /** Bytes of the inode that have changed; meaningless for a name. */
  long from;

  long to;

  /** Calls that are to be over before. */
  final Set<DeviceCall> awaited = new HashSet<>();

  /** Whether it stands among those that await nothing. */
  boolean ready;

  boolean taken;

  Notice(Target target, long from, long to) {
    this.target = target;
    this.from = from;
    this.to = to;
  }
}
