package io.wormhole.daemon.fuse.jnr;

import jnr.ffi.types.intptr_t;
import jnr.ffi.types.off_t;
import jnr.ffi.types.size_t;
import jnr.ffi.types.u_int64_t;
import ru.serce.jnrfuse.struct.FuseOperations;

/**
 * What jnr-fuse leaves out of libfuse 2.9: a session loop of one's own ({@code fuse.h}, {@code
 * fuse_lowlevel.h}). Native code is bound by these names. Pointers are addresses.
 */
public interface LibFuse2 {
  /**
   * Mounts and makes the file system, or answers 0 and leaves nothing behind. ({@code fuse_mount}
   * and {@code fuse_new} would do by themselves, but the latter cannot be had by its name alone:
   * the library has several of it.) With {@code -f} it starts no process, and where the JVM has its
   * handlers it sets none for signals.
   *
   * @param arguments addresses of C strings
   * @param mountPointCell gets the address of a string, which the caller frees
   * @param multithreadedCell gets an {@code int}
   */
  @intptr_t
  long fuse_setup(
      int argumentCount,
      @intptr_t long arguments,
      FuseOperations operations,
      @size_t long operationsSize,
      @intptr_t long mountPointCell,
      @intptr_t long multithreadedCell,
      @intptr_t long userData);

  @intptr_t
  long fuse_get_session(@intptr_t long fuse);

  /** The session's first channel, if asked for the one after 0. */
  @intptr_t
  long fuse_session_next_chan(@intptr_t long session, @intptr_t long channel);

  @size_t
  long fuse_chan_bufsize(@intptr_t long channel);

  /** Waits for a request: its length, 0 at the end, or a negated error number. */
  int fuse_session_receive_buf(
      @intptr_t long session, @intptr_t long buffer, @intptr_t long channelCell);

  /** Deals with a request: calls back on this thread and replies. */
  void fuse_session_process_buf(
      @intptr_t long session, @intptr_t long buffer, @intptr_t long channel);

  /**
   * Drops the pages and attributes of an inode; waits for reads of it that are under way. A negated
   * error number if the kernel does not know it.
   */
  int fuse_lowlevel_notify_inval_inode(
      @intptr_t long channel, @u_int64_t long node, @off_t long offset, @off_t long length);

  /** Drops a name; waits for lookups in the folder that are under way. */
  int fuse_lowlevel_notify_inval_entry(
      @intptr_t long channel, @u_int64_t long folder, @intptr_t long name, @size_t long nameBytes);

  /** Closes the device and frees the channel; unmounts if the mount is still there. */
  void fuse_unmount(@intptr_t long mountPoint, @intptr_t long channel);

  void fuse_destroy(@intptr_t long fuse);

  /** The C library's. */
  void free(@intptr_t long memory);
}
