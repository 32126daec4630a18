package io.wormhole.daemon;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.google.protobuf.ByteString;
import io.wormhole.cache.ChunkCache;
import io.wormhole.daemon.fuse.DirectoryWriter;
import io.wormhole.daemon.fuse.Entry;
import io.wormhole.daemon.fuse.Errno;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.fuse.FileType;
import io.wormhole.daemon.fuse.KernelFileSystem;
import io.wormhole.daemon.fuse.KernelMount;
import io.wormhole.daemon.fuse.MountOptions;
import io.wormhole.daemon.fuse.device.DeviceBackend;
import io.wormhole.daemon.fuse.device.DeviceSettings;
import io.wormhole.daemon.mount.CachedShare;
import io.wormhole.daemon.mount.HostLink;
import io.wormhole.daemon.mount.MountSettings;
import io.wormhole.daemon.mount.RemoteFileSystem.Owner;
import io.wormhole.daemon.mount.RemoteShare;
import io.wormhole.daemon.mount.RootQuestion;
import io.wormhole.daemon.transport.BulkRequests;
import io.wormhole.daemon.transport.Lane;
import io.wormhole.daemon.transport.QuicEndpoint;
import io.wormhole.daemon.transport.RawStream;
import io.wormhole.daemon.transport.RequestLimits;
import io.wormhole.daemon.transport.RequestStream;
import io.wormhole.daemon.transport.TransportSettings;
import io.wormhole.daemon.trust.Identity;
import io.wormhole.daemon.trust.PeerCertificates;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.message.Attributes;
import io.wormhole.protocol.wire.message.FileKind;
import io.wormhole.protocol.wire.message.FolderEntry;
import io.wormhole.protocol.wire.message.FolderPage;
import io.wormhole.protocol.wire.message.Reply;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/**
 * A host that lies, over real lanes, to a mount of it as the daemon makes one, beside a mount of an
 * honest host in the same process. Whatever it says, no byte of it is believed that is not proved,
 * each call ends, memory stays bounded, and the other mount goes on.
 */
@Timeout(120)
class EvilHostTest {
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final long MANY_BYTES = 48 << 20;
  private static final MountSettings SETTINGS =
      new MountSettings(
          Duration.ofSeconds(3), Duration.ofSeconds(2), 32, 200_000, 512, Duration.ZERO);
  private static final long ROOT = KernelFileSystem.ROOT;

  @TempDir Path work;

  private final ExecutorService verify = Executors.newFixedThreadPool(2);
  private final Blake3 blake3 = Blake3.plain();
  private final ListAppender<ILoggingEvent> log = new ListAppender<>();
  private final ChunkCache cache = new ChunkCache(ChunkCache.DEFAULT_LIMIT_BYTES, blake3, verify);
  private final LyingHost evil = new LyingHost();
  private final LyingHost honest = new LyingHost();
  private final List<QuicEndpoint> endpoints = new ArrayList<>();
  private final List<RemoteShare> mounts = new ArrayList<>();
  private final List<Lane> lanes = new ArrayList<>();
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
  private int shares;
  private KernelFileSystem files = failing();
  private KernelFileSystem others = failing();

  private static KernelFileSystem failing() {
    return (KernelFileSystem)
        java.lang.reflect.Proxy.newProxyInstance(
            KernelFileSystem.class.getClassLoader(),
            new Class<?>[] {KernelFileSystem.class},
            (_, method, _) -> {
              throw new IllegalStateException(method.getName());
            });
  }

  @BeforeEach
  void mount() throws Exception {
    log.start();
    root().addAppender(log);
    files = mounted(evil);
    others = mounted(honest);
  }

