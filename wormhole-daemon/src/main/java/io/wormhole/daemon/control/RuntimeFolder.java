package io.wormhole.daemon.control;

import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.Folders;
import io.wormhole.protocol.control.PrivateFolder;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A running daemon's claim on its home: while it is open no other daemon of the same home runs. The
 * claim is a lock the kernel holds, so that a killed daemon leaves none.
 */
public final class RuntimeFolder implements AutoCloseable {
  private final Folders folders;
  private final FileChannel lockFile;

  private RuntimeFolder(Folders folders, FileChannel lockFile) {
    this.folders = folders;
    this.lockFile = lockFile;
  }

  /**
   * Claims the home: makes its state and run folders, locks, and clears a socket that a killed
   * daemon left.
   *
   * @throws ControlException if a daemon of this home runs already, or a folder is not ours
   */
  public static RuntimeFolder claim(Folders folders) throws ControlException, IOException {
    PrivateFolder.ensure(folders.run());
    PrivateFolder.create(folders.state());
    FileChannel lockFile =
        FileChannel.open(folders.daemonLock(), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    if (!lock(lockFile)) {
      lockFile.close();
      throw new ControlException(
          ErrorKind.DAEMON_UNAVAILABLE,
          "a daemon of this home runs already, and holds " + folders.daemonLock(),
          "see wormhole daemon status");
    }
    Files.deleteIfExists(folders.socket());
    Files.deleteIfExists(folders.pidFile());
    return new RuntimeFolder(folders, lockFile);
  }

  /** Where to listen. */
  public Path socket() {
    return folders.socket();
  }

  /** Says to the world which process it is; after the socket listens. */
  public void announce() throws IOException {
    Files.writeString(folders.pidFile(), ProcessHandle.current().pid() + "\n");
  }

  @Override
  public void close() throws IOException {
    try (lockFile) {
      Files.deleteIfExists(folders.pidFile());
      Files.deleteIfExists(folders.socket());
    }
  }

  private static boolean lock(FileChannel file) throws IOException {
    try {
      FileLock lock = file.tryLock();
      return lock != null;
    } catch (OverlappingFileLockException e) {
      return false;
    }
  }
}
