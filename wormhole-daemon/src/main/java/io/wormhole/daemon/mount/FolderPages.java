package io.wormhole.daemon.mount;

import com.google.protobuf.ByteString;
import io.wormhole.daemon.fuse.Errno;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.fuse.FileType;
import io.wormhole.daemon.mount.Inode.Seen;
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
 */
final class FolderPages {
  /** One name and what stands there. */
  record Item(ByteString name, Seen seen) {}

  private final HostCalls host;
  private final Inode folder;
  private @Nullable CompletableFuture<Reply> next;
  private long askedNanos;
  private long hostHandle;
  private boolean begun;

  FolderPages(HostCalls host, Inode folder) {
    this.host = host;
    this.folder = folder;
  }

  /** The next page, checked; empty at the end. Names the mount does not show are left out. */
  List<Item> next() throws ErrnoException, InterruptedException {
    long endNanos = host.nowNanos() + host.deadline().toNanos();
    while (!atEnd()) {
      List<Item> items = nextPage();
      if (!items.isEmpty()) {
        return items;
      }
      // A page may be empty while others follow; not for ever.
      if (host.nowNanos() - endNanos > 0) {
        throw new ErrnoException(Errno.ETIMEDOUT);
      }
    }
    return List.of();
  }

  private List<Item> nextPage() throws ErrnoException, InterruptedException {
    long asked = next == null ? host.nowNanos() : askedNanos;
    FolderPage page = next == null ? host.list(folder.path()) : host.page(next);
    begun = true;
    next = null;
    hostHandle = page.getHandle();
    if (hostHandle != 0) {
      askedNanos = host.nowNanos();
      next = host.listMore(hostHandle);
    }
    return checked(host, folder, page, asked);
  }

  /** Whether everything has been given. */
  boolean atEnd() {
    return begun && next == null;
  }

  /** Gives back what the host holds for this listing. Does not wait. */
  void close() {
    if (hostHandle != 0) {
      host.close(hostHandle);
      hostHandle = 0;
    }
    next = null;
  }

  /** The entries of a page that came from the host, as good as when they were asked for. */
  static List<Item> checked(HostCalls host, Inode folder, FolderPage page, long asked)
      throws ErrnoException {
    if (page.getEntriesCount() > Limits.PAGE_ENTRIES) {
      throw Failures.toErrno(new WireException("a page of " + page.getEntriesCount() + " entries"));
    }
    int depth = folder.path().size();
    List<Item> items = new ArrayList<>(page.getEntriesCount());
    for (FolderEntry entry : page.getEntriesList()) {
      if (!EntryName.isValid(entry.getName())) {
        throw Failures.toErrno(new WireException("a listing with a name no file can have"));
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
