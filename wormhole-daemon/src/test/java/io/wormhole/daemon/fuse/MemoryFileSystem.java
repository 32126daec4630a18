package io.wormhole.daemon.fuse;

import static java.util.Objects.requireNonNull;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A file system in memory that keeps account of what the kernel holds: every lookup and every open
 * is balanced, no call names what was given back, none comes after the end. Names are keys in
 * ISO-8859-1, which holds any byte.
 */
public final class MemoryFileSystem implements KernelFileSystem {
  public static final Attr.Time LONG_AGO = new Attr.Time(-86_400 * 365, 123_456_789);

  /** Called before an operation; may wait or fail. */
  public interface Gate {
    void pass(Node node) throws ErrnoException, InterruptedException;
  }

  /** What a file holds. */
  public interface Content {
    byte at(long offset);
  }

  public static final Gate OPEN_GATE = node -> {};

  public volatile Gate readGate = OPEN_GATE;

  /** Bytes that the longest read has asked for. */
  public final AtomicLong longestRead = new AtomicLong();

  public volatile Gate lookupGate = OPEN_GATE;
  public volatile Gate getattrGate = OPEN_GATE;
  public volatile Gate listedGate = OPEN_GATE;
  public volatile boolean hasXattrs = true;
  public volatile int leastXattrRoom;
  private volatile boolean needsOpens = true;
  public final AtomicLong xattrsAsked = new AtomicLong();
  public volatile Duration validFor = Duration.ofSeconds(3);
  public final Queue<String> violations = new ConcurrentLinkedQueue<>();
  public final CountDownLatch destroyed = new CountDownLatch(1);
  public final AtomicLong lookups = new AtomicLong();

  private final Map<Long, Node> nodes = new ConcurrentHashMap<>();
  private final Map<Long, Object> handles = new ConcurrentHashMap<>();
  private final AtomicLong nextNode = new AtomicLong(ROOT);
  private final AtomicLong nextHandle = new AtomicLong(1);
  private final Object changed = new Object();
  public final Node root;

  /** An inode; built before the mount, or while nobody looks. Names may come and go at any time. */
  public final class Node {
    public final long id = nextNode.getAndIncrement();
    final FileType type;
    final Map<String, Node> children = new ConcurrentSkipListMap<>();
    final Map<String, byte[]> xattrs = new ConcurrentSkipListMap<>();
    final AtomicLong held = new AtomicLong();
    final AtomicLong opened = new AtomicLong();
    byte[] target = {};
    volatile Content content = offset -> 0;
    public volatile long size;
    int links = 1;
    int mode;
    int uid;
    int gid;
    volatile Attr.Time mtime = LONG_AGO;

    private Node(FileType type) {
      this.type = type;
      this.mode = type == FileType.DIRECTORY ? 0755 : 0644;
      nodes.put(id, this);
    }

    public Node directory(String name) {
      return link(name, new Node(FileType.DIRECTORY));
    }

    public Node file(String name, byte[] bytes) {
      return file(name, bytes.length, offset -> bytes[(int) offset]);
    }

    public Node file(String name, long size, Content content) {
      Node file = new Node(FileType.REGULAR);
      file.size = size;
      file.content = content;
      return link(name, file);
    }

    public Node symlink(String name, String target) {
      Node link = new Node(FileType.SYMLINK);
      link.target = target.getBytes(StandardCharsets.UTF_8);
      link.size = link.target.length;
      return link(name, link);
    }

    public Node link(String name, Node node) {
      children.put(name, node);
      return node;
    }

    public void unlink(String name) {
      requireNonNull(children.remove(name));
    }

    public Attr attr() {
      return new Attr(
          type,
          id + 1000,
          size,
          (size + 511) / 512,
          mode,
          links,
          uid,
          gid,
          4096,
          LONG_AGO,
          mtime,
          new Attr.Time(1_700_000_000, 999_999_999),
          validFor);
    }

    public Entry entry() {
      return new Entry(id, 0, attr(), validFor);
    }
  }

  @SuppressWarnings("ArrayRecordComponent")
  private record NamedNode(byte[] name, Node node) {}

  public MemoryFileSystem() {
    root = new Node(FileType.DIRECTORY);
  }

  MemoryFileSystem needingOpens(boolean needs) {
    needsOpens = needs;
    return this;
  }

  public static byte[] bytes(String name) {
    return name.getBytes(StandardCharsets.ISO_8859_1);
  }

  /** Waits until the kernel holds no node but the root and no handle. */
  public boolean awaitAllGivenBack(Duration time) throws InterruptedException {
    long deadline = System.nanoTime() + time.toNanos();
    synchronized (changed) {
      while (heldByKernel() > 0) {
        long millis = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
        if (millis <= 0) {
          return false;
        }
        changed.wait(millis);
      }
    }
    return true;
  }

  public long heldByKernel() {
    return nodes.values().stream().mapToLong(node -> node.held.get()).sum() + handles.size();
  }

  public int openHandles() {
    return handles.size();
  }

