package io.wormhole.daemon.mount;

import com.google.protobuf.ByteString;
import io.wormhole.daemon.fuse.Attr;
import io.wormhole.daemon.fuse.DirectoryWriter;
import io.wormhole.daemon.fuse.Entry;
import io.wormhole.daemon.fuse.Errno;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.fuse.FileSystemFigures;
import io.wormhole.daemon.fuse.FileType;
import io.wormhole.daemon.fuse.KernelFileSystem;
import io.wormhole.daemon.fuse.KernelNotifier;
import io.wormhole.daemon.mount.FolderListings.Finding;
import io.wormhole.daemon.mount.Inode.Seen;
import io.wormhole.protocol.wire.message.FileSystem;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A share of another machine, as the kernel asks for it. Names and attributes come over the control
 * lane, bytes through the chunk cache. No lock is held while an answer is waited for.
 */
public final class RemoteFileSystem implements KernelFileSystem {
  private static final int BLOCK_BYTES = 4096;
  private static final int MAX_NAME_BYTES = 255;

  /** No program makes buffers of what a host claims beyond this. */
  private static final int MAX_BLOCK_BYTES = 16 << 20;

  /** What names of extended attributes begin with that are not the system's. */
  private static final byte[] USERS = "user.".getBytes(StandardCharsets.US_ASCII);

  /** Not listed: programs that copy attributes would copy it too. */
  private static final byte[] STATE = "user.wormhole.state".getBytes(StandardCharsets.US_ASCII);

  private static final int LONGEST_STATE =
      Arrays.stream(HostLink.State.values()).mapToInt(state -> shown(state).length).max().orElse(0);

  /** Open files past which none brings its first bytes: they would be 16 MiB of memory. */
  private static final int MAX_OPENING_BYTES = 1024;

  private final HostCalls host;
  private final ChunkSource chunks;
  private final MountSettings settings;
  private final Owner owner;
  private final InodeTable inodes;
  private final MetadataCache metadata;
  private final FolderListings listings;
  private final FilesAhead filesAhead;
  private final Map<Long, OpenFile> files = new ConcurrentHashMap<>();
  private final UnopenedFiles unopened;
  private final Map<Long, FolderHandle> folders = new ConcurrentHashMap<>();
  private final AtomicLong nextHandle = new AtomicLong(NO_HANDLE + 1);
  private volatile FileSystem lastFigures = FileSystem.getDefaultInstance();
  private volatile KernelNotifier notifier = new NobodyToTell();

  /** Whom the files belong to on this machine: the person who mounted. */
  public record Owner(int uid, int gid) {}

  private RemoteFileSystem(
      HostCalls host,
      ChunkSource chunks,
      MetadataCache metadata,
      MountSettings settings,
      Owner owner,
      Seen root) {
    this.host = host;
    this.chunks = chunks;
    this.settings = settings;
    this.owner = owner;
    this.metadata = metadata;
    this.inodes = new InodeTable(root, this::keep);
    this.listings = new FolderListings(host, metadata, settings);
    this.filesAhead = new FilesAhead(host, chunks, settings, listings);
    this.unopened = new UnopenedFiles(this::newFile, settings.unopenedFiles(), host::nowNanos);
  }

  /**
   * Waits for the host's root, and is a file system from then on.
   *
   * @throws ErrnoException if the host does not answer, or not with a folder
   */
  static RemoteFileSystem open(
      RootQuestion question,
      HostCalls host,
      ChunkSource chunks,
      MetadataCache metadata,
      MountSettings settings,
      Owner owner)
      throws ErrnoException, InterruptedException {
    Seen root = host.root(question);
    if (root.attributes().type() != FileType.DIRECTORY) {
      throw new ErrnoException(Errno.ENOTDIR);
    }
    return new RemoteFileSystem(host, chunks, metadata, settings, owner, root);
  }