  @AfterEach
  void othersAreUnharmed() throws Exception {
    try {
      long node = lookup(others, "f");
      assertThat(read(others, node, others.open(node), 0, 100_000))
          .isEqualTo(Arrays.copyOf(honest.content, 100_000));
      assertThat(warnings().stream().filter(line -> line.contains("127.0.0.1")).count())
          .as("%s", warnings())
          .isLessThanOrEqualTo(2);
    } finally {
      mounts.forEach(RemoteShare::close);
      endpoints.forEach(QuicEndpoint::close);
      cache.close();
      verify.shutdown();
      timer.shutdownNow();
      root().detachAppender(log);
    }
    assertThat(verify.awaitTermination(20, TimeUnit.SECONDS)).isTrue();
  }

  private static Logger root() {
    return (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
  }

  private List<String> warnings() {
    return List.copyOf(log.list).stream()
        .filter(event -> event.getLevel().isGreaterOrEqual(Level.WARN))
        .map(ILoggingEvent::getFormattedMessage)
        .toList();
  }

  private QuicEndpoint endpoint(String name) throws Exception {
    Identity identity = Identity.loadOrCreate(work.resolve(name + endpoints.size()), RANDOM);
    QuicEndpoint endpoint =
        new QuicEndpoint(
            identity.privateKey(),
            identity.certificate(),
            new PeerCertificates(),
            TransportSettings.DEFAULTS);
    endpoints.add(endpoint);
    return endpoint;
  }

  private KernelFileSystem mounted(LyingHost host) throws Exception {
    InetSocketAddress address =
        endpoint("host")
            .listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), host)
            .address();
    QuicEndpoint guest = endpoint("guest");
    Duration patience = Duration.ofSeconds(10);
    Lane control = guest.dial(address, patience).get(20, TimeUnit.SECONDS);
    Lane bulk = guest.dial(address, patience).get(20, TimeUnit.SECONDS);
    control.trust();
    bulk.trust();
    lanes.add(control);
    RequestStream questions =
        RequestStream.open(control, RequestLimits.DEFAULTS).get(20, TimeUnit.SECONDS);
    HostLink link =
        new HostLink(
            new HostLink.Lanes(
                questions,
                new BulkRequests(bulk, RequestLimits.DEFAULTS)
                    .open(BulkRequests.STREAMS)
                    .get(20, TimeUnit.SECONDS)),
            _ -> CompletableFuture.failedFuture(new java.io.IOException("once is enough")),
            timer,
            System::nanoTime);
    RemoteShare share =
        RemoteShare.open(
            RootQuestion.ask(questions, System::nanoTime),
            link,
            cache,
            blake3,
            new CachedShare(1, ++shares),
            SETTINGS,
            new Owner(0, 0),
            System::nanoTime);
    mounts.add(share);
    return share.fileSystem();
  }

  private static long lookup(KernelFileSystem system, String name) throws Exception {
    return system.lookup(ROOT, name.getBytes(StandardCharsets.UTF_8)).node();
  }

  private static byte[] read(
      KernelFileSystem system, long node, long handle, long offset, int length) throws Exception {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment destination = arena.allocate(length);
      int got = system.read(node, handle, offset, destination);
      return destination.asSlice(0, got).toArray(JAVA_BYTE);
    }
  }

  private static void assertErrno(ThrowingCallable call, Errno... allowed) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            ErrnoException.class, failed -> assertThat(failed.errno()).isIn((Object[]) allowed));
  }

  /** Lists up to so many entries. */
  private List<String> list(KernelFileSystem system, int most) throws Exception {
    long handle = system.opendir(ROOT);
    Names names = new Names(most);
    try {
      int before;
      do {
        before = names.seen.size();
        names.page = 0;
        system.readdir(ROOT, handle, names.offset, names);
      } while (names.seen.size() > before && names.seen.size() < most);
    } finally {
      system.releasedir(ROOT, handle);
    }
    return names.seen;
  }

  private static final class Names implements DirectoryWriter {
    private final List<String> seen = new ArrayList<>();
    private final int most;
    private long offset;
    private int page;

    Names(int most) {
      this.most = most;
    }

    @Override
    public boolean wantsEntries() {
      return true;
    }

    @Override
    public boolean fits(int nameBytes) {
      return page < 100 && seen.size() < most;
    }

    @Override
    public void add(byte[] name, long inode, FileType type, long nextOffset) {
      offset = nextOffset;
    }

    @Override
    public void add(byte[] name, Entry entry, long nextOffset) {
      seen.add(new String(name, StandardCharsets.UTF_8));
      offset = nextOffset;
      page++;
    }
  }

  private void pagesAre(UnaryOperator<FolderPage.Builder> lie) {
    evil.lie =
        reply ->
            reply.hasFolderPage()
                ? reply.setFolderPage(lie.apply(reply.getFolderPage().toBuilder()))
                : reply;
  }

  /** Of what is asked for by name; listings are of nothing. */
  private void attributesAre(UnaryOperator<Attributes.Builder> lie) {
    evil.lie =
        reply -> {
          if (reply.hasFolderPage()) {
            return reply.setFolderPage(reply.getFolderPage().toBuilder().clearEntries());
          }
          return reply.hasAttributes()
              ? reply.setAttributes(lie.apply(reply.getAttributes().toBuilder()))
              : reply;
        };
  }

  @Test
  void namesNoFileCanHaveAreNeverShown() {
    for (String name : List.of("..", ".", "", "a/b", "/", "../f", "a\0b", "x".repeat(256))) {
      pagesAre(
          page -> page.addEntries(LyingHost.entry(ByteString.copyFromUtf8(name), evil.file())));
      assertErrno(() -> list(files, 100), Errno.EIO);
    }
    assertThat(warnings()).hasSize(1);
    assertThat(warnings().getFirst()).contains("127.0.0.1", "a name no file can have");
  }

  @Test
  void nameThatComesTwiceIsShownAsItCame() throws Exception {
    pagesAre(_ -> evil.page("f", "f", "f"));
    assertThat(list(files, 100)).containsExactly("f", "f", "f");
  }

  @Test
  void linksThatLeadOutAreNotShown() throws Exception {
    for (String target : List.of("/etc/passwd", "../x", "a/../../x", "..", "a\0b")) {
      Attributes.Builder link =
          LyingHost.folder()
              .setInode(7)
              .setKind(FileKind.FILE_KIND_SYMLINK)
              .setLinkTarget(ByteString.copyFromUtf8(target));
      pagesAre(page -> page.addEntries(LyingHost.entry(ByteString.copyFromUtf8("link"), link)));
      assertThat(list(files, 100)).containsExactly("f");
      evil.lie = reply -> reply.hasFailure() ? Reply.newBuilder().setAttributes(link) : reply;
      assertErrno(() -> lookup(files, "link-" + target.hashCode()), Errno.ENOENT);
    }
  }

  @Test
  void linkWhoseTargetCanBeNoneIsRefused() {
    for (String target : List.of("", "x".repeat(Limits.LINK_TARGET_BYTES + 1))) {
      evil.lie =
          reply ->
              reply.hasFailure()
                  ? Reply.newBuilder()
                      .setAttributes(
                          LyingHost.folder()
                              .setKind(FileKind.FILE_KIND_SYMLINK)
                              .setLinkTarget(ByteString.copyFromUtf8(target)))
                  : reply;
      assertErrno(() -> lookup(files, "long-" + target.hashCode()), Errno.EIO);
    }
  }

  @Test
  void attributesOutOfTheirRangeAreRefused() {
    List<UnaryOperator<Attributes.Builder>> lies =
        List.of(
            file -> file.setInode(0),
            file -> file.setSize(-1),
            file -> file.setBlocks(Long.MIN_VALUE),
            file -> file.setMode(04755),
            file -> file.setMode(-1),
            file -> file.setLinks(-1),
            file -> file.setMtimeNanos(1_000_000_000),
            file -> file.setAtimeNanos(-1),
            file -> file.setCtimeNanos(Integer.MIN_VALUE),
            file -> file.setKindValue(77),
            file -> file.setKind(FileKind.FILE_KIND_UNSPECIFIED),
            file -> file.setVersion(ByteString.EMPTY),
            file -> file.setVersion(ByteString.copyFrom(new byte[17])));
    for (UnaryOperator<Attributes.Builder> lie : lies) {
      attributesAre(lie);
      assertErrno(() -> lookup(files, "f"), Errno.EIO);
    }
    assertThat(warnings()).hasSize(1);
  }

  @Test
  void timesBeforeTheEpochAreTimes() throws Exception {
    attributesAre(file -> file.setMtimeSeconds(Long.MIN_VALUE).setAtimeSeconds(-1));
    lookup(files, "f");
  }

  @Test
  void bytesThatAreNotTheirHashesAreNeverGiven() throws Exception {
    long node = lookup(files, "f");
    long handle = files.open(node);
    List<UnaryOperator<byte[]>> lies =
        List.of(EvilHostTest::firstBitFlipped, EvilHostTest::groupsSwapped, byte[]::clone);
    List<UnaryOperator<ChunkHeader>> headers =
        List.of(
            UnaryOperator.identity(),
            UnaryOperator.identity(),
            head ->
                new ChunkHeader(
                    head.requestId(),
                    head.dataBytes(),
                    false,
                    head.hash(),
                    groupsSwapped(head.chainingValues(), 32)));
    for (int i = 0; i < lies.size(); i++) {
      evil.data = lies.get(i);
      evil.header = headers.get(i);
      assertErrno(() -> read(files, node, handle, 0, Limits.CHUNK_BYTES), Errno.EIO);
      assertErrno(() -> read(files, node, handle, 0, Limits.CHUNK_BYTES), Errno.EIO);
    }
    evil.data = UnaryOperator.identity();
    evil.header = UnaryOperator.identity();
    assertThat(read(files, node, handle, 0, Limits.CHUNK_BYTES))
        .isEqualTo(Arrays.copyOf(evil.content, Limits.CHUNK_BYTES));
  }

  private static byte[] firstBitFlipped(byte[] bytes) {
    byte[] other = bytes.clone();
    other[0] ^= 1;
    return other;
  }

  private static byte[] groupsSwapped(byte[] bytes) {
    return bytes.length < 2 * Limits.GROUP_BYTES
        ? firstBitFlipped(bytes)
        : groupsSwapped(bytes, Limits.GROUP_BYTES);
  }

  private static byte[] groupsSwapped(byte[] bytes, int size) {
    byte[] other = bytes.clone();
    System.arraycopy(bytes, 0, other, size, size);
    System.arraycopy(bytes, size, other, 0, size);
    return other;
  }

  @Test
  void sizesThatChangeWithEachAnswerGiveBytesOrAnErrorAndNoHang() throws Exception {
    AtomicLong size = new AtomicLong(1);
    long node = lookup(files, "f");
    attributesAre(file -> file.setSize(size.updateAndGet(before -> before * 31 % 400_000)));
    evil.frames =
        (request, frame) ->
            request.hasReadFile() && size.get() % 2 == 0
                ? List.of(
                    RawStream.frame(
                        FrameType.REPLY,
                        Reply.newBuilder()
                            .setId(request.getId())
                            .setChanged(evil.file().setSize(size.incrementAndGet()))
                            .build()
                            .toByteArray()))
                : List.of(frame);
    long handle = files.open(node);
    for (int i = 0; i < 200; i++) {
      try {
        byte[] read = read(files, node, handle, 0, 50_000);
        assertThat(read).isEqualTo(Arrays.copyOf(evil.content, read.length));
        files.getattr(node);
      } catch (ErrnoException failed) {
        assertThat(failed.errno()).isIn(Errno.EIO, Errno.ESTALE);
      }
    }
  }

  @Test
  void versionThatIsAnotherEachTimeIsReadPastTheCacheInBoundedAttempts() throws Exception {
    AtomicLong version = new AtomicLong();
    long node = lookup(files, "f");
    long handle = files.open(node);
    evil.frames =
        (request, frame) -> {
          byte[] next = new byte[Limits.VERSION_BYTES];
          java.nio.ByteBuffer.wrap(next).putLong(version.incrementAndGet());
          return request.hasReadFile()
              ? List.of(
                  RawStream.frame(
                      FrameType.REPLY,
                      Reply.newBuilder()
                          .setId(request.getId())
                          .setChanged(evil.file().setVersion(ByteString.copyFrom(next)))
                          .build()
                          .toByteArray()))
              : List.of(frame);
        };
    assertErrno(() -> read(files, node, handle, 0, 50_000), Errno.EIO);
    assertThat(version.get()).isLessThan(200);
  }

  @Test
  void largestSizeIsReadAtBothEnds() throws Exception {
    evil.lie =
        reply -> {
          if (reply.hasAttributes()
              && reply.getAttributes().getKind() == FileKind.FILE_KIND_REGULAR) {
            return reply.setAttributes(evil.file().setSize(Long.MAX_VALUE));
          }
          return reply.hasOpenedFile()
              ? reply.setOpenedFile(
                  reply.getOpenedFile().toBuilder()
                      .setAttributes(evil.file().setSize(Long.MAX_VALUE)))
              : reply;
        };
    long node = lookup(files, "f");
    long handle = files.open(node);
    for (long offset :
        new long[] {0, Long.MAX_VALUE - 4096, Long.MAX_VALUE - 1, Long.MAX_VALUE / 2}) {
      try {
        byte[] read = read(files, node, handle, offset, 4096);
        assertThat(read).isEqualTo(Arrays.copyOf(evil.content, read.length));
      } catch (ErrnoException failed) {
        assertThat(failed.errno()).isEqualTo(Errno.EIO);
      }
    }
    files.release(node, handle);
  }

  @Test
  void attributesOfAnotherFileAreNotThoseOfAnOpenOne() throws Exception {
    long node = lookup(files, "f");
    long handle = files.open(node);
    evil.frames =
        (request, frame) ->
            request.hasReadFile()
                ? List.of(
                    RawStream.frame(
                        FrameType.REPLY,
                        Reply.newBuilder()
                            .setId(request.getId())
                            .setChanged(LyingHost.folder().setInode(LyingHost.FILE_INODE))
                            .build()
                            .toByteArray()))
                : List.of(frame);
    assertErrno(() -> read(files, node, handle, 0, 50_000), Errno.EIO);
    evil.frames = (_, frame) -> List.of(frame);
    assertThat(files.getattr(node).type()).isEqualTo(FileType.REGULAR);
    assertThat(read(files, node, handle, 0, 50_000)).hasSize(50_000);
  }

  @Test
  void listingWithoutEndTakesNoMemoryWithoutEnd() throws Exception {
    AtomicLong number = new AtomicLong();
    pagesAre(_ -> {
      String[] names = new String[Limits.PAGE_ENTRIES];
      Arrays.setAll(names, _ -> "entry-" + number.incrementAndGet());
      return evil.page(names).setHandle(3);
    });
    Footprint before = Footprint.now();
    int most = 300_000;
    long handle = files.opendir(ROOT);
    Counting count = new Counting(most);
    while (count.entries < most) {
      count.page = 0;
      files.readdir(ROOT, handle, count.offset, count);
    }
    Footprint.now().requireNoMoreSince(before, MANY_BYTES);
    files.releasedir(ROOT, handle);
  }

  private static final class Counting implements DirectoryWriter {
    private final int most;
    private int entries;
    private int page;
    private long offset;

    Counting(int most) {
      this.most = most;
    }

    @Override
    public boolean wantsEntries() {
      return false;
    }

    @Override
    public boolean fits(int nameBytes) {
      return page < 1000 && entries < most;
    }

    @Override
    public void add(byte[] name, long inode, FileType type, long nextOffset) {
      entries++;
      page++;
      offset = nextOffset;
    }

    @Override
    public void add(byte[] name, Entry entry, long nextOffset) {
      throw new AssertionError("no entries were asked for");
    }
  }

  @Test
  void emptyPagesWithoutEndAreGivenUp() {
    pagesAre(page -> page.clearEntries().setHandle(3));
    assertErrno(() -> list(files, 100), Errno.ETIMEDOUT);
  }

  @Test
  void pagesOfMoreThanAPageAreRefusedAndNotKept() throws Exception {
    List<FolderEntry> empty =
        java.util.Collections.nCopies(100_000, FolderEntry.getDefaultInstance());
    pagesAre(page -> page.clearEntries().addAllEntries(empty));
    assertErrno(() -> list(files, 100), Errno.EIO);
    // Pages that come ahead, of many folders.
    Footprint before = Footprint.now();
    evil.lie =
        reply -> {
          if (reply.hasFolderPage()) {
            return reply.setFolderPage(
                reply.getFolderPage().toBuilder().clearEntries().addAllEntries(empty));
          }
          return reply.hasFailure()
              ? Reply.newBuilder()
                  .setAttributes(LyingHost.folder().setInode(NEXT_INODE.incrementAndGet()))
              : reply;
        };
    for (int i = 0; i < 100; i++) {
      long folder = lookup(files, "folder-" + i);
      for (String name : List.of("a", "b", "c")) {
        files.lookup(folder, name.getBytes(StandardCharsets.UTF_8));
      }
    }
    Footprint.now().requireNoMoreSince(before, MANY_BYTES);
  }

  private static final AtomicLong NEXT_INODE = new AtomicLong(1000);

  @Test
  void folderThatStandsBelowItselfHasAPathThatEnds() throws Exception {
    evil.lie =
        reply ->
            reply.hasFailure()
                ? Reply.newBuilder().setAttributes(LyingHost.folder().setInode(50))
                : reply;
    long node = lookup(files, "loop");
    for (int i = 0; i < 300; i++) {
      long below = files.lookup(node, "loop".getBytes(StandardCharsets.UTF_8)).node();
      assertThat(below).isEqualTo(node);
    }
    long handle = files.opendir(node);
    files.readdir(node, handle, 0, new Names(10));
    files.releasedir(node, handle);
  }

  @Test
  void answersOfAnotherKindAreRefused() {
    for (UnaryOperator<Reply.Builder> lie :
        List.<UnaryOperator<Reply.Builder>>of(
            _ -> Reply.newBuilder().setFolderPage(evil.page("f")),
            _ -> Reply.newBuilder().setDone(io.wormhole.protocol.wire.message.Done.newBuilder()),
            _ -> Reply.newBuilder().setChanged(evil.file()))) {
      evil.lie = lie;
      assertErrno(() -> lookup(files, "f"), Errno.EIO);
    }
  }

  private void laneEndsWith(LyingHost.Frames frames) throws Exception {
    evil.frames = frames;
    long end = System.nanoTime() + 20_000_000_000L;
    for (int i = 0; !lanes.getFirst().closed().isDone(); i++) {
      assertThat(System.nanoTime()).as("the lane is closed").isLessThan(end);
      try {
        lookup(files, "name-" + i);
      } catch (ErrnoException refused) {
        assertThat(refused.errno()).isIn(Errno.EIO, Errno.ENOENT, Errno.ETIMEDOUT);
      }
    }
    // From here on nobody is asked.
    assertErrno(() -> lookup(files, "f"), Errno.EIO, Errno.ETIMEDOUT);
  }

  @Test
  void answerToARequestThatWasNeverMadeEndsTheLane() throws Exception {
    byte[] unasked =
        RawStream.frame(FrameType.REPLY, Reply.newBuilder().setId(999).build().toByteArray());
    laneEndsWith((_, frame) -> List.of(unasked, frame));
  }

  @Test
  void secondAnswerEndsTheLane() throws Exception {
    laneEndsWith((_, frame) -> List.of(frame, frame));
  }

  @Test
  void oversizedFrameEndsTheLaneBeforeMemoryIsTaken() throws Exception {
    byte[] header = {0x7f, -1, -1, -1, 0x11, 0, 0, 0};
    laneEndsWith((_, _) -> List.of(header));
  }

  @Test
  void chunkWhereNoneWasAskedForEndsTheLane() throws Exception {
    byte[] chunk = new byte[ChunkHeader.BYTES];
    chunk[7] = 1;
    laneEndsWith((_, _) -> List.of(RawStream.frame(FrameType.CHUNK, chunk)));
  }

  @Test
  void silenceEndsByTheDeadline() throws Exception {
    long node = lookup(files, "f");
    long handle = files.open(node);
    // EIO where new lanes were looked for in vain meanwhile.
    evil.frames = (_, _) -> List.of();
    assertErrno(() -> lookup(files, "g"), Errno.ETIMEDOUT, Errno.EIO);
    assertErrno(() -> list(files, 100), Errno.ETIMEDOUT, Errno.EIO);
    assertErrno(() -> read(files, node, handle, 0, 50_000), Errno.ETIMEDOUT, Errno.EIO);
    // And half an answer is none.
    evil.frames = (_, frame) -> List.of(Arrays.copyOf(frame, frame.length - 1));
    assertErrno(() -> lookup(files, "h"), Errno.ETIMEDOUT, Errno.EIO);
  }

  @Test
  void kernelMountOfALiarAnswersEachCallAndIsUnmounted() throws Exception {
    assumeTrue(
        "root".equals(System.getProperty("user.name")) && Files.isWritable(Path.of("/dev/fuse")),
        "not root, or /dev/fuse is missing");
    Path at = Files.createDirectory(work.resolve("mnt"));
    KernelMount kernel =
        new DeviceBackend(DeviceSettings.DEFAULTS, System::nanoTime)
            .mount(new MountOptions(at, "liar"), files);
    try {
      assertThat(Files.size(at.resolve("f"))).isEqualTo(evil.content.length);
      evil.data = EvilHostTest::firstBitFlipped;
      assertThatThrownBy(() -> Files.readAllBytes(at.resolve("f")))
          .isInstanceOf(java.io.IOException.class);
      pagesAre(
          page -> page.addEntries(LyingHost.entry(ByteString.copyFromUtf8("../f"), evil.file())));
      assertThatThrownBy(() -> listing(at)).isInstanceOf(Exception.class);
      // The folder itself, and a folder again and again, under names of its own.
      pagesAre(page ->
          page.addEntries(LyingHost.entry(ByteString.copyFromUtf8("self"), LyingHost.folder()))
              .addEntries(
                  LyingHost.entry(
                      ByteString.copyFromUtf8("twice"), LyingHost.folder().setInode(50)))
              .addEntries(
                  LyingHost.entry(
                      ByteString.copyFromUtf8("again"), LyingHost.folder().setInode(50)))
              .addEntries(
                  LyingHost.entry(ByteString.copyFromUtf8("f"), LyingHost.folder().setInode(51))));
      try {
        assertThat(listing(at)).isNotEmpty();
        Files.exists(at.resolve("self/self"));
        Files.exists(at.resolve("twice/again/twice"));
      } catch (java.io.IOException | java.io.UncheckedIOException answered) {
        assertThat(answered).isNotNull();
      }
      pagesAre(UnaryOperator.identity());
    } finally {
      kernel.forceUnmount();
      kernel.ended().get(20, TimeUnit.SECONDS);
    }
  }

  private static List<Path> listing(Path folder) throws java.io.IOException {
    try (var entries = Files.list(folder)) {
      return entries.toList();
    }
  }
}
