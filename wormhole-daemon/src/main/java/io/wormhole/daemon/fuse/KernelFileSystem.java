package io.wormhole.daemon.fuse;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A read-only file system as the kernel asks for it: by inode, in plain blocking calls. Names are
 * bytes, 1 to 255 of them. Calls come on many threads at once, some of them virtual; each may wait,
 * up to a deadline of the file system's own, and is interrupted when the kernel takes the request
 * back. Every mutation is answered EROFS before it gets here.
 */
public interface KernelFileSystem {
  /** The root's node id, which is never looked up and never forgotten. */
  long ROOT = 1;

  /** What a read brings as its handle where the file was not opened. */
  long NO_HANDLE = 0;

  /**
   * Whether a file has to be opened before it is read. Where not, a backend may have the kernel
   * leave opens out, which saves a round trip to it for each file: reads then bring {@link
   * #NO_HANDLE}, nothing is released, and what the file system keeps for a reader of a node it
   * keeps by the node.
   */
  default boolean needsOpens() {
    return true;
  }

  /**
   * The inode of a name in a folder; ENOENT if there is none, {@link ErrnoException#absent} if the
   * kernel may remember that. Where the kernel did not take the answer, the backend gives the
   * lookup back through {@link #forget}, as it does for every entry of a listing that was not
   * delivered.
   */
  Entry lookup(long parent, byte[] name) throws ErrnoException, InterruptedException;

  /** The kernel gives back so many lookups of a node. Does not wait. */
  void forget(long node, long lookups);

  /** Attributes of a node, now. */
  Attr getattr(long node) throws ErrnoException, InterruptedException;

  /** Target of a symbolic link. */
  byte[] readlink(long node) throws ErrnoException, InterruptedException;

  /**
   * Opens a file for reading. Pages the kernel holds of the node stay valid across opens: a version
   * they must not be served for needs a node of its own.
   *
   * @return the handle that reads and the release bring, not {@link #NO_HANDLE}; where the kernel
   *     did not take the answer, the backend releases it
   */
  long open(long node) throws ErrnoException, InterruptedException;

  /**
   * Reads.
   *
   * @param destination the reply's own buffer, as long as the kernel wants bytes; not to be touched
   *     once the call has returned
   * @return bytes read; fewer than wanted only at the end of the file
   */
  int read(long node, long handle, long offset, MemorySegment destination)
      throws ErrnoException, InterruptedException;

  /** The last descriptor of an open is gone. Does not wait. */
  void release(long node, long handle);

  /** Opens a folder; a handle that the kernel did not take is released by the backend. */
  long opendir(long node) throws ErrnoException, InterruptedException;

  /**
   * Fills one reply with entries, {@code .} and {@code ..} among them.
   *
   * @param offset 0 for the beginning (a listing made anew), else the {@code nextOffset} of an
   *     entry this handle gave before
   */
  void readdir(long node, long handle, long offset, DirectoryWriter writer)
      throws ErrnoException, InterruptedException;

  /** The last descriptor of a folder is gone. Does not wait. */
  void releasedir(long node, long handle);

  FileSystemFigures statfs(long node) throws ErrnoException, InterruptedException;

  /**
   * Value of an extended attribute; ENODATA if there is none of that name. EOPNOTSUPP says that
   * there are none of that kind: {@code ls -l} does not ask for those of further files. ENOSYS says
   * that no node has any, ever: the kernel does not ask again.
   */
  byte[] getxattr(long node, byte[] name) throws ErrnoException, InterruptedException;

  /**
   * Bytes that a program which asks for the length of a value should make room for. Who has a value
   * that may grow by itself answers its greatest length, so that it is not ERANGE a moment later.
   */
  default int xattrRoom(long node, byte[] name) throws ErrnoException, InterruptedException {
    return getxattr(node, name).length;
  }

  /** Names of a node's extended attributes; ENOSYS as in {@link #getxattr}. */
  List<byte[]> listxattr(long node) throws ErrnoException, InterruptedException;

  /**
   * The kernel is done with the file system and the last call has returned; no call comes after.
   * Lookups and handles that were not given back by now never are: the kernel sends neither forgets
   * nor releases for what is left at the end. Does not wait.
   */
  void destroyed();
}