  /** A file system that asks its host when that is there, and shows until then what is kept. */
  static RemoteFileSystem recalled(
      HostAttributes root,
      HostCalls host,
      ChunkSource chunks,
      MetadataCache metadata,
      MountSettings settings,
      Owner owner) {
    Seen old = new Seen(root, host.nowNanos() - 1);
    return new RemoteFileSystem(host, chunks, metadata, settings, owner, old);
  }

  /** Opening costs a reader nothing here: what he reads is opened at the host when it must be. */
  @Override
  public boolean needsOpens() {
    return false;
  }

  /** Who tells the kernel of what turns out to be gone. */
  void notifyThrough(KernelNotifier kernel) {
    notifier = kernel;
  }

  @Override
  public Entry lookup(long parent, byte[] name) throws ErrnoException, InterruptedException {
    Inode folder = inodes.get(parent);
    if (folder.type() != FileType.DIRECTORY) {
      throw new ErrnoException(Errno.ENOTDIR);
    }
    if (name.length > MAX_NAME_BYTES) {
      throw new ErrnoException(Errno.ENAMETOOLONG);
    }
    Seen seen = find(folder, ByteString.copyFrom(name));
    if (!FolderPages.isShown(seen.attributes(), folder.path().size())) {
      throw new ErrnoException(Errno.ENOENT);
    }
    return entry(folder, name, seen);
  }

  private Seen find(Inode folder, ByteString name) throws ErrnoException, InterruptedException {
    Finding finding = listings.find(folder, name);
    if (!finding.isKnown() && host.link().isOffline()) {
      finding = listings.recall(folder, name);
    }
    if (finding.isKnown()) {
      return finding.orAbsent();
    }
    listings.asking(folder, name);
    try {
      return ask(folder, name);
    } catch (ErrnoException failed) {
      if (failed.errno() == Errno.ENOENT) {
        throw ErrnoException.absent(settings.attributeLife());
      }
      if (host.hasGone(failed)) {
        Finding kept = listings.recall(folder, name);
        if (kept.isKnown()) {
          return kept.orAbsent();
        }
      }
      throw failed;
    }
  }

  /** Other bytes than those that were kept stand in a file. */
  private void keep(Inode changed) {
    changed
        .name()
        .ifPresent(name ->
            metadata.keep(
                changed.parent().identity(), ByteString.copyFrom(name), changed.attributes()));
  }

  private Seen ask(Inode folder, ByteString name) throws ErrnoException, InterruptedException {
    List<byte[]> path = new ArrayList<>(folder.path());
    path.add(name.toByteArray());
    Seen seen = host.attributesAt(path);
    if (!inodes.isAsSeen(folder, name, seen.attributes())) {
      metadata.keep(folder.identity(), name, seen.attributes());
    }
    return seen;
  }

  @Override
  public void forget(long node, long lookups) {
    if (inodes.forget(node, lookups)) {
      unopened.forget(node);
    }
  }

  @Override
  public Attr getattr(long node) throws ErrnoException, InterruptedException {
    Inode inode = inodes.get(node);
    if (inode.seen().remainingNanos(host.nowNanos()) <= 0 && !host.link().isOffline()) {
      try {
        inodes.told(inode, ask(inode));
      } catch (ErrnoException failed) {
        if (!host.hasGone(failed)) {
          throw failed;
        }
      }
    }
    return attr(inode.seen());
  }

  private Seen ask(Inode inode) throws ErrnoException, InterruptedException {
    try {
      List<byte[]> path = inode.path();
      Seen seen = host.attributesAt(path);
      if (seen.attributes().identity().equals(inode.identity())
          && seen.attributes().type() == inode.type()
          && FolderPages.isShown(seen.attributes(), path.size() - 1)) {
        return seen;
      }
      listings.drop(inode.parent());
      return askByHandle(inode, new ErrnoException(Errno.ESTALE));
    } catch (ErrnoException failed) {
      if (failed.errno() != Errno.ENOENT && failed.errno() != Errno.ENOTDIR) {
        throw failed;
      }
      listings.drop(inode.parent());
      // Whoever asks by the name is asked for it again, and told that there is none.
      return askByHandle(inode, new ErrnoException(Errno.ESTALE));
    }
  }

