package io.wormhole.daemon.host;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import io.wormhole.daemon.host.SharedFolder.EntryVisitor;
import io.wormhole.daemon.host.SharedFolder.Node;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A folder, opened for listing. What the kernel has given and nobody has seen yet, at most {@link
 * #BATCH_BYTES}, waits on the heap between two visits.
 */
final class OpenatDirectory implements SharedFolder.OpenFolder {
  private static final int BATCH_BYTES = 16 << 10;

  /** Offsets in {@code struct linux_dirent64}. */
  private static final int INODE = 0;

  private static final int NEXT_POSITION = 8;
  private static final int RECORD_BYTES = 16;
  private static final int TYPE = 18;
  private static final int NAME = 19;

  private static final int DT_UNKNOWN = 0;
  private static final int DT_DIR = 4;
  private static final int DT_REG = 8;
  private static final int DT_LNK = 10;

  private final Descriptor folder;
  private byte[] unseen = {};
  private long position;
  private boolean stopped;

  /** Takes over the descriptor. */
  OpenatDirectory(Descriptor folder) {
    this.folder = folder;
  }

  @Override
  public FileStatus status() throws FailureException {
    try (CallFrame frame = new CallFrame()) {
      int number = folder.enter();
      try {
        return NodeStatus.of(frame, number);
      } finally {
        folder.leave();
      }
    }
  }

  @Override
  public boolean visit(EntryVisitor visitor) throws FailureException {
    try (CallFrame frame = new CallFrame()) {
      int number = folder.enter();
      try {
        FileStatus own = NodeStatus.of(frame, number);
        MemorySegment room = frame.allocate(BATCH_BYTES);
        MemorySegment batch = MemorySegment.ofArray(unseen);
        unseen = new byte[0];
        stopped = false;
        do {
          long seen = show(frame, number, own, batch, visitor);
          if (stopped) {
            unseen = batch.asSlice(seen).toArray(JAVA_BYTE);
            return false;
          }
          int bytes = NodeStatus.check(LinuxCalls.getdents64(frame.capture(), number, room));
          batch = room.asSlice(0, bytes);
        } while (batch.byteSize() > 0);
        return true;
      } finally {
        folder.leave();
      }
    }
  }

  @Override
  public long position() {
    return position;
  }

  @Override
  public void seek(long position) throws FailureException {
    try (CallFrame frame = new CallFrame()) {
      int number = folder.enter();
      try {
        long result = LinuxCalls.seekTo(frame.capture(), number, position);
        if (result < 0) {
          throw HostErrno.failure(result);
        }
        unseen = new byte[0];
        this.position = position;
      } finally {
        folder.leave();
      }
    }
  }

  @Override
  public void close() {
    folder.close();
  }

  /** Shows the entries of a batch; returns the bytes of those that were seen or skipped. */
  private long show(
      CallFrame frame, int number, FileStatus own, MemorySegment batch, EntryVisitor visitor)
      throws FailureException {
    long at = 0;
    while (!stopped && at < batch.byteSize()) {
      int length = Short.toUnsignedInt(batch.get(JAVA_SHORT_UNALIGNED, at + RECORD_BYTES));
      MemorySegment entry = batch.asSlice(at, length);
      at += length;
      position = entry.get(JAVA_LONG_UNALIGNED, NEXT_POSITION);
      byte[] name = name(entry);
      if (!isDots(name)) {
        Node node = node(frame, number, own, entry, name);
        stopped = node != null && !visitor.entry(name, node);
      }
    }
    return at;
  }

  /** What stands at an entry, or null when it has vanished. */
  private static @Nullable Node node(
      CallFrame frame, int folder, FileStatus own, MemorySegment entry, byte[] name)
      throws FailureException {
    int type = Byte.toUnsignedInt(entry.get(JAVA_BYTE, TYPE));
    long inode = entry.get(JAVA_LONG_UNALIGNED, INODE);
    return switch (type) {
      case DT_REG -> file(frame, folder, own, inode, name);
      // Opened rather than looked at by name: that stops at a mount point without a word to what
      // is mounted there, and a link's status and target are one link's.
      case DT_DIR, DT_LNK, DT_UNKNOWN -> opened(frame, folder, own, inode, name, type);
      default -> new Node(FileStatus.unknown(NodeKind.SPECIAL, own, inode), null);
    };
  }

  private static @Nullable Node file(
      CallFrame frame, int folder, FileStatus own, long inode, byte[] name)
      throws FailureException {
    MemorySegment status = frame.status();
    int result = NodeStatus.ofEntry(frame, folder, name, status);
    if (result < 0) {
      return unseeable(result, own, inode, DT_REG);
    }
    FileStatus seen = FileStatus.read(status);
    return seen.mountId() == own.mountId()
        ? new Node(seen, null)
        : new Node(FileStatus.unknown(NodeKind.SPECIAL, own, inode), null);
  }

  private static @Nullable Node opened(
      CallFrame frame, int folder, FileStatus own, long inode, byte[] name, int type)
      throws FailureException {
    int number = ConfinedOpen.open(frame, folder, name, LinuxCalls.O_PATH);
    if (number == -HostErrno.EXDEV) {
      return type == DT_DIR
          ? new Node(FileStatus.mountPoint(own, name), null)
          : mounted(frame, folder, own, inode, name);
    }
    if (number < 0) {
      return unseeable(number, own, inode, type);
    }
    try {
      return NodeStatus.node(frame, number);
    } finally {
      frame.closeDescriptor(number);
    }
  }

  private static Node mounted(
      CallFrame frame, int folder, FileStatus own, long inode, byte[] name) {
    try {
      return new Node(NodeStatus.mountPoint(frame, folder, name), null);
    } catch (FailureException notAFolder) {
      return new Node(FileStatus.unknown(NodeKind.SPECIAL, own, inode), null);
    }
  }

  /**
   * An entry that may be listed but not looked at: a folder with rights to read and none to search,
   * or one damaged inode among good ones. Null when it has vanished.
   */
  private static @Nullable Node unseeable(int result, FileStatus own, long inode, int type)
      throws FailureException {
    NodeKind kind =
        switch (type) {
          case DT_REG -> NodeKind.REGULAR;
          case DT_DIR -> NodeKind.FOLDER;
          default -> NodeKind.SPECIAL;
        };
    return switch (-result) {
      case HostErrno.ENOENT -> null;
      case HostErrno.EACCES, HostErrno.EPERM, HostErrno.EIO, HostErrno.ESTALE, HostErrno.EUCLEAN ->
          new Node(FileStatus.unknown(kind, own, inode), null);
      default -> throw HostErrno.failure(result);
    };
  }

  private static byte[] name(MemorySegment entry) {
    long end = NAME;
    while (entry.get(JAVA_BYTE, end) != 0) {
      end++;
    }
    return entry.asSlice(NAME, end - NAME).toArray(JAVA_BYTE);
  }

  private static boolean isDots(byte[] name) {
    return name[0] == '.' && (name.length == 1 || (name.length == 2 && name[1] == '.'));
  }
}
