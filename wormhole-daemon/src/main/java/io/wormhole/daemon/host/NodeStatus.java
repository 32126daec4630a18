package io.wormhole.daemon.host;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.wormhole.daemon.host.SharedFolder.Node;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** Looks at what a descriptor stands for. */
final class NodeStatus {
  private static final int MASK =
      LinuxCalls.STATX_BASIC_STATS | LinuxCalls.STATX_BTIME | LinuxCalls.STATX_MNT_ID;
  private static final byte[] DOTS = {'.', '.'};

  private NodeStatus() {}

  /** The status of an open file or folder, or of what an O_PATH descriptor stands for. */
  static FileStatus of(CallFrame frame, int descriptor) throws FailureException {
    MemorySegment status = frame.status();
    check(
        LinuxCalls.statx(
            frame.capture(),
            descriptor,
            frame.noPath(),
            LinuxCalls.AT_EMPTY_PATH | LinuxCalls.AT_NO_AUTOMOUNT,
            MASK,
            status));
    return FileStatus.read(status);
  }

  /**
   * The mount a descriptor was reached through, from the kernel's memory; 0 if it has no number.
   */
  static long mountId(CallFrame frame, int descriptor) throws FailureException {
    MemorySegment status = frame.status();
    check(
        LinuxCalls.statx(
            frame.capture(),
            descriptor,
            frame.noPath(),
            LinuxCalls.AT_EMPTY_PATH | LinuxCalls.AT_NO_AUTOMOUNT | LinuxCalls.AT_STATX_DONT_SYNC,
            LinuxCalls.STATX_MNT_ID,
            status));
    return FileStatus.read(status).mountId();
  }

  /** The status and, of a link, the target; both of one and the same link. */
  static Node node(CallFrame frame, int descriptor) throws FailureException {
    FileStatus status = of(frame, descriptor);
    if (status.kind() != NodeKind.LINK) {
      return new Node(status, null);
    }
    MemorySegment text = frame.text();
    int length = check(LinuxCalls.readlinkat(frame.capture(), descriptor, frame.noPath(), text));
    return new Node(status, text.asSlice(0, length).toArray(JAVA_BYTE));
  }

  /**
   * Looks at a folder's entry by name: a link itself, and of a mount point what is mounted there.
   *
   * @param status receives the status on 0
   * @return 0 or a negated errno, for the caller tells one refusal from another
   */
  static int ofEntry(CallFrame frame, int folder, byte[] name, MemorySegment status) {
    return LinuxCalls.statx(
        frame.capture(),
        folder,
        frame.path(name),
        LinuxCalls.AT_SYMLINK_NOFOLLOW | LinuxCalls.AT_NO_AUTOMOUNT,
        MASK,
        status);
  }

  /**
   * The folder shown at a name that a look-up refused as a mount point.
   *
   * @param parent descriptor of the folder it stands in
   * @throws FailureException NOT_SERVED where a file is mounted over a file; NOT_FOUND where
   *     nothing is mounted
   */
  static FileStatus mountPoint(CallFrame frame, int parent, byte[] name) throws FailureException {
    FileStatus folder = of(frame, parent);
    MemorySegment status = frame.status();
    // Only the type is asked for, and only of the kernel's memory: the file system behind it may
    // be a server that is gone, or our own mount.
    check(
        LinuxCalls.statx(
            frame.capture(),
            parent,
            frame.path(name),
            LinuxCalls.AT_SYMLINK_NOFOLLOW
                | LinuxCalls.AT_NO_AUTOMOUNT
                | LinuxCalls.AT_STATX_DONT_SYNC,
            LinuxCalls.STATX_TYPE | LinuxCalls.STATX_MNT_ID,
            status));
    FileStatus mounted = FileStatus.read(status);
    if (mounted.mountId() == folder.mountId() || Arrays.equals(name, DOTS)) {
      throw HostErrno.failure(-HostErrno.ENOENT);
    }
    if (mounted.kind() != NodeKind.FOLDER) {
      throw HostErrno.failure(-HostErrno.ENXIO);
    }
    return FileStatus.mountPoint(folder, name);
  }

  /** A call's result, unless it was refused. */
  static int check(int result) throws FailureException {
    if (result < 0) {
      throw HostErrno.failure(result);
    }
    return result;
  }
}
