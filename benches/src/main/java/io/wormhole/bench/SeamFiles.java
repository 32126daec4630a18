package io.wormhole.bench;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.nio.charset.StandardCharsets.US_ASCII;

import io.wormhole.daemon.fuse.Attr;
import io.wormhole.daemon.fuse.DirectoryWriter;
import io.wormhole.daemon.fuse.Entry;
import io.wormhole.daemon.fuse.Errno;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.fuse.FileSystemFigures;
import io.wormhole.daemon.fuse.FileType;
import io.wormhole.daemon.fuse.KernelFileSystem;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

/**
 * A tree in memory that costs next to nothing to serve, so that what is measured is the way to it
 * from the kernel. {@code seam.c} is the same in C; nodes are numbered alike: the root's children
 * in order of their names, then the files of its folders.
 *
 * <ul>
 *   <li>{@code d00} to {@code d99}: folders of 100 files of 10 KiB, {@code f00} to {@code f99};
 *   <li>{@code many}: 1000 files of 10 KiB;
 *   <li>{@code big}: 1 GiB, a pattern that repeats;
 *   <li>{@code slow}: as big, each read takes 20 ms;
 *   <li>{@code changing}: when it was changed last, in nanoseconds of {@link System#nanoTime}.
 * </ul>
 */
final class SeamFiles implements KernelFileSystem {
  /** The node of {@code changing}. */
  static final long CHANGING = 3;

  private static final int BIG = 2;
  private static final int FIRST_FOLDER = 4;
  private static final int FOLDERS = 100;
  private static final int FILES_A_FOLDER = 100;
  private static final int MANY = FIRST_FOLDER + FOLDERS;
  private static final int SLOW = MANY + 1;
  private static final int FIRST_FILE = SLOW + 1;
  private static final int FIRST_OF_MANY = FIRST_FILE + FOLDERS * FILES_A_FOLDER;
  private static final int FILES_IN_MANY = 1000;
  private static final int NODES = FIRST_OF_MANY + FILES_IN_MANY;

  private static final long FILE_BYTES = 10 << 10;
  private static final long BIG_BYTES = 1L << 30;
  private static final Duration SLOW_READ = Duration.ofMillis(20);
  private static final int PERIOD_BYTES = 64 << 10;
  private static final int READ_BYTES_MAX = 1 << 20;
  private static final Duration VALID_FOR = Duration.ofSeconds(1);
  private static final long NANOS_A_SECOND = 1_000_000_000;
  private static final Attr.Time LONG_AGO = new Attr.Time(1_700_000_000, 0);
  private static final byte[] HERE = {'.'};
  private static final byte[] ABOVE = {'.', '.'};

  /** A node, and which nodes are its children, which are consecutive and in order of names. */
  @SuppressWarnings("ArrayRecordComponent")
  private record Node(byte[] name, Entry entry, int first, int count) {}

  /** What {@code changing} is now. */
  private record Version(MemorySegment text, Entry entry) {}

  private final boolean opens;
  private final Node[] nodes = new Node[NODES];
  private final MemorySegment pattern = Arena.global().allocate(PERIOD_BYTES + READ_BYTES_MAX);
  private volatile Version version;

  /**
   * @param opens whether files are opened before they are read, where a backend can do without
   */
  SeamFiles(boolean opens) {
    this.opens = opens;
    for (int i = 0; i < pattern.byteSize(); i++) {
      int at = i % PERIOD_BYTES;
      pattern.set(JAVA_BYTE, i, (byte) (at * 31 + (at >> 8)));
    }
    folder((int) ROOT, "", (int) ROOT + 1, FIRST_FILE - (int) ROOT - 1);
    file(BIG, "big", BIG_BYTES);
    for (int d = 0; d < FOLDERS; d++) {
      int first = FIRST_FILE + d * FILES_A_FOLDER;
      folder(FIRST_FOLDER + d, name('d', d, 2), first, FILES_A_FOLDER);
      for (int f = 0; f < FILES_A_FOLDER; f++) {
        file(first + f, name('f', f, 2), FILE_BYTES);
      }
    }
    folder(MANY, "many", FIRST_OF_MANY, FILES_IN_MANY);
    for (int f = 0; f < FILES_IN_MANY; f++) {
      file(FIRST_OF_MANY + f, name('m', f, 3), FILE_BYTES);
    }
    file(SLOW, "slow", BIG_BYTES);
    version = version(0);
    nodes[(int) CHANGING] = new Node("changing".getBytes(US_ASCII), version.entry(), 0, 0);
  }

  /** Changes {@code changing}; to tell the kernel is the caller's. Any thread. */
  void change(long nanoTime) {
    version = version(nanoTime);
  }

  @Override
  public boolean needsOpens() {
    return opens;
  }

