package io.wormhole.daemon.mount;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.wormhole.cache.ChunkCache;
import io.wormhole.daemon.fuse.Errno;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.fuse.KernelFileSystem;
import io.wormhole.daemon.mount.RemoteFileSystem.Owner;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.wire.message.Request;
import io.wormhole.protocol.wire.message.Request.BodyCase;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a mount need not ask, because another answer brought it, and what it asks all the same. */
@Timeout(30)
class FewerQuestionsTest {
  private static final int GROUP = 16 << 10;
  private static final long TOO_OLD = MountSettings.DEFAULTS.attributeLife().toNanos();

  private final AtomicLong clock = new AtomicLong(1);
  private final ScriptedHost host = new ScriptedHost();
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
  private ChunkCache cache;
  private HostLink link;
  private RemoteFileSystem files;

  @BeforeEach
  void mount() throws Exception {
    cache = new ChunkCache(ChunkCache.DEFAULT_LIMIT_BYTES, Blake3.plain(), Runnable::run);
    MountSettings settings = MountSettings.DEFAULTS;
    CachedShare share = new CachedShare(1, 2);
    link =
        new HostLink(
            new HostLink.Lanes(host, host),
            _ -> CompletableFuture.failedFuture(new IOException("there is but one lane")),
            timer,
            clock::get);
    files =
        RemoteFileSystem.open(
            RootQuestion.ask(host, clock::get),
            new HostCalls(link, settings, clock::get),
            new ChunkSource(link, cache, share, Blake3.plain(), settings),
            new MetadataCache(cache, share, Blake3.plain()),
            settings,
            new Owner(0, 0));
    host.asked.clear();
  }

  @AfterEach
  void close() {
    link.close();
    timer.shutdownNow();
    cache.close();
  }

  private static byte[] bytes(int count) {
    byte[] bytes = new byte[count];
    for (int i = 0; i < count; i++) {
      bytes[i] = (byte) (i * 31 + i / 256);
    }
    return bytes;
  }

  private long lookup(String name) throws Exception {
    return files.lookup(KernelFileSystem.ROOT, name.getBytes(StandardCharsets.UTF_8)).node();
  }