  /** A file without a name lives on in who has it open. */
  private Seen askByHandle(Inode inode, ErrnoException otherwise)
      throws ErrnoException, InterruptedException {
    HostFile open = anyOpen(inode);
    if (open == null) {
      throw otherwise;
    }
    return open.attributes(host.endNanos());
  }

  private @Nullable HostFile anyOpen(Inode inode) {
    return Stream.concat(files.values().stream(), unopened.of(inode).stream())
        .filter(file -> file.inode() == inode)
        .map(OpenFile::hostFile)
        .findFirst()
        .orElse(null);
  }

  @Override
  public byte[] readlink(long node) throws ErrnoException {
    Inode inode = inodes.get(node);
    if (inode.type() != FileType.SYMLINK) {
      throw new ErrnoException(Errno.EINVAL);
    }
    return inode.attributes().linkTarget().clone();
  }

  @Override
  public long open(long node) throws ErrnoException, InterruptedException {
    Inode inode = inodes.get(node);
    if (inode.type() != FileType.REGULAR) {
      throw new ErrnoException(inode.type() == FileType.DIRECTORY ? Errno.EISDIR : Errno.EINVAL);
    }
    OpenFile file = newFile(inode);
    try {
      file.open(wantsBytes(inode));
    } catch (ErrnoException failed) {
      noteStale(inode, failed);
      throw failed;
    }
    long handle = nextHandle.getAndIncrement();
    files.put(handle, file);
    return handle;
  }

  private OpenFile newFile(Inode inode) {
    return new OpenFile(inode, host, inodes, chunks, settings);
  }

  /** Another file stands where it stood, or none: who looks there again must not find it. */
  private void noteStale(Inode inode, ErrnoException failed) {
    if (failed.errno() == Errno.ESTALE || failed.errno() == Errno.ENOENT) {
      listings.drop(inode.parent());
      inode.name().ifPresent(name -> notifier.entry(inode.parent().node(), name));
    }
  }

  /** Whether a read is likely to follow an open: not where the kernel holds the file's pages. */
  private boolean wantsBytes(Inode inode) {
    return files.size() < MAX_OPENING_BYTES && inode.pages().isEmpty();
  }

  @Override
  public int read(long node, long handle, long offset, MemorySegment destination)
      throws ErrnoException, InterruptedException {
    if (handle == NO_HANDLE) {
      Inode inode = inodes.get(node);
      reading(inode, offset);
      return readUnopened(inode, offset, destination);
    }
    OpenFile file = files.get(handle);
    if (file == null) {
      throw new ErrnoException(Errno.EBADF);
    }
    reading(file.inode(), offset);
    return file.read(offset, destination);
  }

  private void reading(Inode file, long offset) {
    if (offset == 0) {
      filesAhead.reading(file);
    }
  }

  private int readUnopened(Inode inode, long offset, MemorySegment destination)
      throws ErrnoException, InterruptedException {
    if (inode.type() != FileType.REGULAR) {
      throw new ErrnoException(Errno.EINVAL);
    }
    try (UnopenedFiles.Use use = unopened.use(inode)) {
      return use.file().read(offset, destination);
    } catch (ErrnoException failed) {
      if (failed.errno() == Errno.ESTALE) {
        // It may come back, as after two renames: the next read looks again.
        unopened.forget(inode.node());
      }
      noteStale(inode, failed);
      throw failed;
    }
  }

  @Override
  public void release(long node, long handle) {
    OpenFile file = files.remove(handle);
    if (file != null) {
      file.close();
    }
  }

  @Override
  public long opendir(long node) throws ErrnoException {
    Inode inode = inodes.get(node);
    if (inode.type() != FileType.DIRECTORY) {
      throw new ErrnoException(Errno.ENOTDIR);
    }
    long handle = nextHandle.getAndIncrement();
    folders.put(handle, new FolderHandle(inode, listings, this::entry));
    return handle;
  }

