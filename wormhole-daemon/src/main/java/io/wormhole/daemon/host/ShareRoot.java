package io.wormhole.daemon.host;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.wormhole.daemon.host.ShareException.Kind;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * The folder a share is made of: opened, looked at, found fit.
 *
 * @param folder open; whoever holds this record closes it
 * @param directory its path without links, for a person and as a key
 * @param fileSystem number of the file system it stands on, the same after a restart
 * @param mountsBelow what is mounted below it and shown empty, relative paths
 */
record ShareRoot(
    SharedFolder folder,
    String directory,
    long fileSystem,
    FileStatus status,
    List<String> mountsBelow) {
  private static final byte[] ITSELF = {'.'};

  /**
   * Opens a folder that a person named. Links in its path are followed, once, here.
   *
   * @param path absolute
   */
  static ShareRoot open(String path) throws ShareException {
    byte[] bytes = path.getBytes(StandardCharsets.UTF_8);
    if (path.isEmpty() || path.indexOf('\0') >= 0 || bytes.length > LinuxCalls.PATH_MAX_BYTES) {
      throw missing(path);
    }
    try (CallFrame frame = new CallFrame()) {
      int number = openRoot(frame, path, bytes);
      SharedFolder folder = new OpenatFolder(new Descriptor(number));
      boolean fit = false;
      try {
        ShareRoot root = inspect(frame, path, number, folder);
        fit = true;
        return root;
      } catch (IOException | FailureException failure) {
        throw new ShareException(
            Kind.IO,
            "cannot share %s: looking at it failed (%s)".formatted(path, failure.getMessage()),
            "check that the disk answers and that /proc is mounted");
      } finally {
        if (!fit) {
          folder.close();
        }
      }
    }
  }

  private static ShareRoot inspect(CallFrame frame, String path, int number, SharedFolder folder)
      throws ShareException, FailureException, IOException {
    MountTable mounts = MountTable.read();
    // First of all and without a word to the file system: our own mount may wait for this process.
    requireForeign(path, NodeStatus.mountId(frame, number), mounts);
    requireListable(frame, path, number);
    FileStatus status = NodeStatus.of(frame, number);
    byte[] canonical = canonical(frame, number);
    long fileSystem = folder.capacity().id();
    return new ShareRoot(
        folder,
        PathText.of(canonical),
        // Some file systems have no number of their own.
        fileSystem == 0 ? status.device() : fileSystem,
        status,
        mounts.below(canonical));
  }

  private static void requireForeign(String path, long mountId, MountTable mounts)
      throws ShareException {
    if (mountId == 0) {
      throw unsupported(path);
    }
    boolean own =
        mounts.byId(mountId).map(mount -> mount.type().equals(MountTable.OWN_TYPE)).orElse(false);
    if (own) {
      throw new ShareException(
          Kind.OWN_MOUNT,
          "cannot share %s: it is itself mounted from a share".formatted(path),
          "share the folder on the machine that hosts it");
    }
  }

  /** The kernel's own idea of the path, which no rename between two look-ups can split. */
  private static byte[] canonical(CallFrame frame, int number) throws FailureException {
    byte[] link = ("/proc/self/fd/" + number).getBytes(StandardCharsets.US_ASCII);
    var target = frame.allocate(LinuxCalls.PATH_MAX_BYTES);
    int length =
        NodeStatus.check(
            LinuxCalls.readlinkat(frame.capture(), LinuxCalls.AT_FDCWD, frame.path(link), target));
    return target.asSlice(0, length).toArray(JAVA_BYTE);
  }

  private static int openRoot(CallFrame frame, String path, byte[] bytes) throws ShareException {
    int flags = LinuxCalls.O_PATH | LinuxCalls.O_DIRECTORY | LinuxCalls.O_CLOEXEC;
    int result = LinuxCalls.open(frame.capture(), frame.path(bytes), flags);
    if (result >= 0) {
      return result;
    }
    throw switch (-result) {
      case HostErrno.ENOENT, HostErrno.ENAMETOOLONG -> missing(path);
      case HostErrno.ENOTDIR ->
          new ShareException(
              Kind.NOT_A_FOLDER,
              "cannot share %s: it is not a folder".formatted(path),
              "give the folder that holds it");
      case HostErrno.EACCES, HostErrno.EPERM -> unreadable(path);
      default ->
          new ShareException(
              Kind.IO,
              "cannot share %s: opening it failed (errno %d)".formatted(path, -result),
              "check that the disk it stands on answers");
    };
  }

  private static void requireListable(CallFrame frame, String path, int number)
      throws ShareException {
    int flags = LinuxCalls.O_RDONLY | LinuxCalls.O_DIRECTORY;
    int result = ConfinedOpen.open(frame, number, ITSELF, flags);
    if (result >= 0) {
      frame.closeDescriptor(result);
      return;
    }
    throw switch (-result) {
      case HostErrno.EACCES -> unreadable(path);
      // EPERM is how filters of containers refuse a call they do not know.
      case HostErrno.ENOSYS, HostErrno.EPERM -> unsupported(path);
      default ->
          new ShareException(
              Kind.IO,
              "cannot share %s: listing it failed (errno %d)".formatted(path, -result),
              "check that the disk it stands on answers");
    };
  }

  private static ShareException missing(String path) {
    return new ShareException(
        Kind.MISSING,
        "cannot share %s: there is no such folder".formatted(path),
        "check the spelling, or make the folder first");
  }

  private static ShareException unreadable(String path) {
    return new ShareException(
        Kind.UNREADABLE,
        "cannot share %s: you may not read it".formatted(path),
        "ask its owner for read and search rights, or share another folder");
  }

  private static ShareException unsupported(String path) {
    return new ShareException(
        Kind.UNSUPPORTED,
        "cannot share %s: this system does not let openat2 keep peers inside it".formatted(path),
        "use Linux 5.8 or newer, or a container whose filter allows openat2");
  }
}
