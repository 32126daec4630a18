package io.wormhole.daemon.mount;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.wormhole.cache.ChunkCache;
import io.wormhole.cache.disk.DiskTier;
import io.wormhole.daemon.fuse.Attr;
import io.wormhole.daemon.fuse.DirectoryWriter;
import io.wormhole.daemon.fuse.Entry;
import io.wormhole.daemon.fuse.Errno;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.fuse.FileType;
import io.wormhole.daemon.fuse.KernelFileSystem;
import io.wormhole.daemon.mount.FolderPages.Item;
import io.wormhole.daemon.mount.HostAttributes.HostIdentity;
import io.wormhole.daemon.mount.Inode.Seen;
import io.wormhole.daemon.mount.RemoteFileSystem.Owner;
import io.wormhole.daemon.transport.CloseReason;
import io.wormhole.protocol.hash.Blake3;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A share whose host is away, as it is shown from what is kept of it. */
@Timeout(30)
class OfflineFileSystemTest {
  private static final CachedShare SHARE = new CachedShare(1, 2);
  private static final HostIdentity ROOT = new HostIdentity(1, 0);
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final Blake3 BLAKE3 = Blake3.plain();

  @TempDir Path temp;
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
  private final CompletableFuture<HostLink.Lanes> dial = new CompletableFuture<>();
  private ChunkCache cache;
  private @Nullable HostLink link;

  @BeforeEach
  void open() throws IOException {
    cache = new ChunkCache(ChunkCache.DEFAULT_LIMIT_BYTES, BLAKE3, Runnable::run);
    cache.attach(DiskTier.open(temp.resolve("l2"), 64 << 20, 0, BLAKE3, Clock.systemUTC()));
  }

  @AfterEach
  void close() {
    if (link != null) {
      link.close();
    }
    cache.close();
    timer.shutdownNow();
  }

  private static HostAttributes attributes(
      FileType type, HostIdentity identity, long size, long changed, String target) {
    return new HostAttributes(
        type,
        identity,
        0755,
        1,
        size,
        1,
        new Attr.Time(changed, 0),
        new Attr.Time(changed, 0),
        new Attr.Time(changed, 0),
        type == FileType.REGULAR
            ? Optional.of(new VersionToken(changed, changed))
            : Optional.empty(),
        false,
        target.getBytes(StandardCharsets.UTF_8));
  }

  private static HostAttributes file(long size, long changed) {
    return attributes(FileType.REGULAR, new HostIdentity(5, 0), size, changed, "");
  }

  private static Item link(String name, long inode, String target) {
    return item(name, attributes(FileType.SYMLINK, new HostIdentity(inode, 0), 1, 1, target));
  }

  private static Item item(String name, HostAttributes attributes) {
    return new Item(ByteString.copyFromUtf8(name), new Seen(attributes, 0));
  }

  private MetadataCache metadata() {
    return new MetadataCache(cache, SHARE, BLAKE3);
  }

  private void wasListed(Item... items) throws IOException {
    metadata().keepRoot(attributes(FileType.DIRECTORY, ROOT, 10, 1, ""));
    MetadataCache.Writer listing = metadata().write(ROOT);
    var _ = listing.add(List.of(items));
    assertThat(listing.complete()).succeedsWithin(SOON);
  }

  /** As a daemon that is started. */
  private RemoteFileSystem mounted() throws IOException, InterruptedException {
    cache.close();
    open();
    HostLink away = HostLink.away(_ -> dial, timer, System::nanoTime, "nobody answers");
    link = away;
    RemoteShare.Kept kept = RemoteShare.kept(cache, BLAKE3, SHARE).orElseThrow();
    return (RemoteFileSystem)
        RemoteShare.open(kept, away, MountSettings.DEFAULTS, new Owner(0, 0), System::nanoTime)
            .fileSystem();
  }

  private static Entry lookup(RemoteFileSystem files, String name) throws Exception {
    return files.lookup(KernelFileSystem.ROOT, name.getBytes(StandardCharsets.UTF_8));
  }

