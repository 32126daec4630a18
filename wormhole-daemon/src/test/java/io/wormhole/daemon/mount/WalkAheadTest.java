package io.wormhole.daemon.mount;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.wormhole.cache.ChunkCache;
import io.wormhole.daemon.fuse.DirectoryWriter;
import io.wormhole.daemon.fuse.Entry;
import io.wormhole.daemon.fuse.Errno;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.fuse.FileType;
import io.wormhole.daemon.fuse.KernelFileSystem;
import io.wormhole.daemon.mount.RemoteFileSystem.Owner;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.wire.message.Priority;
import io.wormhole.protocol.wire.message.Reply;
import io.wormhole.protocol.wire.message.Request.BodyCase;
import io.wormhole.protocol.wire.message.SmallFiles;
import io.wormhole.protocol.wire.message.WholeFile;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Who goes through a tree, or reads the small files of a folder, asks few questions. */
@Timeout(60)
class WalkAheadTest {
  private static final int FOLDERS = 40;
  private static final int FILES = 50;
  private static final long TOO_OLD = MountSettings.DEFAULTS.attributeLife().toNanos();

  private final AtomicLong clock = new AtomicLong(1);
  private final TreeHost control = new TreeHost();
  private final TreeHost bulk = control.lane2();
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
  private ChunkCache cache;
  private HostLink link;
  private RemoteFileSystem files;

  @BeforeEach
  void mount() throws Exception {
    for (int folder = 0; folder < FOLDERS; folder++) {
      control.folder(folder(folder));
      for (int file = 0; file < FILES; file++) {
        control.file(folder(folder) + "/" + name(file), content(folder, file, 0));
      }
    }
    cache = new ChunkCache(ChunkCache.DEFAULT_LIMIT_BYTES, Blake3.plain(), Runnable::run);
    MountSettings settings = MountSettings.DEFAULTS;
    CachedShare share = new CachedShare(1, 2);
    link =
        new HostLink(
            new HostLink.Lanes(control, bulk),
            _ -> CompletableFuture.failedFuture(new IOException("there are no other lanes")),
            timer,
            clock::get);
    files =
        RemoteFileSystem.open(
            RootQuestion.ask(control, clock::get),
            new HostCalls(link, settings, clock::get),
            new ChunkSource(link, cache, share, Blake3.plain(), settings),
            new MetadataCache(cache, share, Blake3.plain()),
            settings,
            new Owner(0, 0));
    control.asked.clear();
  }

  @AfterEach
  void close() {
    link.close();
    timer.shutdownNow();
    cache.close();
  }

  private static String folder(int number) {
    return "d%02d".formatted(number);
  }

  private static String name(int number) {
    return "f%02d".formatted(number);
  }

  private static byte[] content(int folder, int file, int edition) {
    byte[] bytes = new byte[1 + (file * 611 + folder) % 20_000];
    new Random((folder * 1000L + file) * 10 + edition).nextBytes(bytes);
    return bytes;
  }

  private long lookup(long parent, String name) throws Exception {
    return files.lookup(parent, name.getBytes(UTF_8)).node();
  }

