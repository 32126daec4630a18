package io.wormhole.daemon.fuse.device;

import io.wormhole.daemon.fuse.Errno;

/** What the kernel asks, copied out of the reader's buffer. */
sealed interface Request {

  /** The kernel's number for it, which the reply carries. */
  long unique();

  /** Needs no waiting: the reader that took it in deals with it. */
  sealed interface Immediate extends Request {}

  /** May wait: the file system answers it, on a thread of its own. */
  sealed interface Waiting extends Request {
    /** What it is about; a lookup's is the folder. */
    long node();

    /** Whether the answer may bring attributes of other nodes than that. */
    default boolean bringsEntries() {
      return false;
    }

    /** Bytes the answer may take without its header. */
    int replyBytes();
  }

  /** Answered with an error, whatever it asked. */
  record Refused(long unique, Errno errno) implements Immediate {}

  /** Answered with success and nothing else. */
  record Accepted(long unique) implements Immediate {}

  /** The kernel's last word; answered. */
  record Destroy(long unique) implements Immediate {}

  /** Lookups given back; never answered. The arrays go together. */
  @SuppressWarnings("ArrayRecordComponent")
  record Forget(long unique, long[] nodes, long[] lookups) implements Immediate {}

  /** Somebody waits no longer for the target's answer. */
  record Interrupt(long unique, long target) implements Immediate {}

  record Release(long unique, long node, long handle) implements Immediate {}

  record Releasedir(long unique, long node, long handle) implements Immediate {}

  @SuppressWarnings("ArrayRecordComponent")
  record Lookup(long unique, long parent, byte[] name) implements Waiting {
    @Override
    public long node() {
      return parent;
    }

    @Override
    public boolean bringsEntries() {
      return true;
    }

    @Override
    public int replyBytes() {
      return Abi.EntryOut.BYTES;
    }
  }

  record Getattr(long unique, long node) implements Waiting {
    @Override
    public int replyBytes() {
      return Abi.AttrOut.BYTES;
    }
  }

  record Readlink(long unique, long node) implements Waiting {
    /** Linux's PATH_MAX. */
    @Override
    public int replyBytes() {
      return 4096;
    }
  }

  record Open(long unique, long node) implements Waiting {
    @Override
    public int replyBytes() {
      return Abi.OpenOut.BYTES;
    }
  }

  record Opendir(long unique, long node) implements Waiting {
    @Override
    public int replyBytes() {
      return Abi.OpenOut.BYTES;
    }
  }

  record Read(long unique, long node, long handle, long offset, int bytes) implements Waiting {
    @Override
    public int replyBytes() {
      return bytes;
    }
  }

  record Readdir(long unique, long node, long handle, long offset, int bytes, boolean plus)
      implements Waiting {
    @Override
    public boolean bringsEntries() {
      return plus;
    }

    @Override
    public int replyBytes() {
      return bytes;
    }
  }

  record Statfs(long unique, long node) implements Waiting {
    @Override
    public int replyBytes() {
      return Abi.StatfsOut.BYTES;
    }
  }

  /**
   * An extended attribute's value.
   *
   * @param bytes room for the value; 0 asks for its length
   */
  @SuppressWarnings("ArrayRecordComponent")
  record Getxattr(long unique, long node, byte[] name, int bytes) implements Waiting {
    @Override
    public int replyBytes() {
      return Math.max(bytes, Abi.XattrOut.BYTES);
    }
  }

  /**
   * The names of the extended attributes.
   *
   * @param bytes room for the names; 0 asks for their length
   */
  record Listxattr(long unique, long node, int bytes) implements Waiting {
    @Override
    public int replyBytes() {
      return Math.max(bytes, Abi.XattrOut.BYTES);
    }
  }
}
