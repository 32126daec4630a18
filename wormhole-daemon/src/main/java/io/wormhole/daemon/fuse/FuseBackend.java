package io.wormhole.daemon.fuse;

/** A way to the kernel: mounts file systems. Any thread may call. */
public interface FuseBackend {
  /** What it is called: {@code device} or {@code jnr}. */
  String name();

  /**
   * Finds out whether this process can mount at all, before anything else is begun.
   *
   * @throws MountException if it cannot, of a kind that names what is missing; the message says
   *     what to install or to grant
   */
  void check() throws MountException;

  /**
   * Mounts; the mount answers when this returns. Must not be called from within a file system of
   * ours.
   *
   * @param fileSystem called from now on until {@link KernelFileSystem#destroyed}; not at all if
   *     this fails
   */
  KernelMount mount(MountOptions options, KernelFileSystem fileSystem)
      throws MountException, InterruptedException;
}
