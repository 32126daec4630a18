package io.wormhole.daemon.host;

import io.wormhole.protocol.wire.ShareId;
import java.time.Clock;
import java.util.List;

/**
 * A folder on offer. Holds one descriptor, of the folder itself, until it is closed. Any thread.
 */
public final class Share implements AutoCloseable {
  private final ShareId id;
  private final String name;
  private final ShareRoot root;
  private final byte[] salt;
  private final GroupHashCache hashes;
  private final Excludes excludes = new Excludes();
  private final SharedFolder folder;

  Share(ShareId id, String name, ShareRoot root, byte[] salt, GroupHashCache hashes) {
    this.id = id;
    this.name = name;
    this.root = root;
    this.salt = salt.clone();
    this.hashes = hashes;
    this.folder = new ExcludingFolder(root.folder(), excludes);
  }

  public ShareId id() {
    return id;
  }

  /** What peers call it. */
  public String name() {
    return name;
  }

  /** The folder's path without links; bytes that are no UTF-8 stand as {@code \xNN}. */
  public String directory() {
    return root.directory();
  }

  /** What of the folder is not shown: nothing, until somebody adds patterns. */
  public Excludes excludes() {
    return excludes;
  }

  /** Whether peers may write: not yet. */
  public boolean writable() {
    return false;
  }

  /**
   * Where other file systems were mounted below the folder when it was opened, as relative paths.
   * Peers see empty folders there.
   */
  public List<String> mountsBelow() {
    return root.mountsBelow();
  }

  /** Ends the share; close its sessions first. */
  @Override
  public void close() {
    folder.close();
  }

  SharedFolder folder() {
    return folder;
  }

  GroupHashCache hashes() {
    return hashes;
  }

  Versions versions(Clock clock) {
    return new Versions(salt, root.status().device(), clock);
  }
}