  private byte[] read(long node, long handle, long offset, int length) throws Exception {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment destination = arena.allocate(length);
      int got = files.read(node, handle, offset, destination);
      return destination.asSlice(0, got).toArray(JAVA_BYTE);
    }
  }

  private static void assertErrno(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable call, Errno errno) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            ErrnoException.class, failed -> assertThat(failed.errno()).isEqualTo(errno));
  }

  @Test
  void attributesOfOtherKindsThanUsersAreNotSupported() throws Exception {
    host.with("a", bytes(1));
    long node = lookup("a");
    for (String kind : List.of("security.selinux", "security.capability", "trusted.x", "user")) {
      assertErrno(
          () -> files.getxattr(node, kind.getBytes(StandardCharsets.UTF_8)), Errno.EOPNOTSUPP);
    }
    assertErrno(
        () -> files.getxattr(node, "user.other".getBytes(StandardCharsets.UTF_8)), Errno.ENODATA);
    assertThat(files.getxattr(node, "user.wormhole.state".getBytes(StandardCharsets.UTF_8)))
        .asString()
        .isEqualTo("connected");
  }

  @Test
  void roomForTheStateOfAMountIsRoomForEveryState() throws Exception {
    host.with("a", bytes(1));
    long node = lookup("a");
    byte[] state = "user.wormhole.state".getBytes(StandardCharsets.UTF_8);
    assertThat(files.xattrRoom(node, state)).isEqualTo("reconnecting".length());
    assertErrno(
        () -> files.xattrRoom(node, "user.other".getBytes(StandardCharsets.UTF_8)), Errno.ENODATA);
  }

  @Test
  void secondNameBringsTheFolderAndTheThirdAsksNobody() throws Exception {
    host.with("a", bytes(1)).with("b", bytes(2)).with("c", bytes(3));
    lookup("a");
    assertThat(host.askedFor()).containsExactly(BodyCase.GET_ATTRIBUTES);
    lookup("b");
    assertThat(host.askedFor()).contains(BodyCase.LIST_FOLDER).hasSize(3);
    lookup("c");
    lookup("b");
    assertThat(host.asked).hasSize(3);
  }

  @Test
  void nameThatIsNotInAPageAheadIsAskedFor() throws Exception {
    host.with("a", bytes(1)).with("b", bytes(2));
    lookup("a");
    lookup("b");
    host.with("young", bytes(3));
    lookup("young");
    assertErrno(() -> lookup("absent"), Errno.ENOENT);
    assertThat(host.askedFor().subList(3, 5))
        .containsExactly(BodyCase.GET_ATTRIBUTES, BodyCase.GET_ATTRIBUTES);
  }

  @Test
  void pageAheadIsGoodNoLongerThanAttributes() throws Exception {
    host.with("a", bytes(1)).with("b", bytes(2)).with("c", bytes(3));
    lookup("a");
    lookup("b");
    clock.addAndGet(TOO_OLD);
    lookup("c");
    assertThat(host.askedFor().getLast()).isEqualTo(BodyCase.GET_ATTRIBUTES);
  }

  @Test
  void pageOfAnotherFolderIsNotBelieved() throws Exception {
    host.with("a", bytes(1)).with("b", bytes(2)).with("c", bytes(3));
    host.pagesAre(page -> page.setFolder(page.getFolder().toBuilder().setInode(99)));
    lookup("a");
    lookup("b");
    lookup("c");
    assertThat(host.askedFor().getLast()).isEqualTo(BodyCase.GET_ATTRIBUTES);
  }

  @Test
  void badNameInAPageAheadHarmsNobody() throws Exception {
    host.with("a", bytes(1)).with("b", bytes(2)).with("c", bytes(3));
    ByteString bad = ByteString.copyFromUtf8("../c");
    host.pagesAre(page -> page.setEntries(2, page.getEntries(2).toBuilder().setName(bad)));
    lookup("a");
    lookup("b");
    lookup("c");
    assertThat(host.askedFor().getLast()).isEqualTo(BodyCase.GET_ATTRIBUTES);
  }

  @Test
  void restOfALargeFolderIsGivenBackWithTheNextRequest() throws Exception {
    host.with("a", bytes(1)).with("b", bytes(2));
    host.pagesAre(page -> page.setHandle(42));
    lookup("a");
    lookup("b");
    lookup("absent", Errno.ENOENT);
    assertThat(host.givenBack()).containsExactly(42L);
  }

  @Test
  void openBringsWhatTheFirstReadWants() throws Exception {
    byte[] content = bytes(GROUP + 1000);
    host.with("f", content);
    long node = lookup("f");
    long handle = files.open(node);
    assertThat(read(node, handle, 0, 4096)).isEqualTo(Arrays.copyOf(content, 4096));
    assertThat(host.askedFor()).doesNotContain(BodyCase.READ_FILE);
  }

  @Test
  void whatLiesBeyondTheFirstBytesIsAskedFor() throws Exception {
    host.with("f", bytes(GROUP + 1000));
    long node = lookup("f");
    long handle = files.open(node);
    assertErrno(() -> read(node, handle, GROUP - 1, 10), Errno.EIO);
    assertThat(host.askedFor()).contains(BodyCase.READ_FILE);
  }

  @Test
  void secondOpenOfWhatTheKernelHoldsAsksForNoBytes() throws Exception {
    host.with("f", bytes(100));
    long node = lookup("f");
    read(node, files.open(node), 0, 100);
    files.open(node);
    assertThat(host.asked)
        .filteredOn(Request::hasOpenFile)
        .extracting(request -> request.getOpenFile().getFirstBytes())
        .containsExactly(GROUP, 0);
  }

  @Test
  void firstBytesThatAreNotTheirHashsAreNeverGiven() throws Exception {
    host.with("f", bytes(100));
    host.firstBytesAre(first -> first.setData(ByteString.copyFrom(new byte[100])));
    long node = lookup("f");
    long handle = files.open(node);
    assertErrno(() -> read(node, handle, 0, 100), Errno.EIO);
  }

  @Test
  void firstBytesOfAnotherLengthRefuseTheOpen() throws Exception {
    host.with("f", bytes(100));
    host.firstBytesAre(first -> first.setData(first.getData().substring(1)));
    long node = lookup("f");
    assertErrno(() -> files.open(node), Errno.EIO);
    lookup("absent", Errno.ENOENT);
    assertThat(host.givenBack()).containsExactly(ScriptedHost.OPEN_HANDLE);
  }

  private void lookup(String name, Errno errno) {
    assertErrno(() -> lookup(name), errno);
  }

  @Test
  void changedFileIsNotReadFromItsOpening() throws Exception {
    host.with("f", bytes(100));
    long node = lookup("f");
    long handle = files.open(node);
    host.with("f", bytes(90));
    clock.addAndGet(TOO_OLD);
    assertErrno(() -> read(node, handle, 0, 100), Errno.EIO);
    assertThat(host.askedFor()).contains(BodyCase.READ_FILE);
  }

  @Test
  void closedHandleGoesWithTheNextRequest() throws Exception {
    host.with("f", bytes(100));
    long node = lookup("f");
    long handle = files.open(node);
    files.release(node, handle);
    lookup("absent", Errno.ENOENT);
    assertThat(host.askedFor()).doesNotContain(BodyCase.CLOSE_HANDLES);
    assertThat(host.givenBack()).containsExactly(ScriptedHost.OPEN_HANDLE);
  }

  @Test
  void readWithoutAnOpenBringsItsBytesWithTheHostsOwn() throws Exception {
    byte[] content = bytes(GROUP + 1000);
    host.with("f", content);
    long node = lookup("f");
    assertThat(read(node, KernelFileSystem.NO_HANDLE, 0, 4096))
        .isEqualTo(Arrays.copyOf(content, 4096));
    assertThat(host.askedFor()).containsExactly(BodyCase.GET_ATTRIBUTES, BodyCase.OPEN_FILE);
  }

  @Test
  void whatIsReadAgainWithoutAnOpenAsksNobody() throws Exception {
    host.with("f", bytes(200_000));
    host.readsFailWith(null);
    long node = lookup("f");
    read(node, KernelFileSystem.NO_HANDLE, 0, 100_000);
    files.forget(node, 1);
    host.asked.clear();
    long again = lookup("f");
    assertThat(read(again, KernelFileSystem.NO_HANDLE, 0, 4096))
        .isEqualTo(Arrays.copyOf(bytes(200_000), 4096));
    assertThat(host.askedFor()).doesNotContain(BodyCase.OPEN_FILE, BodyCase.READ_FILE);
  }

  @Test
  void fileThatWasGoneForAWhileIsReadAgainWithoutAnOpen() throws Exception {
    host.with("f", bytes(100));
    long node = lookup("f");
    host.without("f");
    assertErrno(() -> read(node, KernelFileSystem.NO_HANDLE, 0, 100), Errno.ESTALE);
    host.with("f", bytes(100));
    assertThat(read(node, KernelFileSystem.NO_HANDLE, 0, 100)).isEqualTo(bytes(100));
  }

  @Test
  void readerWhoGivesUpWhileHeOpensTheFileHarmsNoOther() throws Exception {
    host.with("f", bytes(200_000));
    host.readsFailWith(null);
    long node = lookup("f");
    CompletableFuture<Void> gate = new CompletableFuture<>();
    host.opensAfter(gate);
    Thread quitter =
        Thread.ofVirtual()
            .start(() ->
                assertThatThrownBy(() -> read(node, KernelFileSystem.NO_HANDLE, 0, 100_000))
                    .isInstanceOf(InterruptedException.class));
    while (!host.askedFor().contains(BodyCase.OPEN_FILE)) {
      Thread.onSpinWait();
    }
    CompletableFuture<byte[]> other = new CompletableFuture<>();
    Thread reader =
        Thread.ofVirtual()
            .start(() -> {
              try {
                other.complete(read(node, KernelFileSystem.NO_HANDLE, 0, 100_000));
              } catch (Exception failed) {
                other.completeExceptionally(failed);
              }
            });
    while (reader.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }
    quitter.interrupt();
    assertThat(quitter.join(Duration.ofSeconds(10))).isTrue();
    gate.complete(null);
    assertThat(other.get(10, TimeUnit.SECONDS)).isEqualTo(Arrays.copyOf(bytes(200_000), 100_000));
  }

  @Test
  void openOfAFileWhoseAttributesAreOldBringsNewOnes() throws Exception {
    host.with("f", bytes(100));
    long node = lookup("f");
    clock.addAndGet(TOO_OLD);
    host.asked.clear();
    assertThat(read(node, KernelFileSystem.NO_HANDLE, 0, 100)).isEqualTo(bytes(100));
    assertThat(host.askedFor()).containsExactly(BodyCase.OPEN_FILE);
  }

  @Test
  void timeThatTheOpenTookIsTakenOffTheReads() throws Exception {
    host.with("f", bytes(200_000));
    host.readsFailWith(null);
    host.whileOpening(() -> clock.addAndGet(Duration.ofSeconds(10).toNanos()));
    read(lookup("f"), KernelFileSystem.NO_HANDLE, 100_000, 4096);
    assertThat(host.readDeadlines)
        .containsExactly(MountSettings.DEFAULTS.deadline().minusSeconds(10));
  }

  @Test
  void whatTheKernelForgotIsGivenBackToTheHost() throws Exception {
    host.with("f", bytes(100));
    long node = lookup("f");
    read(node, KernelFileSystem.NO_HANDLE, 0, 100);
    assertThat(host.givenBack()).isEmpty();
    files.forget(node, 1);
    lookup("absent", Errno.ENOENT);
    assertThat(host.givenBack()).containsExactly(ScriptedHost.OPEN_HANDLE);
  }

  @Test
  void closedHandleGoesAloneWhenNothingFollows() throws Exception {
    host.with("f", bytes(100));
    long node = lookup("f");
    files.release(node, files.open(node));
    while (!host.asked.getLast().hasCloseHandles()) {
      Thread.onSpinWait();
    }
    assertThat(host.givenBack()).containsExactly(ScriptedHost.OPEN_HANDLE);
  }
}
