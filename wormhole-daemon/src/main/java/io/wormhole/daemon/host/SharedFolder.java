package io.wormhole.daemon.host;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The only way to the host's file system: whatever path it is given and whatever is renamed
 * meanwhile, it reaches nothing but what stands below one folder, on that folder's own mount. It
 * follows no symbolic link and crosses no mount point, and looking at or opening a fifo, socket or
 * device neither waits nor does anything to it.
 *
 * <p>Any thread may call; calls may wait for the disk. Failures come out as {@link
 * FailureException} with what the peer is told.
 */
interface SharedFolder extends AutoCloseable {
  /** What stands at a path; of a link, the link. */
  Node look(RelativePath path) throws FailureException;

  /**
   * Opens a regular file for reading.
   *
   * @return the caller's to close
   * @throws FailureException also IS_A_FOLDER, and NOT_SERVED for anything else
   */
  OpenFile openFile(RelativePath path) throws FailureException;

  /**
   * Opens a folder for listing.
   *
   * @return the caller's to close
   * @throws FailureException also NOT_A_FOLDER, which a mount point is too
   */
  OpenFolder openFolder(RelativePath path) throws FailureException;

  /** The figures of the file system the folder stands on. */
  Capacity capacity() throws FailureException;

  /** Calls that are under way end as they would; later ones fail. */
  @Override
  void close();

  /** A file or folder kept open, whatever becomes of its name. Any thread may call. */
  interface Open extends AutoCloseable {
    FileStatus status() throws FailureException;

    /** Closes the descriptor once no call uses it any more. Does nothing the second time. */
    @Override
    void close();
  }

  /** A regular file. */
  interface OpenFile extends Open {
    /**
     * Reads until the destination is full or the file ends.
     *
     * @return bytes read
     */
    int read(long offset, MemorySegment destination) throws FailureException;

    /**
     * Returns when every write that was under way when this was called has ended, as far as the
     * file system can tell.
     *
     * @param offset below the file's size
     */
    void awaitWrites(long offset) throws FailureException;
  }

  /** A folder. Its entries are visited by one thread at a time. */
  interface OpenFolder extends Open {
    /**
     * Shows entries to the visitor, from where the last visit stopped, without {@code .} and {@code
     * ..} and without what vanished meanwhile. What is there throughout is shown once.
     *
     * @return whether the folder's end was reached
     */
    boolean visit(EntryVisitor visitor) throws FailureException;

    /** Behind the last entry that was visited; for {@link #seek}, in this process. */
    long position();

    /** Goes on from a {@link #position}, also one of an earlier opening of the same folder. */
    void seek(long position) throws FailureException;
  }

  /** Is shown the entries of a folder. */
  interface EntryVisitor {
    /**
     * One entry.
     *
     * @param name 1 to 255 bytes, the visitor's
     * @return whether to go on
     */
    boolean entry(byte[] name, Node node);
  }

  /**
   * What stands at a name.
   *
   * @param linkTarget of a link, else null; not to be written to
   */
  @SuppressWarnings("ArrayRecordComponent")
  record Node(FileStatus status, byte @Nullable [] linkTarget) {}

  /** The figures of a file system, as {@code statvfs} has them; sizes in units of blockBytes. */
  record Capacity(
      long id,
      long blockBytes,
      long blocks,
      long blocksFree,
      long blocksAvailable,
      long files,
      long filesFree,
      int nameMax) {}
}