  @Override
  public Entry lookup(long parent, byte[] name) throws ErrnoException, InterruptedException {
    lookups.incrementAndGet();
    Node directory = node(parent);
    Node child = directory.children.get(new String(name, StandardCharsets.ISO_8859_1));
    if (child == null) {
      throw ErrnoException.absent(validFor);
    }
    lookupGate.pass(child);
    child.held.incrementAndGet();
    return child.entry();
  }

  @Override
  public void forget(long node, long count) {
    Node forgotten = nodes.get(node);
    if (forgotten == null || node == ROOT || forgotten.held.addAndGet(-count) < 0) {
      violations.add("forgotten more often than looked up: " + node);
    }
    tellChanged();
  }

  @Override
  public Attr getattr(long node) throws ErrnoException, InterruptedException {
    getattrGate.pass(node(node));
    return node(node).attr();
  }

  @Override
  public byte[] readlink(long node) {
    return node(node).target;
  }

  @Override
  public boolean needsOpens() {
    return needsOpens;
  }

  @Override
  public long open(long node) {
    check(needsOpens, "opened where no open is needed");
    node(node).opened.incrementAndGet();
    return handle(node(node));
  }

  @Override
  public int read(long node, long handle, long offset, MemorySegment destination)
      throws ErrnoException, InterruptedException {
    Node file = node(node);
    check(
        needsOpens ? handles.get(handle) == file : handle == NO_HANDLE,
        "read by a handle of another file");
    readGate.pass(file);
    longestRead.accumulateAndGet(destination.byteSize(), Math::max);
    int count = (int) Math.max(0, Math.min(destination.byteSize(), file.size - offset));
    for (int i = 0; i < count; i++) {
      destination.set(ValueLayout.JAVA_BYTE, i, file.content.at(offset + i));
    }
    return count;
  }

  @Override
  public void release(long node, long handle) {
    Node file = nodes.get(node);
    check(file != null && handles.remove(handle) == file, "released what was not open");
    check(file != null && file.opened.decrementAndGet() >= 0, "released more often than opened");
    tellChanged();
  }

  @Override
  public long opendir(long node) {
    return handle(new ArrayList<NamedNode>());
  }

  @Override
  @SuppressWarnings("unchecked")
  public void readdir(long node, long handle, long offset, DirectoryWriter writer)
      throws ErrnoException, InterruptedException {
    Node directory = node(node);
    List<NamedNode> listing = (List<NamedNode>) requireNonNull(handles.get(handle));
    if (offset == 0) {
      listing.clear();
      listing.add(new NamedNode(bytes("."), directory));
      listing.add(new NamedNode(bytes(".."), directory));
      directory.children.forEach((name, child) -> listing.add(new NamedNode(bytes(name), child)));
    }
    for (int i = (int) offset; i < listing.size(); i++) {
      NamedNode entry = listing.get(i);
      if (!writer.fits(entry.name().length)) {
        return;
      }
      if (writer.wantsEntries() && i >= 2) {
        entry.node().held.incrementAndGet();
        writer.add(entry.name(), entry.node().entry(), i + 1);
        listedGate.pass(entry.node());
      } else {
        Attr attr = entry.node().attr();
        writer.add(entry.name(), attr.inode(), attr.type(), i + 1);
      }
    }
  }

  @Override
  public void releasedir(long node, long handle) {
    check(handles.remove(handle) instanceof List, "released a folder that was not open");
    tellChanged();
  }

  @Override
  public FileSystemFigures statfs(long node) {
    return new FileSystemFigures(4096, 1L << 40, 1L << 39, 1L << 38, 1_000_000, 900_000, 255);
  }

  @Override
  public byte[] getxattr(long node, byte[] name) throws ErrnoException {
    xattrsAsked.incrementAndGet();
    if (!hasXattrs) {
      throw new ErrnoException(Errno.ENOSYS);
    }
    byte[] value = node(node).xattrs.get(new String(name, StandardCharsets.ISO_8859_1));
    if (value == null) {
      throw new ErrnoException(Errno.ENODATA);
    }
    return value;
  }

  @Override
  public int xattrRoom(long node, byte[] name) throws ErrnoException {
    return Math.max(leastXattrRoom, getxattr(node, name).length);
  }

  @Override
  public List<byte[]> listxattr(long node) {
    return node(node).xattrs.keySet().stream().map(MemoryFileSystem::bytes).toList();
  }

  @Override
  public void destroyed() {
    check(destroyed.getCount() == 1, "destroyed twice");
    destroyed.countDown();
  }

  private Node node(long id) {
    Node node = requireNonNull(nodes.get(id));
    check(destroyed.getCount() == 1, "called after the end");
    check(id == ROOT || node.held.get() > 0 || node.opened.get() > 0, "not looked up: " + id);
    return node;
  }

  private long handle(Object opened) {
    long handle = nextHandle.getAndIncrement();
    handles.put(handle, opened);
    return handle;
  }

  private void tellChanged() {
    synchronized (changed) {
      changed.notifyAll();
    }
  }

  private void check(boolean holds, String violation) {
    if (!holds) {
      violations.add(violation);
    }
  }
}
