package io.wormhole.daemon.trust;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/**
 * A small file of the user's own that nobody else may read or write, in a folder nobody else may
 * write.
 *
 * <p>It is written under another name, made with its final permissions by the call that creates it,
 * and appears under its own name whole and on the disk, or not at all.
 */
record PrivateFile(Path path) {
  private static final FileAttribute<Set<PosixFilePermission>> OWNER_ONLY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
  private static final FileAttribute<Set<PosixFilePermission>> OWNER_ONLY_FOLDER =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
  private static final Set<PosixFilePermission> OTHERS_MAY_TOUCH =
      EnumSet.of(
          PosixFilePermission.GROUP_READ,
          PosixFilePermission.GROUP_WRITE,
          PosixFilePermission.OTHERS_READ,
          PosixFilePermission.OTHERS_WRITE);
  private static final Set<PosixFilePermission> OTHERS_MAY_WRITE =
      EnumSet.of(PosixFilePermission.GROUP_WRITE, PosixFilePermission.OTHERS_WRITE);

  /**
   * Makes the folder where it is missing, for its owner alone.
   *
   * @throws StateFileException if others may write to the folder that is there
   */
  void prepareFolder() throws IOException {
    Path folder = folder();
    Files.createDirectories(folder, OWNER_ONLY_FOLDER);
    PosixFileAttributes found = Files.readAttributes(folder, PosixFileAttributes.class);
    if (overlap(found, OTHERS_MAY_WRITE)) {
      throw new StateFileException(
          "other users may write to " + folder, "run: chmod 700 '" + folder + "'");
    }
  }

  /**
   * The content, or nothing where there is no such file.
   *
   * @throws StateFileException if others may read or write it, or if it is no file, or a larger one
   *     than {@code maxBytes}
   */
  Optional<byte[]> read(int maxBytes) throws IOException {
    PosixFileAttributes found;
    try {
      found = Files.readAttributes(path, PosixFileAttributes.class);
    } catch (NoSuchFileException missing) {
      return Optional.empty();
    }
    if (!found.isRegularFile()) {
      throw new StateFileException(path + " is not a file", "move it away");
    }
    if (overlap(found, OTHERS_MAY_TOUCH)) {
      throw new StateFileException(
          "other users may read or write " + path, "run: chmod 600 '" + path + "'");
    }
    if (found.size() > maxBytes) {
      throw new StateFileException(
          "%s has %d bytes, at most %d belong there".formatted(path, found.size(), maxBytes),
          "restore it from a backup, or move it away");
    }
    return Optional.of(Files.readAllBytes(path));
  }

  /**
   * Makes the file, unless there is one: whoever comes second changes nothing.
   *
   * @return whether this call made it
   */
  boolean create(byte[] content) throws IOException {
    Path written = write(content);
    try {
      Files.createLink(path, written);
      syncFolder();
      return true;
    } catch (FileAlreadyExistsException another) {
      return false;
    } finally {
      Files.delete(written);
    }
  }

  /** Makes the file, or puts the new content in the place of the old. */
  void replace(byte[] content) throws IOException {
    Path written = write(content);
    try {
      Files.move(written, path, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException failed) {
      Files.deleteIfExists(written);
      throw failed;
    }
    syncFolder();
  }

  private Path write(byte[] content) throws IOException {
    Path written =
        Files.createTempFile(folder(), "." + path.getFileName() + ".", ".new", OWNER_ONLY);
    try (FileChannel channel = FileChannel.open(written, StandardOpenOption.WRITE)) {
      ByteBuffer left = ByteBuffer.wrap(content);
      while (left.hasRemaining()) {
        channel.write(left);
      }
      channel.force(true);
      return written;
    } catch (IOException failed) {
      Files.deleteIfExists(written);
      throw failed;
    }
  }

  private void syncFolder() throws IOException {
    try (FileChannel channel = FileChannel.open(folder(), StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  private Path folder() {
    Path folder = path.getParent();
    if (folder == null) {
      throw new IllegalArgumentException(path + " stands in no folder");
    }
    return folder;
  }

  private static boolean overlap(PosixFileAttributes found, Set<PosixFilePermission> permissions) {
    return found.permissions().stream().anyMatch(permissions::contains);
  }
}