  @Override
  public Entry lookup(long parent, byte[] name) throws ErrnoException {
    Node folder = node(parent);
    int low = folder.first();
    int high = folder.first() + folder.count() - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      int order = Arrays.compareUnsigned(nodes[middle].name(), name);
      if (order == 0) {
        return entry(middle);
      }
      if (order < 0) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    throw new ErrnoException(Errno.ENOENT);
  }

  @Override
  public void forget(long node, long lookups) {}

  @Override
  public Attr getattr(long node) throws ErrnoException {
    node(node);
    return entry((int) node).attr();
  }

  @Override
  public byte[] readlink(long node) throws ErrnoException {
    throw new ErrnoException(Errno.EINVAL);
  }

  @Override
  public long open(long node) {
    return NO_HANDLE + 1;
  }

  @Override
  public int read(long node, long handle, long offset, MemorySegment destination)
      throws ErrnoException, InterruptedException {
    if (node == CHANGING) {
      return copy(version.text(), offset, version.text().byteSize() - offset, destination);
    }
    if (node == SLOW) {
      Thread.sleep(SLOW_READ);
    }
    long left = node(node).entry().attr().size() - offset;
    return copy(pattern, offset % PERIOD_BYTES, left, destination);
  }

  @Override
  public void release(long node, long handle) {}

  @Override
  public long opendir(long node) {
    return 0;
  }

  @Override
  public void readdir(long node, long handle, long offset, DirectoryWriter writer)
      throws ErrnoException {
    Node folder = node(node);
    for (int at = (int) offset; at < folder.count() + 2; at++) {
      int child = at == 0 ? (int) node : at == 1 ? (int) ROOT : folder.first() + at - 2;
      byte[] name = at == 0 ? HERE : at == 1 ? ABOVE : nodes[child].name();
      if (!writer.fits(name.length)) {
        return;
      }
      Entry entry = entry(child);
      if (writer.wantsEntries() && at >= 2) {
        writer.add(name, entry, at + 1L);
      } else {
        writer.add(name, entry.attr().inode(), entry.attr().type(), at + 1L);
      }
    }
  }

  @Override
  public void releasedir(long node, long handle) {}

  @Override
  public FileSystemFigures statfs(long node) {
    return new FileSystemFigures(4096, 1 << 20, 0, 0, NODES, 0, 255);
  }

  @Override
  public byte[] getxattr(long node, byte[] name) throws ErrnoException {
    throw new ErrnoException(Errno.ENOSYS);
  }

  @Override
  public List<byte[]> listxattr(long node) throws ErrnoException {
    throw new ErrnoException(Errno.ENOSYS);
  }

  @Override
  public void destroyed() {}

  private Node node(long node) throws ErrnoException {
    if (node < ROOT || node >= NODES) {
      throw new ErrnoException(Errno.ESTALE);
    }
    return nodes[(int) node];
  }

  private Entry entry(int node) {
    return node == CHANGING ? version.entry() : nodes[node].entry();
  }

  private static int copy(MemorySegment from, long at, long left, MemorySegment to) {
    int count = (int) Math.max(0, Math.min(left, to.byteSize()));
    MemorySegment.copy(from, at, to, 0, count);
    return count;
  }

  private void folder(int node, String name, int first, int count) {
    nodes[node] =
        new Node(
            name.getBytes(US_ASCII),
            entry(node, FileType.DIRECTORY, 0, 0755, LONG_AGO),
            first,
            count);
  }

  private void file(int node, String name, long size) {
    nodes[node] =
        new Node(
            name.getBytes(US_ASCII), entry(node, FileType.REGULAR, size, 0644, LONG_AGO), 0, 0);
  }

  private static Version version(long nanoTime) {
    byte[] text = "%019d\n".formatted(nanoTime).getBytes(US_ASCII);
    Attr.Time mtime =
        new Attr.Time(
            Math.floorDiv(nanoTime, NANOS_A_SECOND), Math.floorMod(nanoTime, (int) NANOS_A_SECOND));
    return new Version(
        MemorySegment.ofArray(text), entry(CHANGING, FileType.REGULAR, text.length, 0644, mtime));
  }

  private static Entry entry(long node, FileType type, long size, int mode, Attr.Time mtime) {
    Attr attr =
        new Attr(
            type,
            node,
            size,
            (size + 511) / 512,
            mode,
            1,
            0,
            0,
            4096,
            LONG_AGO,
            mtime,
            LONG_AGO,
            VALID_FOR);
    return new Entry(node, 0, attr, VALID_FOR);
  }

  /** A letter and a number of so many digits. */
  private static String name(char letter, int number, int digits) {
    return letter + ("%0" + digits + "d").formatted(number);
  }
}
