package io.wormhole.daemon.mount;

import io.wormhole.daemon.fuse.FileType;
import io.wormhole.daemon.mount.HostAttributes.HostIdentity;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A file of the host under the node id that the kernel knows it by. What the host last said of it
 * and where it stands change; which file it is does not.
 *
 * <p>Everything changes under the lock of {@link InodeTable}; what is volatile is read anywhere.
 */
final class Inode {
  private final long node;
  private final HostIdentity identity;
  private final FileType type;
  private volatile @Nullable Link link;
  private volatile Seen seen;

  /** Lookups the kernel has not given back. */
  long lookups;

  /** What the kernel was told last. */
  HostAttributes told;

  /** The oldest version the kernel may hold pages of; null when it can hold none. */
  private volatile @Nullable VersionToken pages;

  /** One name of the file. A file with several is reached by the one used last. */
  @SuppressWarnings("ArrayRecordComponent")
  record Link(Inode parent, byte[] name) {}

  /**
   * What the host said, and until when it is good.
   *
   * @param goodUntilNanos on the file system's ticker
   */
  record Seen(HostAttributes attributes, long goodUntilNanos) {
    /** How much longer it is good, in nanoseconds; 0 or less when it is not. */
    long remainingNanos(long nowNanos) {
      return goodUntilNanos - nowNanos;
    }

    /** Whether the host said it after the other. */
    boolean isLaterThan(Seen other) {
      return goodUntilNanos - other.goodUntilNanos > 0;
    }
  }

  Inode(long node, Seen seen, @Nullable Link link) {
    this.node = node;
    this.identity = seen.attributes().identity();
    this.type = seen.attributes().type();
    this.seen = seen;
    this.told = seen.attributes();
    this.link = link;
  }

  long node() {
    return node;
  }

  HostIdentity identity() {
    return identity;
  }

  FileType type() {
    return type;
  }

  Seen seen() {
    return seen;
  }

  HostAttributes attributes() {
    return seen.attributes();
  }

  /** Takes what the host said later; an older answer that comes late is not taken. */
  void saw(Seen later) {
    if (!seen.isLaterThan(later)) {
      seen = later;
    }
  }

  /** Bytes of a version are about to be given to the kernel. */
  void read(VersionToken version) {
    if (pages == null) {
      pages = version;
    }
  }

  /** The oldest version the kernel may hold pages of; empty when it can hold none. */
  Optional<VersionToken> pages() {
    return Optional.ofNullable(pages);
  }

  void linkedAt(Link where) {
    link = where;
  }

  /** Has the kernel told of attributes; it drops its pages when it sees size or time move. */
  void tell(HostAttributes attributes) {
    if (attributes.kernelSeesChangeFrom(told)) {
      pages = null;
    }
    told = attributes;
  }

  /** Whether the kernel, told this version, would go on showing pages of another. */
  boolean pagesLieAbout(HostAttributes attributes) {
    VersionToken held = pages;
    return held != null
        && !attributes.kernelSeesChangeFrom(told)
        && !Optional.of(held).equals(attributes.version());
  }

  /** The folder it stands in; itself for the root. */
  Inode parent() {
    Link at = link;
    return at == null ? this : at.parent();
  }

  /** The name it stands under in that folder; none for the root. */
  Optional<byte[]> name() {
    return Optional.ofNullable(link).map(Link::name);
  }

  /** Names from the root down; none for the root. */
  List<byte[]> path() {
    Deque<byte[]> names = new ArrayDeque<>();
    for (Link at = link; at != null; at = at.parent().link) {
      names.addFirst(at.name());
    }
    return new ArrayList<>(names);
  }
}
