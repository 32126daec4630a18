package io.wormhole.daemon.host;

import com.google.protobuf.ByteString;
import io.wormhole.daemon.host.SharedFolder.Node;
import io.wormhole.daemon.host.SharedFolder.OpenFolder;
import io.wormhole.protocol.name.EntryName;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.message.Attributes;
import io.wormhole.protocol.wire.message.FolderEntry;
import io.wormhole.protocol.wire.message.FolderPage;

/** A folder on its way to a peer, a page at a time; memory for one page is all it takes. */
final class FolderListing implements Handles.Handle {
  /** What a reply has beside its entries: ids, the folder's own attributes, lengths. */
  private static final int REST_OF_REPLY_BYTES = 1024;

  /** No entry is larger: name, link's target, some 160 bytes of numbers. */
  private static final int LARGEST_ENTRY_BYTES = Limits.NAME_BYTES + Limits.LINK_TARGET_BYTES + 256;

  private static final int PAGE_BYTES =
      Limits.REPLY_BYTES - REST_OF_REPLY_BYTES - LARGEST_ENTRY_BYTES;

  /** A folder full of what is not shown makes short pages rather than long waits. */
  private static final int ENTRIES_LOOKED_AT = 8 * Limits.PAGE_ENTRIES;

  private final RelativePath path;
  private final Hold<OpenFolder> hold;
  private final AttributeEncoder encoder;
  private long position;
  private int hidden;
  private boolean ended;

  FolderListing(RelativePath path, Hold<OpenFolder> hold, AttributeEncoder encoder) {
    this.path = path;
    this.hold = hold;
    this.encoder = encoder;
  }

  @Override
  public Hold<OpenFolder> hold() {
    return hold;
  }

  /**
   * The next page, its handle not yet set. Two callers at a time get two pages.
   *
   * @throws FailureException STALE when the folder is not held and another one stands there
   */
  synchronized FolderPage.Builder next() throws FailureException {
    try (Hold.Lease<OpenFolder> lease = hold.lease()) {
      OpenFolder folder = lease.open();
      if (lease.once()) {
        folder.seek(position);
      }
      Page page = new Page();
      if (!ended) {
        ended = folder.visit(page);
        position = folder.position();
      }
      if (ended) {
        page.message.setHidden(hidden);
      }
      return page.message;
    }
  }

  /** Whether the last page was made. */
  synchronized boolean ended() {
    return ended;
  }

  private final class Page implements SharedFolder.EntryVisitor {
    private final FolderPage.Builder message = FolderPage.newBuilder();
    private int bytes;
    private int lookedAt;

    @Override
    public boolean entry(byte[] name, Node node) {
      lookedAt++;
      Attributes attributes =
          path.admits(name) && EntryName.isValid(name)
              ? encoder.shown(node, path.depth() + 1)
              : null;
      if (attributes == null) {
        hidden++;
      } else {
        FolderEntry entry =
            FolderEntry.newBuilder()
                .setName(ByteString.copyFrom(name))
                .setAttributes(attributes)
                .build();
        message.addEntries(entry);
        // One byte of tag and at most three of length before each.
        bytes += entry.getSerializedSize() + 4;
      }
      return message.getEntriesCount() < Limits.PAGE_ENTRIES
          && bytes <= PAGE_BYTES
          && lookedAt < ENTRIES_LOOKED_AT;
    }
  }
}
