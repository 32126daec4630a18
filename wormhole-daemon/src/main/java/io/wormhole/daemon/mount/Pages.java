package io.wormhole.daemon.mount;

import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.mount.FolderPages.Item;
import java.util.List;

/** The entries of a folder, page after page, from the beginning to the end. Used by one thread. */
interface Pages {
  /** The next entries; empty at the end. */
  List<Item> next() throws ErrnoException, InterruptedException;

  /** Gives back what is held for it. Does not wait. */
  void close();
}