  private byte[] read(long node) throws Exception {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment destination = arena.allocate(128 << 10);
      int got = files.read(node, KernelFileSystem.NO_HANDLE, 0, destination);
      return destination.asSlice(0, got).toArray(JAVA_BYTE);
    }
  }

  /** Listings are taken in on the common pool. */
  private static void settle() {
    assertThat(ForkJoinPool.commonPool().awaitQuiescence(10, TimeUnit.SECONDS)).isTrue();
  }

  private List<String> list(long node) throws Exception {
    List<String> names = new ArrayList<>();
    long handle = files.opendir(node);
    files.readdir(
        node,
        handle,
        0,
        new DirectoryWriter() {
          @Override
          public boolean wantsEntries() {
            return false;
          }

          @Override
          public boolean fits(int nameBytes) {
            return true;
          }

          @Override
          public void add(byte[] name, long inode, FileType type, long nextOffset) {
            names.add(new String(name, UTF_8));
          }

          @Override
          public void add(byte[] name, Entry entry, long nextOffset) {
            throw new AssertionError("no entries are wanted");
          }
        });
    files.releasedir(node, handle);
    return names.subList(2, names.size());
  }

  @Test
  void walkThroughFoldersIsListedAheadOnTheBulkLane() throws Exception {
    assertThat(list(KernelFileSystem.ROOT)).hasSize(FOLDERS);
    for (int folder = 0; folder < FOLDERS; folder++) {
      long node = lookup(KernelFileSystem.ROOT, folder(folder));
      assertThat(list(node)).hasSize(FILES);
      settle();
    }
    assertThat(control.count(BodyCase.LIST_FOLDER)).isLessThanOrEqualTo(3);
    assertThat(bulk.count(BodyCase.LIST_FOLDER)).isLessThanOrEqualTo(FOLDERS);
    assertThat(bulk.asked)
        .allMatch(request -> request.getPriority() == Priority.PRIORITY_READ_AHEAD);
  }

  @Test
  void whoJumpsFromFolderToFolderIsFollowedNowhere() throws Exception {
    list(KernelFileSystem.ROOT);
    for (int folder = 0; folder < FOLDERS; folder += 9) {
      list(lookup(KernelFileSystem.ROOT, folder(folder)));
    }
    assertThat(bulk.asked).isEmpty();
  }

  @Test
  void listingThatCameAheadIsGivenOnce() throws Exception {
    list(KernelFileSystem.ROOT);
    for (int folder = 0; folder < 4; folder++) {
      list(lookup(KernelFileSystem.ROOT, folder(folder)));
      settle();
    }
    control.file(folder(3) + "/young", new byte[1]);

    assertThat(list(lookup(KernelFileSystem.ROOT, folder(3)))).contains("young");
  }

  @Test
  void listingThatCameTooEarlyIsNotGiven() throws Exception {
    list(KernelFileSystem.ROOT);
    for (int folder = 0; folder < 3; folder++) {
      list(lookup(KernelFileSystem.ROOT, folder(folder)));
      settle();
    }
    control.file(folder(3) + "/young", new byte[1]);
    clock.addAndGet(TOO_OLD);

    assertThat(list(lookup(KernelFileSystem.ROOT, folder(3)))).contains("young");
  }

  @Test
  void folderThatIsAnotherByThenIsListedAnew() throws Exception {
    list(KernelFileSystem.ROOT);
    for (int folder = 0; folder < 3; folder++) {
      list(lookup(KernelFileSystem.ROOT, folder(folder)));
      settle();
    }
    long node = lookup(KernelFileSystem.ROOT, folder(3));
    control.remove(folder(3));

    assertThat(list(node)).as("within the life of attributes").hasSize(FILES);
    clock.addAndGet(TOO_OLD);
    assertThatThrownBy(() -> list(node))
        .isInstanceOfSatisfying(
            ErrnoException.class,
            failed -> assertThat(failed.errno()).isIn(Errno.ENOENT, Errno.ESTALE));
  }

  @Test
  void smallFilesReadInOrderComeManyToARequestAndAreNotOpened() throws Exception {
    for (int folder = 0; folder < 4; folder++) {
      long node = lookup(KernelFileSystem.ROOT, folder(folder));
      for (int file = 0; file < FILES; file++) {
        byte[] read = read(lookup(node, name(file)));
        assertThat(read).as("%d/%d", folder, file).isEqualTo(content(folder, file, 0));
        settle();
      }
    }
    assertThat(control.count(BodyCase.OPEN_FILE)).isLessThanOrEqualTo(8);
    assertThat(bulk.count(BodyCase.READ_SMALL_FILES)).isBetween(1L, 4L * FILES / 3);
    assertThat(bulk.count(BodyCase.READ_FILE)).isLessThanOrEqualTo(8);
  }

  @Test
  void smallFilesReadHereAndThereCauseNothing() throws Exception {
    long node = lookup(KernelFileSystem.ROOT, folder(0));
    for (int file = 0; file < FILES; file += 7) {
      assertThat(read(lookup(node, name(file)))).isEqualTo(content(0, file, 0));
    }
    assertThat(bulk.count(BodyCase.READ_SMALL_FILES)).isZero();
  }

  @Test
  void fileThatHasChangedSinceItCameAheadIsReadAsItIs() throws Exception {
    long node = lookup(KernelFileSystem.ROOT, folder(0));
    for (int file = 0; file < 10; file++) {
      read(lookup(node, name(file)));
      settle();
    }
    byte[] edited = content(0, 11, 1);
    control.file(folder(0) + "/" + name(11), edited);
    clock.addAndGet(TOO_OLD);

    assertThat(read(lookup(node, name(11)))).isEqualTo(edited);
  }

  /** What a host may send instead of small files. */
  enum Lie {
    OTHER_BYTES,
    OTHER_LENGTH,
    OTHER_HASH,
    TOO_FEW,
    NONE,
    ANOTHER_ANSWER
  }

  private static Reply.Builder told(Lie lie, Reply.Builder reply) {
    SmallFiles.Builder files = reply.getSmallFiles().toBuilder();
    WholeFile first = files.getFiles(0);
    byte[] flipped = first.getData().toByteArray();
    flipped[0]++;
    ByteString other = ByteString.copyFrom(flipped);
    return switch (lie) {
      case OTHER_BYTES -> reply.setSmallFiles(files.setFiles(0, first.toBuilder().setData(other)));
      case OTHER_LENGTH ->
          reply.setSmallFiles(
              files.setFiles(0, first.toBuilder().setData(first.getData().concat(other))));
      case OTHER_HASH ->
          reply.setSmallFiles(
              files.setFiles(0, first.toBuilder().setHash(ByteString.copyFrom(new byte[31]))));
      case TOO_FEW -> reply.setSmallFiles(files.removeFiles(files.getFilesCount() - 1));
      case NONE -> reply.setSmallFiles(SmallFiles.getDefaultInstance());
      case ANOTHER_ANSWER -> reply.clearSmallFiles().setDone(reply.getDone());
    };
  }

  @ParameterizedTest
  @EnumSource(Lie.class)
  void whateverIsSentInsteadNoWrongByteIsGiven(Lie lie) throws Exception {
    bulk.smallFilesAre(reply -> told(lie, reply));
    long node = lookup(KernelFileSystem.ROOT, folder(0));
    int right = 0;
    for (int file = 0; file < FILES; file++) {
      try {
        assertThat(read(lookup(node, name(file)))).isEqualTo(content(0, file, 0));
        right++;
      } catch (ErrnoException refused) {
        assertThat(refused.errno()).isEqualTo(Errno.EIO);
      }
      settle();
    }
    assertThat(bulk.count(BodyCase.READ_SMALL_FILES)).isPositive();
    assertThat(right).isGreaterThan(FILES / 3);
  }
}
