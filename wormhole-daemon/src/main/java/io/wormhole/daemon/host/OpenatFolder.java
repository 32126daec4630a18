package io.wormhole.daemon.host;

import static io.wormhole.daemon.host.LinuxCalls.O_DIRECTORY;
import static io.wormhole.daemon.host.LinuxCalls.O_NOCTTY;
import static io.wormhole.daemon.host.LinuxCalls.O_NONBLOCK;
import static io.wormhole.daemon.host.LinuxCalls.O_PATH;
import static io.wormhole.daemon.host.LinuxCalls.O_RDONLY;
import static io.wormhole.daemon.host.NodeStatus.check;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.wormhole.protocol.wire.message.FailureCode;
import java.lang.foreign.MemorySegment;

/**
 * A shared folder on Linux 5.8 or newer. The root is opened once, without rights to read; every
 * path is resolved from that descriptor by the kernel in one {@link ConfinedOpen}, so no rename and
 * no swapped link between check and use leads out of it.
 */
final class OpenatFolder implements SharedFolder {
  private static final byte[] ITSELF = {'.'};

  private final Descriptor root;

  /**
   * Takes over the root.
   *
   * @param root an O_PATH descriptor of a folder
   */
  OpenatFolder(Descriptor root) {
    this.root = root;
  }

  @Override
  public Node look(RelativePath path) throws FailureException {
    try (CallFrame frame = new CallFrame()) {
      int entry = open(frame, path, O_PATH);
      if (entry == -HostErrno.EXDEV && !path.isRoot()) {
        return new Node(mountPoint(frame, path), null);
      }
      try {
        return NodeStatus.node(frame, check(entry));
      } finally {
        closeIfOpen(frame, entry);
      }
    }
  }

  @Override
  public OpenFile openFile(RelativePath path) throws FailureException {
    requireFile(look(path).status());
    try (CallFrame frame = new CallFrame()) {
      // What was looked at may have been replaced since, by a fifo for one: so without waiting,
      // and looked at again.
      int number = check(open(frame, path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
      Descriptor file = new Descriptor(number);
      boolean ours = false;
      try {
        requireFile(NodeStatus.of(frame, number));
        ours = true;
        return new OpenatFile(file);
      } finally {
        if (!ours) {
          file.close();
        }
      }
    }
  }

  @Override
  public OpenFolder openFolder(RelativePath path) throws FailureException {
    try (CallFrame frame = new CallFrame()) {
      int result = open(frame, path, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_NOCTTY);
      if (result == -HostErrno.EXDEV && !path.isRoot()) {
        mountPoint(frame, path);
        throw new FailureException(FailureCode.FAILURE_CODE_NOT_A_FOLDER);
      }
      return new OpenatDirectory(new Descriptor(check(result)));
    }
  }

  @Override
  public Capacity capacity() throws FailureException {
    try (CallFrame frame = new CallFrame()) {
      MemorySegment figures = frame.status();
      int folder = root.enter();
      try {
        check(LinuxCalls.fstatfs(frame.capture(), folder, figures));
      } finally {
        root.leave();
      }
      long blockBytes = figures.get(JAVA_LONG, 8);
      long fragmentBytes = figures.get(JAVA_LONG, 72);
      return new Capacity(
          figures.get(JAVA_LONG, 56),
          fragmentBytes == 0 ? blockBytes : fragmentBytes,
          figures.get(JAVA_LONG, 16),
          figures.get(JAVA_LONG, 24),
          figures.get(JAVA_LONG, 32),
          figures.get(JAVA_LONG, 40),
          figures.get(JAVA_LONG, 48),
          figures.get(JAVA_INT, 64));
    }
  }

  @Override
  public void close() {
    root.close();
  }

  private static void requireFile(FileStatus status) throws FailureException {
    switch (status.kind()) {
      case REGULAR -> {}
      case FOLDER, MOUNT_POINT -> throw new FailureException(FailureCode.FAILURE_CODE_IS_A_FOLDER);
      case LINK, SPECIAL -> throw new FailureException(FailureCode.FAILURE_CODE_NOT_SERVED);
    }
  }

  private FileStatus mountPoint(CallFrame frame, RelativePath path) throws FailureException {
    int parent = open(frame, path.parent(), O_PATH | O_DIRECTORY);
    try {
      return NodeStatus.mountPoint(frame, check(parent), path.name());
    } finally {
      closeIfOpen(frame, parent);
    }
  }

  /** A new descriptor, or a negated errno. */
  private int open(CallFrame frame, RelativePath path, int flags) throws FailureException {
    int folder = root.enter();
    try {
      if (path.isRoot()) {
        return ConfinedOpen.open(frame, folder, ITSELF, flags);
      }
      if (path.bytes() <= LinuxCalls.PATH_MAX_BYTES) {
        return ConfinedOpen.open(frame, folder, path.joined(), flags);
      }
      // One byte more than the kernel takes at once.
      int parent = ConfinedOpen.open(frame, folder, path.parent().joined(), O_PATH | O_DIRECTORY);
      try {
        return parent < 0 ? parent : ConfinedOpen.open(frame, parent, path.name(), flags);
      } finally {
        closeIfOpen(frame, parent);
      }
    } finally {
      root.leave();
    }
  }

  private static void closeIfOpen(CallFrame frame, int descriptor) {
    if (descriptor >= 0) {
      frame.closeDescriptor(descriptor);
    }
  }
}
