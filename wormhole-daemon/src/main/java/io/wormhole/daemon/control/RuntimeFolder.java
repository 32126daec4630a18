package io.wormhole.daemon.control;

import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.Folders;
import io.wormhole.protocol.control.OwnFile;
import io.wormhole.protocol.control.PrivateFolder;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A running daemon's claim on its home: while it is open no other daemon of the same home runs. The
 * claim is a lock the kernel holds, so that a killed daemon leaves none.
 */
public final class RuntimeFolder implements AutoCloseable {
  private static final int PID_DIGITS_MAX = 20;

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
   * @throws ControlException if a daemon of this home runs already, a folder is not ours, or others
   *     can write what this home remembers
   */
  public static RuntimeFolder claim(Folders folders) throws ControlException, IOException {
    PrivateFolder.ensure(folders.run());
    PrivateFolder.create(folders.state());
    refuseWritable(folders.state());
    FileChannel lockFile =
        FileChannel.open(
            folders.daemonLock(),
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE);
    if (!lock(lockFile)) {
      String holder = holder(lockFile);
      lockFile.close();
      throw new ControlException(
          ErrorKind.DAEMON_UNAVAILABLE,
          "a daemon of this home runs already%s, and holds %s"
              .formatted(holder, folders.daemonLock()),
          "see wormhole daemon status");
    }
    lockFile.truncate(0);
    lockFile.write(ByteBuffer.wrap(ownPid().getBytes(StandardCharsets.US_ASCII)), 0);
    Files.deleteIfExists(folders.socket());
    Files.deleteIfExists(folders.pidFile());
    return new RuntimeFolder(folders, lockFile);
  }

  /** The folder, and every file that stands in it: they say whom this user trusts. */
  private static void refuseWritable(Path state) throws ControlException, IOException {
    OwnFile.refuseWritable(state);
    try (DirectoryStream<Path> files = Files.newDirectoryStream(state, Files::isRegularFile)) {
      for (Path file : files) {
        OwnFile.refuseWritable(file);
      }
    }
  }

  /** Which process has the lock, as it wrote into the file. */
  private static String holder(FileChannel lockFile) throws IOException {
    ByteBuffer text = ByteBuffer.allocate(PID_DIGITS_MAX);
    lockFile.read(text, 0);
    String pid = new String(text.array(), 0, text.position(), StandardCharsets.US_ASCII).strip();
    return pid.matches("\\d+") ? " as process " + pid : "";
  }

  private static String ownPid() {
    return ProcessHandle.current().pid() + "\n";
  }

  /** Where to listen. */
  public Path socket() {
    return folders.socket();
  }

  /** Says to the world which process it is; after the socket listens. */
  public void announce() throws IOException {
    Files.writeString(folders.pidFile(), ownPid());
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
