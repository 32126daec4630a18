package io.wormhole.daemon.host;

import java.lang.foreign.MemorySegment;

/** A regular file, opened for reading. */
final class OpenatFile implements SharedFolder.OpenFile {
  private final Descriptor file;

  /** Takes over the descriptor. */
  OpenatFile(Descriptor file) {
    this.file = file;
  }

  @Override
  public FileStatus status() throws FailureException {
    try (CallFrame frame = new CallFrame()) {
      int number = file.enter();
      try {
        return NodeStatus.of(frame, number);
      } finally {
        file.leave();
      }
    }
  }

  @Override
  public int read(long offset, MemorySegment destination) throws FailureException {
    try (CallFrame frame = new CallFrame()) {
      int number = file.enter();
      try {
        long length = destination.byteSize();
        long done = 0;
        while (done < length) {
          long result =
              LinuxCalls.pread(frame.capture(), number, destination.asSlice(done), offset + done);
          if (result == 0) {
            break;
          }
          if (result > 0) {
            done += result;
          } else if (result != -HostErrno.EINTR) {
            throw HostErrno.failure(result);
          }
        }
        return (int) done;
      } finally {
        file.leave();
      }
    }
  }

  /**
   * {@inheritDoc}
   *
   * <p>A {@code write(2)} stamps the file first and copies then, and readers of most file systems
   * do not wait for it: two equal stamps around a read do not tell that no write was half done.
   * Looking for data takes the inode's lock in ext4, btrfs, f2fs, tmpfs and overlayfs, which a
   * buffered write holds from its stamp to its last byte; XFS makes each read wait by itself. A
   * file system that cannot look for data says so at once and is not the worse for it.
   */
  @Override
  public void awaitWrites(long offset) throws FailureException {
    try (CallFrame frame = new CallFrame()) {
      int number = file.enter();
      try {
        LinuxCalls.seekData(frame.capture(), number, offset);
      } finally {
        file.leave();
      }
    }
  }

  @Override
  public void close() {
    file.close();
  }
}
