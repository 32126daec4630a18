package io.wormhole.daemon.mount;

import com.google.protobuf.ByteString;
import io.wormhole.daemon.fuse.Errno;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.fuse.KernelFileSystem;
import io.wormhole.daemon.mount.HostAttributes.HostIdentity;
import io.wormhole.daemon.mount.Inode.Link;
import io.wormhole.daemon.mount.Inode.Seen;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/**
 * The inodes the kernel knows. A file has one node id as long as the kernel remembers it, with one
 * exception: when its bytes changed and its size and modification time did not, the kernel would go
 * on showing the pages it holds, so the file gets a new node id and new opens see no old page.
 *
 * <p>Invariants: every node in {@code byNode} but the root has a positive lookup count; every inode
 * in {@code byIdentity} is in {@code byNode}.
 */
final class InodeTable {
  private final Map<Long, Inode> byNode = new ConcurrentHashMap<>();
  private final Map<HostIdentity, Inode> byIdentity = new HashMap<>();
  private final Inode root;
  private final Consumer<Inode> changes;
  private long nextNode = KernelFileSystem.ROOT + 1;

  /**
   * @param changes is given each inode whose bytes turn out to be others; called under this table's
   *     lock, and must not wait
   */
  InodeTable(Seen rootSeen, Consumer<Inode> changes) {
    this.changes = changes;
    root = new Inode(KernelFileSystem.ROOT, rootSeen, null);
    byNode.put(root.node(), root);
    byIdentity.put(root.identity(), root);
  }

  /** The inode of a node id; ESTALE if the kernel was told to forget it. */
  Inode get(long node) throws ErrnoException {
    Inode inode = byNode.get(node);
    if (inode == null) {
      throw new ErrnoException(Errno.ESTALE);
    }
    return inode;
  }

  /** The inode that stands under a name, as the kernel is about to be told: one more lookup. */
  synchronized Inode lookedUp(Inode parent, byte[] name, Seen heard) {
    HostIdentity identity = heard.attributes().identity();
    Inode inode = byIdentity.get(identity);
    Seen seen = inode == null || !inode.seen().isLaterThan(heard) ? heard : inode.seen();
    if (inode == null
        || inode.type() != seen.attributes().type()
        || inode.pagesLieAbout(seen.attributes())) {
      inode = new Inode(nextNode++, seen, null);
      byIdentity.put(identity, inode);
      byNode.put(inode.node(), inode);
    }
    saw(inode, seen);
    inode.tell(seen.attributes());
    // A folder never stands below itself, whatever a host says: its path would have no end.
    if (inode != root && !isBelow(parent, inode)) {
      inode.linkedAt(new Link(parent, name));
    }
    if (inode != root) {
      inode.lookups++;
    }
    return inode;
  }

  private static boolean isBelow(Inode folder, Inode suspect) {
    for (Inode at = folder; ; at = at.parent()) {
      if (at == suspect) {
        return true;
      }
      if (at == at.parent()) {
        return false;
      }
    }
  }

  /** What the host says of an inode now, and the kernel is about to be told. */
  synchronized void told(Inode inode, Seen seen) {
    saw(inode, seen);
    inode.tell(seen.attributes());
  }

  /** What the host says of an inode now, while the kernel is told nothing. */
  synchronized void saw(Inode inode, Seen seen) {
    Optional<VersionToken> before = inode.attributes().version();
    inode.saw(seen);
    if (!inode.attributes().version().equals(before)) {
      changes.accept(inode);
    }
  }

  /** Bytes of a version are about to be given to the kernel. */
  synchronized void read(Inode inode, VersionToken version) {
    inode.read(version);
  }

  /** The kernel gives lookups back; true if it knows the node no more. */
  synchronized boolean forget(long node, long lookups) {
    Inode inode = byNode.get(node);
    if (inode == null || inode == root) {
      return false;
    }
    inode.lookups -= lookups;
    if (inode.lookups > 0) {
      return false;
    }
    byNode.remove(node);
    byIdentity.remove(inode.identity(), inode);
    return true;
  }

  /** Whether the kernel knows it by this name, and the host has said nothing newer of it. */
  synchronized boolean isAsSeen(Inode parent, ByteString name, HostAttributes attributes) {
    Inode inode = byIdentity.get(attributes.identity());
    return inode != null
        && inode.parent() == parent
        && inode.name().filter(known -> name.equals(ByteString.copyFrom(known))).isPresent()
        && !attributes.isNewerThan(inode.attributes());
  }

  Inode root() {
    return root;
  }

  /** Inodes the kernel has not forgotten, the root among them. */
  int size() {
    return byNode.size();
  }
}
