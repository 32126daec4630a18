package io.wormhole.daemon.host;

import io.wormhole.protocol.wire.message.FailureCode;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A shared folder without what its owners exclude. That is asked by path, before the file system
 * is: an excluded name is answered NOT_SERVED whether or not anything stands there, in a listing it
 * is neither shown nor counted, and what is open when it becomes excluded is STALE from then on.
 *
 * <p>A pattern for folders only hides no file. Of such a name a peer is told what stands there if
 * it is shown, and NOT_SERVED otherwise, so that a name that is free looks like one that is hidden.
 */
final class ExcludingFolder implements SharedFolder {
  /** A folder full of what is excluded makes short pages rather than long waits. */
  private static final int SKIPPED_IN_A_VISIT = 8192;

  private final SharedFolder folder;
  private final Excludes excludes;

  /** Takes over the folder. */
  ExcludingFolder(SharedFolder folder, Excludes excludes) {
    this.folder = folder;
    this.excludes = excludes;
  }

  @Override
  public Node look(RelativePath path) throws FailureException {
    List<ExcludeGlobs> owners = excludes.now();
    boolean asFile = Excludes.exclude(owners, path, false);
    boolean asFolder = Excludes.exclude(owners, path, true);
    if (!asFile && !asFolder) {
      return folder.look(path);
    }
    if (asFile && asFolder) {
      throw notServed();
    }
    Node node;
    try {
      node = folder.look(path);
    } catch (FailureException nothingThere) {
      throw notServed();
    }
    if (isFolder(node) ? asFolder : asFile) {
      throw notServed();
    }
    return node;
  }

  @Override
  public OpenFile openFile(RelativePath path) throws FailureException {
    List<ExcludeGlobs> owners = excludes.now();
    requireShown(owners, path, false);
    OpenFile file = folder.openFile(path);
    return new ShownFile(path, file, owners);
  }

  @Override
  public OpenFolder openFolder(RelativePath path) throws FailureException {
    List<ExcludeGlobs> owners = excludes.now();
    requireShown(owners, path, true);
    OpenFolder opened = folder.openFolder(path);
    return new ShownFolder(path, opened, owners);
  }

  @Override
  public Capacity capacity() throws FailureException {
    return folder.capacity();
  }

  @Override
  public void close() {
    folder.close();
  }

  /**
   * Of what will be opened as a file, or as a folder, and as nothing else.
   *
   * @throws FailureException if that is excluded, and what {@link #look} says if the other one is
   */
  private void requireShown(List<ExcludeGlobs> owners, RelativePath path, boolean asFolder)
      throws FailureException {
    boolean wanted = Excludes.exclude(owners, path, asFolder);
    boolean other = Excludes.exclude(owners, path, !asFolder);
    if (wanted && other) {
      throw notServed();
    }
    if (wanted || other) {
      look(path);
    }
    if (wanted) {
      throw new FailureException(
          asFolder ? FailureCode.FAILURE_CODE_NOT_A_FOLDER : FailureCode.FAILURE_CODE_IS_A_FOLDER);
    }
  }

  private static boolean isFolder(Node node) {
    return switch (node.status().kind()) {
      case FOLDER, MOUNT_POINT -> true;
      case REGULAR, LINK, SPECIAL -> false;
    };
  }

  private static FailureException notServed() {
    return new FailureException(FailureCode.FAILURE_CODE_NOT_SERVED);
  }

  /** Something open that is refused from when its path is excluded on. */
  private abstract class Shown<T extends Open> implements Open {
    final RelativePath path;
    final T open;
    private final boolean asFolder;

    /** Who was asked last. */
    private volatile List<ExcludeGlobs> asked;

    Shown(RelativePath path, T open, List<ExcludeGlobs> asked, boolean asFolder) {
      this.path = path;
      this.open = open;
      this.asked = asked;
      this.asFolder = asFolder;
    }

    /** What is excluded now. */
    List<ExcludeGlobs> check() throws FailureException {
      List<ExcludeGlobs> now = excludes.now();
      if (!now.equals(asked)) {
        if (Excludes.exclude(now, path, asFolder)) {
          throw new FailureException(FailureCode.FAILURE_CODE_STALE);
        }
        asked = now;
      }
      return now;
    }

    @Override
    public FileStatus status() throws FailureException {
      check();
      return open.status();
    }

    @Override
    public void close() {
      open.close();
    }
  }

  private final class ShownFile extends Shown<OpenFile> implements OpenFile {
    ShownFile(RelativePath path, OpenFile file, List<ExcludeGlobs> asked) {
      super(path, file, asked, false);
    }

    @Override
    public int read(long offset, MemorySegment destination) throws FailureException {
      check();
      return open.read(offset, destination);
    }

    @Override
    public void awaitWrites(long offset) throws FailureException {
      open.awaitWrites(offset);
    }
  }

  private final class ShownFolder extends Shown<OpenFolder> implements OpenFolder {
    ShownFolder(RelativePath path, OpenFolder folder, List<ExcludeGlobs> asked) {
      super(path, folder, asked, true);
    }

    @Override
    public boolean visit(EntryVisitor visitor) throws FailureException {
      List<ExcludeGlobs.Walk> walks =
          check().stream()
              .filter(globs -> !globs.isEmpty())
              .map(globs -> globs.below(path.joined()))
              .toList();
      return open.visit(walks.isEmpty() ? visitor : new Sieve(walks, visitor));
    }

    @Override
    public long position() {
      return open.position();
    }

    @Override
    public void seek(long position) throws FailureException {
      open.seek(position);
    }
  }

  /** Shows a visitor what is not excluded. */
  private static final class Sieve implements EntryVisitor {
    private final List<ExcludeGlobs.Walk> walks;
    private final EntryVisitor visitor;
    private int skipped;

    Sieve(List<ExcludeGlobs.Walk> walks, EntryVisitor visitor) {
      this.walks = walks;
      this.visitor = visitor;
    }

    @Override
    public boolean entry(byte[] name, Node node) {
      boolean folder = isFolder(node);
      for (ExcludeGlobs.Walk walk : walks) {
        if (walk.excludes(name, folder)) {
          return ++skipped < SKIPPED_IN_A_VISIT;
        }
      }
      return visitor.entry(name, node);
    }
  }
}