  @Override
  public void readdir(long node, long handle, long offset, DirectoryWriter writer)
      throws ErrnoException, InterruptedException {
    FolderHandle folder = folders.get(handle);
    if (folder == null) {
      throw new ErrnoException(Errno.EBADF);
    }
    folder.read(offset, writer);
  }

  @Override
  public void releasedir(long node, long handle) {
    FolderHandle folder = folders.remove(handle);
    if (folder != null) {
      folder.close();
    }
  }

  @Override
  public FileSystemFigures statfs(long node) throws ErrnoException, InterruptedException {
    FileSystem figures = host.link().isOffline() ? lastFigures : host.fileSystem();
    lastFigures = figures;
    long block = figures.getBlockSize();
    return new FileSystemFigures(
        block > 0 && block <= MAX_BLOCK_BYTES ? (int) block : BLOCK_BYTES,
        figures.getBlocks(),
        figures.getBlocksFree(),
        figures.getBlocksAvailable(),
        figures.getFiles(),
        figures.getFilesFree(),
        MAX_NAME_BYTES);
  }

  @Override
  public byte[] getxattr(long node, byte[] name) throws ErrnoException {
    inodes.get(node);
    if (!Arrays.equals(name, STATE)) {
      throw new ErrnoException(isUsers(name) ? Errno.ENODATA : Errno.EOPNOTSUPP);
    }
    return shown(host.link().state());
  }

  /** The state may change between a program's question for its length and that for itself. */
  @Override
  public int xattrRoom(long node, byte[] name) throws ErrnoException {
    int now = getxattr(node, name).length;
    return Arrays.equals(name, STATE) ? LONGEST_STATE : now;
  }

  private static byte[] shown(HostLink.State state) {
    return state.name().toLowerCase(Locale.ROOT).getBytes(StandardCharsets.US_ASCII);
  }

  private static boolean isUsers(byte[] name) {
    return name.length >= USERS.length
        && Arrays.equals(name, 0, USERS.length, USERS, 0, USERS.length);
  }

  @Override
  public List<byte[]> listxattr(long node) throws ErrnoException {
    inodes.get(node);
    return List.of();
  }

  /**
   * A look of a pin at what stands at a path.
   *
   * @param disk null to look only
   */
  PinWalk pin(List<byte[]> path, PinWalk.@Nullable Disk disk) {
    return new PinWalk(host, chunks, metadata, path, disk);
  }

  /** Shows nothing of what is known, now or by another mount while the host is away. */
  void forget() {
    listings.dropAll();
    metadata.forgetRoot();
  }

  @Override
  public void destroyed() {
    files.values().forEach(OpenFile::close);
    files.clear();
    unopened.close();
    folders.values().forEach(FolderHandle::close);
    folders.clear();
  }

  private Entry entry(Inode parent, byte[] name, Seen seen) {
    Inode inode = inodes.lookedUp(parent, name, seen);
    Attr attr = attr(inode.seen());
    return new Entry(inode.node(), 0, attr, attr.validFor());
  }

  private Duration goodFor(Seen seen) {
    long leftNanos = seen.remainingNanos(host.nowNanos());
    if (leftNanos > 0) {
      return Duration.ofNanos(leftNanos);
    }
    return host.link().isOffline() ? FolderListings.OFFLINE_LIFE : Duration.ZERO;
  }

  private Attr attr(Seen seen) {
    HostAttributes host = seen.attributes();
    return new Attr(
        host.type(),
        host.identity().inode(),
        host.size(),
        host.blocks(),
        host.mode(),
        host.links(),
        owner.uid(),
        owner.gid(),
        BLOCK_BYTES,
        host.atime(),
        host.mtime(),
        host.ctime(),
        goodFor(seen));
  }

  /** Before there is a mount. */
  private static final class NobodyToTell implements KernelNotifier {
    @Override
    public boolean inode(long node) {
      return false;
    }

    @Override
    public boolean range(long node, long offset, long length) {
      return false;
    }

    @Override
    public boolean entry(long parent, byte[] name) {
      return false;
    }
  }
}
