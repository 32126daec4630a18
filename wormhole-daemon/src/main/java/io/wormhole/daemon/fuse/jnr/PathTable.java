package io.wormhole.daemon.fuse.jnr;

import io.wormhole.daemon.fuse.Attr;
import io.wormhole.daemon.fuse.Entry;
import io.wormhole.daemon.fuse.Errno;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.fuse.KernelFileSystem;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * From paths, which is how libfuse's callbacks name things, to inodes. libfuse keeps the kernel's
 * forgets to itself; so the table is bounded, and gives the longest unused inode back when it is
 * full, and all at the end. What was given back is looked up anew when its path comes again. Files
 * that are open stay.
 *
 * <p>Paths are absolute and hold a byte in each character (ISO-8859-1), so that any name is one.
 *
 * <p>Any thread may call. The file system is never called under the lock, but for forgets, which do
 * not wait.
 */
final class PathTable {
  /** What the kernel calls something, where it has not said so. */
  static final long UNKNOWN = 0;

  private static final String ROOT_PATH = "/";

  /** FUSE_ROOT_ID. */
  private static final long ROOT_KERNEL_NODE = 1;

  /** Of bytes in a name; the kernel lets longer ones through. */
  static final int NAME_MAX = 255;

  private static final Duration SETTLING = Duration.ofSeconds(10);

  /** How many open files are passed over in search of one to give back. */
  private static final int EVICTION_STEPS = 64;

  private final KernelFileSystem fileSystem;
  private final int limit;
  private final Predicate<Notice> changed;
  private final Runnable replaced;
  private final Set<String> settling = new HashSet<>();
  private final Map<String, Place> places = new LinkedHashMap<>(16, 0.75f, true);

  /** The same by inode: mostly one, more for hard links. */
  private final Map<Long, List<Place>> names = new HashMap<>();

  private final Place root = new Place(KernelFileSystem.ROOT, ROOT_PATH);

  /** An answer to a lookup; the place is held. */
  private record Found(Place place, Attr attr) {}

  /**
   * @param limit paths that are remembered; those of open files come on top
   * @param changed told of a file that is open and changed, so that its pages are over; whether the
   *     kernel will hear of it; called under the lock
   * @param replaced told in a lookup that its name has another inode than before, which must become
   *     another one for the kernel too; called under no lock
   */
  PathTable(KernelFileSystem fileSystem, int limit, Predicate<Notice> changed, Runnable replaced) {
    this.fileSystem = fileSystem;
    this.limit = limit;
    this.changed = changed;
    this.replaced = replaced;
    root.holds = 1;
    root.kernelNode = ROOT_KERNEL_NODE;
    names.put(root.node, List.of(root));
  }

  /**
   * The name's inode, asked anew; the kernel asks when what it remembers is over.
   *
   * @param kernelFolder what the kernel calls the folder
   */
  Attr lookup(String path, long kernelFolder) throws ErrnoException, InterruptedException {
    if (path.equals(ROOT_PATH)) {
      return fileSystem.getattr(KernelFileSystem.ROOT);
    }
    Found found = ask(path, kernelFolder, true);
    drop(found.place());
    return found.attr();
  }

  /**
   * Attributes, asked anew, of the inode that the kernel knows by the path.
   *
   * @param kernelNode what the kernel calls it
   */
  Attr getattr(String path, long kernelNode) throws ErrnoException, InterruptedException {
    if (path.equals(ROOT_PATH)) {
      return fileSystem.getattr(KernelFileSystem.ROOT);
    }
    Place place = hold(path, kernelNode);
    try {
      Attr attr = fileSystem.getattr(place.node);
      heard(place, attr);
      return attr;
    } finally {
      drop(place);
    }
  }

  /**
   * The inode that the kernel knows by the path, held; the caller drops it.
   *
   * @param kernelNode what the kernel calls it; {@link #UNKNOWN} if that is not told
   */
  Place hold(String path, long kernelNode) throws ErrnoException, InterruptedException {
    Place place = held(path);
    if (place == null) {
      place = ask(path, UNKNOWN, false).place();
    }
    // The root's number never changes, whatever a look from below at ".." may seem to say.
    if (kernelNode != UNKNOWN && place != root) {
      synchronized (this) {
        place.kernelNode = kernelNode;
      }
    }
    return place;
  }

  private synchronized @Nullable Place held(String path) {
    Place place = at(path);
    if (place != null) {
      place.holds++;
    }
    return place;
  }

  private @Nullable Place at(String path) {
    return path.equals(ROOT_PATH) ? root : places.get(path);
  }

  /** Lets go of an inode that was held. */
  synchronized void drop(Place place) {
    if (--place.holds == 0) {
      fileSystem.forget(place.node, place.lookups);
    }
  }

  /**
   * A file is opened; the caller holds its place.
   *
   * @return whether the pages that the kernel may have of it are of what it is now
   */
  synchronized boolean opened(Place place) {
    place.opens++;
    boolean same = place.pages != null && place.pages.equals(place.version);
    place.pages = place.version;
    return same;
  }

