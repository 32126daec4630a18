package io.wormhole.daemon.mount;

import com.google.protobuf.ByteString;
import io.wormhole.daemon.fuse.Errno;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.fuse.FileType;
import io.wormhole.daemon.mount.HostLink.Lanes;
import io.wormhole.daemon.mount.Inode.Seen;
import io.wormhole.daemon.transport.LaneException;
import io.wormhole.protocol.name.EntryName;
import io.wormhole.protocol.name.LinkTarget;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.WireException;
import io.wormhole.protocol.wire.message.FolderEntry;
import io.wormhole.protocol.wire.message.FolderPage;
import io.wormhole.protocol.wire.message.Reply;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A folder of the host, page after page, from the beginning to the end. The page after the one that
 * was given is already asked for. Used by one thread at a time.
 *
 * <p>When the lanes are lost in the middle the folder is listed anew, from behind the name that was
 * given last, or where that is gone from behind as many entries.
 */
final class FolderPages implements Pages {
  /** One name and what stands there. */
  record Item(ByteString name, Seen seen) {}

  private final HostCalls host;
  private final Inode folder;
  private @Nullable CompletableFuture<Reply> next;
  private long askedNanos;

  /** What the host holds for this listing; null before the first page and after the last. */
  private @Nullable Access listing;

  private boolean begun;
  private long given;
  private @Nullable ByteString lastName;

  /** Entries to leave out, up to {@code lastName} or as many as {@code given}. */
  private Skipping skipping = Skipping.NOTHING;

  private long skipped;

  private enum Skipping {
    NOTHING,
    UP_TO_NAME,
    BY_COUNT
  }

  FolderPages(HostCalls host, Inode folder) {
    this.host = host;
    this.folder = folder;
  }

  /** The next page, checked; empty at the end. Names the mount does not show are left out. */
  @Override
  public List<Item> next() throws ErrnoException, InterruptedException {
    long endNanos = host.endNanos();
    while (!atEnd()) {
      List<Item> items = unskipped(nextPage(endNanos));
      if (!items.isEmpty()) {
        given += items.size();
        lastName = items.getLast().name();
        return items;
      }
      if (atEnd() && skipping == Skipping.UP_TO_NAME) {
        listAnew(Skipping.BY_COUNT);
      }
      // A page may be empty while others follow; not for ever.
      if (host.nowNanos() - endNanos > 0) {
        throw new ErrnoException(Errno.ETIMEDOUT);
      }
    }
    return List.of();
  }

  private List<Item> nextPage(long endNanos) throws ErrnoException, InterruptedException {
    while (true) {
      Access before = listing;
      Lanes lanes = before == null ? host.link().await(endNanos) : before.lanes();
      long asked = next == null ? host.nowNanos() : askedNanos;
      CompletableFuture<Reply> answer = next == null ? host.list(lanes, folder.path()) : next;
      try {
        FolderPage page = host.page(lanes, answer);
        turnTo(lanes, page.getHandle());
        return checked(host, folder.path().size(), page, asked);
      } catch (LaneException lost) {
        listAnew(given == 0 ? Skipping.NOTHING : Skipping.UP_TO_NAME);
      }
    }
  }

  private void turnTo(Lanes lanes, long handle) {
    begun = true;
    next = null;
    listing = null;
    if (handle != 0) {
      Access more = new Access(lanes, handle);
      listing = more;
      askedNanos = host.nowNanos();
      next = host.listMore(more);
    }
  }

  private void listAnew(Skipping how) {
    close();
    begun = false;
    skipping = how;
    skipped = 0;
  }

  private List<Item> unskipped(List<Item> items) {
    return switch (skipping) {
      case NOTHING -> items;
      case UP_TO_NAME -> behindLastName(items);
      case BY_COUNT -> behindGiven(items);
    };
  }

  private List<Item> behindLastName(List<Item> items) {
    for (int i = 0; i < items.size(); i++) {
      if (items.get(i).name().equals(lastName)) {
        skipping = Skipping.NOTHING;
        return items.subList(i + 1, items.size());
      }
    }
    return List.of();
  }

  private List<Item> behindGiven(List<Item> items) {
    int leave = (int) Math.min(items.size(), given - skipped);
    skipped += leave;
    if (skipped == given) {
      skipping = Skipping.NOTHING;
    }
    return items.subList(leave, items.size());
  }

  /** Whether everything has been given. */
  boolean atEnd() {
    return begun && next == null;
  }

  /** Gives back what the host holds for this listing. Does not wait. */
  @Override
  public void close() {
    Access held = listing;
    if (held != null) {
      host.close(held);
      listing = null;
    }
    next = null;
  }

  /**
   * The entries of a page that came from the host, as good as when they were asked for.
   *
   * @param depth names of the folder's path
   */
  static List<Item> checked(HostCalls host, int depth, FolderPage page, long asked)
      throws ErrnoException {
    if (page.getEntriesCount() > Limits.PAGE_ENTRIES) {
      throw host.failures()
          .toErrno(new WireException("a page of " + page.getEntriesCount() + " entries"));
    }
    List<Item> items = new ArrayList<>(page.getEntriesCount());
    for (FolderEntry entry : page.getEntriesList()) {
      if (!EntryName.isValid(entry.getName())) {
        throw host.failures().toErrno(new WireException("a listing with a name no file can have"));
      }
      Seen seen = host.seen(entry.getAttributes(), asked);
      if (isShown(seen.attributes(), depth)) {
        items.add(new Item(entry.getName(), seen));
      }
    }
    return items;
  }

  /** What the host checked is checked again: no link leads out of the mount. */
  static boolean isShown(HostAttributes attributes, int depth) {
    return attributes.type() != FileType.SYMLINK
        || LinkTarget.isShown(attributes.linkTarget(), depth);
  }
}