  private static void assertErrno(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable call, Errno errno) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            ErrnoException.class, failed -> assertThat(failed.errno()).isEqualTo(errno));
  }

  private static List<String> names(RemoteFileSystem files, long folder) throws Exception {
    List<String> names = new ArrayList<>();
    long handle = files.opendir(folder);
    files.readdir(
        folder,
        handle,
        0,
        new DirectoryWriter() {
          @Override
          public boolean wantsEntries() {
            return true;
          }

          @Override
          public boolean fits(int nameBytes) {
            return true;
          }

          @Override
          public void add(byte[] name, long inode, FileType type, long nextOffset) {
            names.add(new String(name, StandardCharsets.UTF_8));
          }

          @Override
          public void add(byte[] name, Entry entry, long nextOffset) {
            names.add(new String(name, StandardCharsets.UTF_8));
          }
        });
    files.releasedir(folder, handle);
    return names;
  }

  @Test
  void whatWasSeenOfANameLaterCounts() throws Exception {
    wasListed(item("later", file(1, 10)), item("earlier", file(3, 30)));
    metadata().keep(ROOT, ByteString.copyFromUtf8("later"), file(2, 20));
    metadata().keep(ROOT, ByteString.copyFromUtf8("earlier"), file(1, 10));
    metadata().keep(ROOT, ByteString.copyFromUtf8("unlisted"), file(4, 40));
    RemoteFileSystem files = mounted();
    assertThat(lookup(files, "later").attr().size()).isEqualTo(2);
    files.forget(lookup(files, "later").node(), 2);
    assertThat(lookup(files, "earlier").attr().size()).isEqualTo(3);
    assertErrno(() -> lookup(files, "never"), Errno.ENOENT);
    assertThat(lookup(files, "later").validFor()).isEqualTo(FolderListings.OFFLINE_LIFE);
  }

  @Test
  void aLinkThatLeadsOutWhereItsFolderStandsNowIsNotShown() throws Exception {
    wasListed(link("in", 6, "film"), link("out", 7, "../secret"), item("film", file(1, 1)));
    RemoteFileSystem files = mounted();
    assertThat(names(files, KernelFileSystem.ROOT)).containsExactly(".", "..", "in", "film");
    assertErrno(() -> lookup(files, "out"), Errno.ENOENT);
    assertThat(lookup(files, "in").attr().type()).isEqualTo(FileType.SYMLINK);
  }

  @Test
  void whatWasNeverSeenFailsAtOnce() throws Exception {
    metadata().keepRoot(attributes(FileType.DIRECTORY, ROOT, 10, 1, ""));
    assertThat(RemoteShare.kept(cache, BLAKE3, SHARE)).isEmpty();
    wasListed(item("unseen", attributes(FileType.DIRECTORY, new HostIdentity(9, 0), 1, 1, "")));
    RemoteFileSystem files = mounted();
    long unseen = lookup(files, "unseen").node();
    assertErrno(() -> files.lookup(unseen, new byte[] {'x'}), Errno.EIO);
    assertErrno(() -> names(files, unseen), Errno.EIO);
    assertThat(files.getattr(KernelFileSystem.ROOT).size()).isEqualTo(10);
    assertThat(files.statfs(KernelFileSystem.ROOT).blocks()).isZero();
  }

  @Test
  void whoWaitsInVainForAHostThatFellSilentIsShownWhatIsKept() throws Exception {
    MountSettings hasty =
        new MountSettings(
            Duration.ofMillis(1), Duration.ofMillis(200), 32, 1000, 8, Duration.ofMillis(5));
    ScriptedHost host = new ScriptedHost().with("film", new byte[7]);
    HostLink.Lanes lanes = new HostLink.Lanes(host, host);
    link = new HostLink(lanes, _ -> dial, timer, System::nanoTime);
    RemoteFileSystem files =
        (RemoteFileSystem)
            RemoteShare.open(
                    RootQuestion.ask(host, System::nanoTime),
                    link,
                    cache,
                    BLAKE3,
                    SHARE,
                    hasty,
                    new Owner(0, 0),
                    System::nanoTime)
                .fileSystem();
    assertThat(names(files, KernelFileSystem.ROOT)).containsExactly(".", "..", "film");
    while (RemoteShare.kept(cache, BLAKE3, SHARE).isEmpty()) {
      Thread.sleep(10);
    }
    host.lane().close(CloseReason.DONE);
    assertThat(link.state()).isEqualTo(HostLink.State.RECONNECTING);
    long film = lookup(files, "film").node();
    assertThat(files.getattr(film).size()).isEqualTo(7);
    assertThat(names(files, KernelFileSystem.ROOT)).containsExactly(".", "..", "film");
    assertErrno(() -> lookup(files, "none"), Errno.ENOENT);
    assertThat(link.state()).isEqualTo(HostLink.State.RECONNECTING);
  }

  @Test
  void aRightThatWasTakenAwayShowsNothing() throws Exception {
    wasListed(item("film", file(1, 1)));
    RemoteFileSystem files = mounted();
    assertThat(lookup(files, "film").attr().size()).isEqualTo(1);
    dial.completeExceptionally(
        new NotAdmittedException("the host lets us in no more", new IOException()));
    assertErrno(() -> lookup(files, "film"), Errno.EACCES);
    assertErrno(() -> names(files, KernelFileSystem.ROOT), Errno.EACCES);
    awaitNothingKept();
  }

  /** Nor does a mount show it that comes after. It is forgotten behind: the bound is the test's. */
  private void awaitNothingKept() throws InterruptedException {
    while (RemoteShare.kept(cache, BLAKE3, SHARE).isPresent()) {
      Thread.sleep(10);
    }
  }
}