  /** What to tell the kernel of an inode that has changed, for each of its names. */
  synchronized List<Notice> noticesOfInode(long node) {
    List<Notice> notices = new ArrayList<>();
    for (Place place : names.getOrDefault(node, List.of())) {
      Place folder = place == root ? null : at(folder(place.path));
      if (folder != null && folder.kernelNode != UNKNOWN) {
        notices.add(new Notice(place.kernelNode, folder.kernelNode, name(place.path)));
      } else if (place.kernelNode != UNKNOWN) {
        notices.add(Notice.ofInode(place.kernelNode));
      }
    }
    return notices;
  }

  /** What to tell the kernel of a name in a folder, for each name of the folder's. */
  synchronized List<Notice> noticesOfName(long parent, String name) {
    return names.getOrDefault(parent, List.of()).stream()
        .filter(folder -> folder.kernelNode != UNKNOWN)
        .map(folder -> Notice.ofName(folder.kernelNode, name))
        .toList();
  }

  synchronized void closed(Place place) {
    place.opens--;
  }

  /** Gives everything back; no call comes after. */
  synchronized void clear() {
    List<Place> all = new ArrayList<>(places.values());
    places.clear();
    names.clear();
    all.forEach(this::drop);
  }

  /**
   * Asks what a name is now.
   *
   * @param kernelFolder what the kernel calls its folder; {@link #UNKNOWN} if that is not told
   * @param renew whether the kernel asked for that; else what it knows by the name stays
   */
  private Found ask(String path, long kernelFolder, boolean renew)
      throws ErrnoException, InterruptedException {
    byte[] name = name(path).getBytes(StandardCharsets.ISO_8859_1);
    if (name.length > NAME_MAX) {
      throw new ErrnoException(Errno.ENAMETOOLONG);
    }
    Place parent = hold(folder(path), kernelFolder);
    try {
      return learn(path, lookup(path, parent.node, name), renew);
    } finally {
      drop(parent);
    }
  }

  private Entry lookup(String path, long parent, byte[] name)
      throws ErrnoException, InterruptedException {
    try {
      return fileSystem.lookup(parent, name);
    } catch (ErrnoException e) {
      if (e.errno() == Errno.ENOENT) {
        gone(path);
      }
      throw e;
    }
  }

  /**
   * Takes an answer in; its place is held for the caller. While libfuse is being told that another
   * inode has the path, lookups of it wait; all else goes on with the former one, as libfuse waits
   * for that.
   */
  private Found learn(String path, Entry entry, boolean renew) {
    synchronized (this) {
      if (renew) {
        awaitSettled(path);
      }
      Place known = places.get(path);
      if (known == null) {
        return insert(path, entry);
      }
      if (known.node == entry.node()) {
        known.lookups++;
        known.holds++;
        heard(known, entry.attr());
        return new Found(known, entry.attr());
      }
      if (!renew) {
        known.holds++;
        fileSystem.forget(entry.node(), 1);
        return new Found(known, entry.attr());
      }
      settling.add(path);
    }
    try {
      replaced.run();
    } finally {
      synchronized (this) {
        settling.remove(path);
        notifyAll();
      }
    }
    synchronized (this) {
      return insert(path, entry);
    }
  }

  private Found insert(String path, Entry entry) {
    Place place = new Place(entry.node(), path);
    place.version = Place.Version.of(entry.attr());
    place.holds = 2;
    Place former = places.put(path, place);
    if (former != null) {
      removed(former);
    }
    names.merge(
        place.node,
        List.of(place),
        (some, one) -> Stream.concat(some.stream(), one.stream()).toList());
    evict();
    return new Found(place, entry.attr());
  }

  /** Waits while libfuse is being told of another inode at the path. */
  private void awaitSettled(String path) {
    boolean interrupted = false;
    long deadline = System.nanoTime() + SETTLING.toNanos();
    while (settling.contains(path) && System.nanoTime() - deadline < 0) {
      try {
        wait(SETTLING.toMillis());
      } catch (InterruptedException e) {
        interrupted = true;
        break;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** A name is no more; its inode stays known by it where it is open. */
  private synchronized void gone(String path) {
    Place known = places.get(path);
    if (known != null && known.opens == 0) {
      places.remove(path);
      removed(known);
    }
  }

  private void evict() {
    int steps = EVICTION_STEPS;
    for (Iterator<Place> eldest = places.values().iterator();
        places.size() > limit && steps > 0 && eldest.hasNext();
        steps--) {
      Place place = eldest.next();
      if (place.opens == 0) {
        eldest.remove();
        removed(place);
      }
    }
  }

  /** It is in the table no more. */
  private void removed(Place place) {
    names.computeIfPresent(
        place.node,
        (_, some) -> {
          List<Place> left = some.stream().filter(other -> other != place).toList();
          return left.isEmpty() ? null : left;
        });
    drop(place);
  }

  private static String folder(String path) {
    int slash = path.lastIndexOf('/');
    return slash == 0 ? ROOT_PATH : path.substring(0, slash);
  }

  private static String name(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }

  private synchronized void heard(Place place, Attr attr) {
    place.version = Place.Version.of(attr);
    if (place.opens > 0 && !place.version.equals(place.pages)) {
      // Else the pages stay any version's: to be told again, and not to be kept when it is opened.
      place.pages = changed.test(Notice.ofInode(place.kernelNode)) ? place.version : null;
    }
  }
}
