package io.wormhole.daemon.fuse.jnr;

import io.wormhole.daemon.fuse.MountException;
import io.wormhole.daemon.fuse.MountException.Kind;
import jnr.ffi.LibraryLoader;
import ru.serce.jnrfuse.FuseStubFS;
import ru.serce.jnrfuse.struct.FuseOperations;

/**
 * libfuse 2 as jnr-fuse finds and binds it, and its table of operations. jnr-fuse's own callbacks
 * take paths as {@code String}, which mangles names that are not UTF-8, and its mount call runs
 * libfuse's own threads; so neither is used: {@link Callbacks} puts others into the table, {@link
 * Session} runs the loop.
 */
final class FuseLibrary extends FuseStubFS {
  private static final String NAME = "libfuse.so.2";

  private final LibFuse2 calls;

  private FuseLibrary() {
    calls = LibraryLoader.create(LibFuse2.class).failImmediately().load(NAME);
  }

  /**
   * Loads the library.
   *
   * @throws MountException of kind {@code NO_LIBRARY} if it is not there
   */
  static FuseLibrary load() throws MountException {
    try {
      return new FuseLibrary();
    } catch (LinkageError e) {
      throw new MountException(
          Kind.NO_LIBRARY,
          NAME
              + " cannot be loaded, which mounting by jnr-fuse needs. Run: apt-get install"
              + " libfuse2");
    }
  }

  LibFuse2 calls() {
    return calls;
  }

  /** The table of operations, one for all: libfuse copies it. */
  FuseOperations operations() {
    return fuseOperations;
  }
}
