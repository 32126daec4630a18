package io.wormhole.daemon.mount;

import io.wormhole.daemon.fuse.DirectoryWriter;
import io.wormhole.daemon.fuse.Entry;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.fuse.FileType;
import io.wormhole.daemon.mount.FolderPages.Item;
import io.wormhole.daemon.mount.Inode.Seen;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * An open folder. The kernel asks with the offset of an entry; offsets count entries, {@code .} and
 * {@code ..} first. Of a large folder only the pages last given are held, so a seek further back
 * than those lists it anew.
 */
final class FolderHandle {
  private static final byte[] DOT = {'.'};
  private static final byte[] DOT_DOT = {'.', '.'};
  private static final int DOTS = 2;

  /** Pages held for seeks: 8,192 entries at most. */
  private static final int PAGES_HELD = 8;

  private final Inode folder;
  private final FolderListings listings;
  private final EntryMaker entries;

  /**
   * Held while waiting for a page: the kernel sends one readdir at a time for a handle (it holds
   * the position of the open file), so nobody but its own caller ever waits here.
   */
  private final ReentrantLock oneCall = new ReentrantLock();

  private final Deque<List<Item>> held = new ArrayDeque<>();
  private Pages pages;
  private long firstHeld;
  private long endHeld;

  /** Makes the kernel's entry of what stands under a name: one more lookup of its node. */
  @FunctionalInterface
  interface EntryMaker {
    Entry entry(Inode parent, byte[] name, Seen seen);
  }

  FolderHandle(Inode folder, FolderListings listings, EntryMaker entries) {
    this.folder = folder;
    this.listings = listings;
    this.entries = entries;
    this.pages = listings.pages(folder);
  }

  void read(long offset, DirectoryWriter writer) throws ErrnoException, InterruptedException {
    oneCall.lockInterruptibly();
    try {
      fill(offset, writer);
    } finally {
      oneCall.unlock();
    }
  }

  void close() {
    pages.close();
  }

  private void fill(long offset, DirectoryWriter writer)
      throws ErrnoException, InterruptedException {
    long at = offset;
    if (at == 0) {
      startAnew();
      if (!writer.fits(DOT.length)) {
        return;
      }
      writer.add(DOT, folder.identity().inode(), FileType.DIRECTORY, ++at);
    }
    if (at == 1) {
      if (!writer.fits(DOT_DOT.length)) {
        return;
      }
      writer.add(DOT_DOT, folder.parent().identity().inode(), FileType.DIRECTORY, ++at);
    }
    long index = at - DOTS;
    if (index < firstHeld) {
      startAnew();
    }
    boolean wrote = false;
    while (true) {
      while (index >= endHeld) {
        // What there is goes out at once; the reader need not wait for a page to get it.
        if (wrote || !holdNextPage()) {
          return;
        }
      }
      for (Iterator<Item> items = heldFrom(index); items.hasNext(); ) {
        Item item = items.next();
        if (!writer.fits(item.name().size())) {
          return;
        }
        add(item, ++index + DOTS, writer);
        wrote = true;
      }
    }
  }

  private void add(Item item, long nextOffset, DirectoryWriter writer) {
    byte[] name = item.name().toByteArray();
    if (writer.wantsEntries()) {
      writer.add(name, entries.entry(folder, name, item.seen()), nextOffset);
    } else {
      HostAttributes attributes = item.seen().attributes();
      writer.add(name, attributes.identity().inode(), attributes.type(), nextOffset);
    }
  }

  private void startAnew() {
    pages.close();
    pages = listings.pages(folder);
    held.clear();
    firstHeld = 0;
    endHeld = 0;
  }

  private boolean holdNextPage() throws ErrnoException, InterruptedException {
    List<Item> page = pages.next();
    if (page.isEmpty()) {
      return false;
    }
    held.addLast(page);
    endHeld += page.size();
    if (held.size() > PAGES_HELD) {
      firstHeld += held.removeFirst().size();
    }
    return true;
  }

  private Iterator<Item> heldFrom(long index) {
    long start = firstHeld;
    for (List<Item> page : held) {
      if (index < start + page.size()) {
        return page.subList((int) (index - start), page.size()).iterator();
      }
      start += page.size();
    }
    return List.<Item>of().iterator();
  }
}
