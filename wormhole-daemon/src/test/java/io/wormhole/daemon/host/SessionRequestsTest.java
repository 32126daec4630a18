package io.wormhole.daemon.host;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.protobuf.ByteString;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.message.Attributes;
import io.wormhole.protocol.wire.message.Cancel;
import io.wormhole.protocol.wire.message.CloseHandles;
import io.wormhole.protocol.wire.message.FailureCode;
import io.wormhole.protocol.wire.message.FileKind;
import io.wormhole.protocol.wire.message.FileSystem;
import io.wormhole.protocol.wire.message.FirstBytes;
import io.wormhole.protocol.wire.message.FolderEntry;
import io.wormhole.protocol.wire.message.FolderPage;
import io.wormhole.protocol.wire.message.GetAttributes;
import io.wormhole.protocol.wire.message.GetFileSystem;
import io.wormhole.protocol.wire.message.NewLaneToken;
import io.wormhole.protocol.wire.message.OpenFile;
import io.wormhole.protocol.wire.message.OpenedFile;
import io.wormhole.protocol.wire.message.Ping;
import io.wormhole.protocol.wire.message.ReadFile;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class SessionRequestsTest {
  private static final int CHUNK = Limits.CHUNK_BYTES;
  private static final int MANY = 20_000;
  private static final int SEVERAL = 2_200;

  @TempDir Path work;
  private Path root;
  private TestShare share;

  @BeforeEach
  void share() throws Exception {
    root = Files.createDirectory(work.resolve("root"));
    share = new TestShare(work.resolve("state"), root);
  }

  @AfterEach
  void close() {
    share.close();
  }

  @Test
  void attributesAreTheHostsOwn() throws Exception {
    Path file = root.resolve("f");
    Files.write(file, new byte[5000]);
    Files.createLink(root.resolve("g"), file);
    Files.setLastModifiedTime(file, FileTime.from(Instant.ofEpochSecond(1_234_567, 123_456_789)));
    NativeFiles.mode(NativeFiles.bytes(file), 07754);
    Attributes seen = share.attributes("f").reply().getAttributes();
    assertThat(seen.getKind()).isEqualTo(FileKind.FILE_KIND_REGULAR);
    assertThat(seen.getInode()).isEqualTo((long) Files.getAttribute(file, "unix:ino"));
    assertThat(seen.getLinks()).isEqualTo(2);
    assertThat(seen.getMode()).isEqualTo(0754);
    assertThat(seen.getSize()).isEqualTo(5000);
    assertThat(seen.getBlocks()).isPositive();
    assertThat(seen.getMtimeSeconds()).isEqualTo(1_234_567);
    assertThat(seen.getMtimeNanos()).isEqualTo(123_456_789);
    assertThat(seen.getVersion().size()).isEqualTo(Limits.VERSION_BYTES);
    assertThat(share.attributes("g").reply().getAttributes()).isEqualTo(seen);
    Instant changed = ((FileTime) Files.getAttribute(file, "unix:ctime")).toInstant();
    assertThat(seen.getCtimeSeconds()).isEqualTo(changed.getEpochSecond());
    assertThat(seen.getCtimeNanos()).isEqualTo(changed.getNano());
    Attributes top = share.attributes("").reply().getAttributes();
    assertThat(top.getKind()).isEqualTo(FileKind.FILE_KIND_DIRECTORY);
    assertThat(top.getVersion().isEmpty()).isTrue();
  }

  @Test
  void inodeNumberUsedAgainIsANewGeneration() throws Exception {
    Map<Long, Long> generations = new HashMap<>();
    boolean reused = false;
    for (int i = 0; i < 200 && !reused; i++) {
      Files.write(root.resolve("f"), new byte[1]);
      Attributes seen = share.attributes("f").reply().getAttributes();
      Long before = generations.put(seen.getInode(), seen.getGeneration());
      reused = before != null;
      if (before != null) {
        assertThat(seen.getGeneration()).isNotEqualTo(before);
      }
      Files.delete(root.resolve("f"));
    }
    assumeTrue(reused, "this file system never uses an inode number again");
  }

  @Test
  void anyNameComesThrough() throws Exception {
    List<byte[]> names = new ArrayList<>();
    for (String name :
        List.of(
            "new\nline", "-dash", "\u00ff\u00fe", "sp ace", "x".repeat(255), "\\", "...", "*")) {
      names.add(name.getBytes(ISO_8859_1));
    }
    names.add("\u00e4\u4e2d".getBytes(UTF_8));
    byte[] folder = NativeFiles.bytes(root);
    for (byte[] name : names) {
      NativeFiles.emptyFile(NativeFiles.below(folder, name));
    }
    FolderPage page = share.listAll("");
    assertThat(page.getEntriesList())
        .extracting(FolderEntry::getName)
        .containsExactlyInAnyOrderElementsOf(names.stream().map(ByteString::copyFrom).toList());
    assertThat(page.getHidden()).isZero();
    for (FolderEntry entry : page.getEntriesList()) {
      var path = io.wormhole.protocol.wire.message.Path.newBuilder().addNames(entry.getName());
      Attributes seen =
          share
              .ask(TestShare.request().setGetAttributes(GetAttributes.newBuilder().setPath(path)))
              .reply()
              .getAttributes();
      assertThat(seen).isEqualTo(entry.getAttributes());
      assertThat(
              share
                  .ask(TestShare.request().setOpenFile(OpenFile.newBuilder().setPath(path)))
                  .reply()
                  .hasOpenedFile())
          .isTrue();
    }
  }

  @Test
  void namesNoFileMayHaveAreRefused() {
    FailureCode bad = FailureCode.FAILURE_CODE_BAD_NAME;
    FailureCode tooLong = FailureCode.FAILURE_CODE_NAME_TOO_LONG;
    assertThat(share.attributes("..").failure()).isEqualTo(bad);
    assertThat(share.attributes("a/.").failure()).isEqualTo(bad);
    assertThat(share.attributes("a//b").failure()).isEqualTo(bad);
    assertThat(share.open("a\0b").failure()).isEqualTo(bad);
    assertThat(share.list("x".repeat(256)).failure()).isEqualTo(tooLong);
    assertThat(share.list("x/".repeat(129)).failure()).isEqualTo(tooLong);
    assertThat(share.list(("y".repeat(200) + "/").repeat(21)).failure()).isEqualTo(tooLong);
    assertThat(share.attributes("absent").failure()).isEqualTo(FailureCode.FAILURE_CODE_NOT_FOUND);
  }

  @Test
  void whatIsNotShownIsCounted() throws Exception {
    Files.createDirectories(root.resolve("a/b"));
    Files.write(root.resolve("f"), new byte[1]);
    byte[] folder = NativeFiles.bytes(root.resolve("a"));
    link(folder, "up", "../f");
    link(folder, "beside", "b");
    link(folder, "dangling", "nothing/here");
    link(folder, "tooFarUp", "../../f");
    link(folder, "absolute", "/etc/passwd");
    link(folder, "around", "b/../../f");
    NativeFiles.fifo(NativeFiles.below(folder, "fifo".getBytes(UTF_8)));
    FolderPage page = share.listAll("a");
    Map<String, Attributes> shown = new TreeMap<>();
    page.getEntriesList()
        .forEach(entry -> shown.put(entry.getName().toStringUtf8(), entry.getAttributes()));
    assertThat(shown).containsOnlyKeys("b", "up", "beside", "dangling");
    assertThat(page.getHidden()).isEqualTo(4);
    Attributes up = shown.get("up");
    assertThat(up).isNotNull();
    assertThat(up.getKind()).isEqualTo(FileKind.FILE_KIND_SYMLINK);
    assertThat(up.getLinkTarget().toStringUtf8()).isEqualTo("../f");
    assertThat(unread(share.attributes("a/up").reply().getAttributes())).isEqualTo(unread(up));
    for (String hidden : List.of("tooFarUp", "absolute", "around", "fifo")) {
      assertThat(share.attributes("a/" + hidden).failure())
          .isEqualTo(FailureCode.FAILURE_CODE_NOT_SERVED);
      assertThat(share.open("a/" + hidden).failure())
          .isEqualTo(FailureCode.FAILURE_CODE_NOT_SERVED);
    }
  }

  @Test
  void entriesTooDeepAreCountedAndFoldersAboveAreServed() throws Exception {
    String deep = "d/".repeat(Limits.PATH_DEPTH);
    Files.createDirectories(root.resolve(deep));
    Files.write(root.resolve(deep + "f"), new byte[1]);
    FolderPage page = share.listAll(deep);
    assertThat(page.getEntriesCount()).isZero();
    assertThat(page.getHidden()).isEqualTo(1);
    assertThat(share.listAll("d/".repeat(Limits.PATH_DEPTH - 1)).getEntriesCount()).isEqualTo(1);
  }

  @Test
  void mountedFileSystemIsListedAsAnEmptyFolder() throws Exception {
    Path point = Files.createDirectory(root.resolve("mounted"));
    Files.write(point.resolve("covered"), new byte[1]);
    NativeFiles.mountTmpfs(NativeFiles.bytes(point));
    try {
      Files.write(point.resolve("other"), new byte[1]);
      FolderEntry entry = share.listAll("").getEntries(0);
      Attributes seen = share.attributes("mounted").reply().getAttributes();
      assertThat(entry.getAttributes()).isEqualTo(seen);
      assertThat(seen.getKind()).isEqualTo(FileKind.FILE_KIND_DIRECTORY);
      FolderPage page = share.list("mounted").reply().getFolderPage();
      assertThat(page.getFolder()).isEqualTo(seen);
      assertThat(page.getEntriesCount()).isZero();
      assertThat(page.getHandle()).isZero();
      assertThat(share.attributes("mounted/other").failure())
          .isEqualTo(FailureCode.FAILURE_CODE_NOT_FOUND);
    } finally {
      NativeFiles.unmount(NativeFiles.bytes(point));
    }
  }

  @Test
  void mountThatDoesNotAnswerHoldsNobodyUp() throws Exception {
    byte[] point = NativeFiles.bytes(Files.createDirectory(root.resolve("silent")));
    int device = NativeFiles.mountSilent(point);
    try {
      FolderEntry entry = share.listAll("").getEntries(0);
      assertThat(entry.getAttributes().getKind()).isEqualTo(FileKind.FILE_KIND_DIRECTORY);
      assertThat(share.attributes("silent").reply().getAttributes())
          .isEqualTo(entry.getAttributes());
      assertThat(share.list("silent").reply().getFolderPage().getEntriesCount()).isZero();
      assertThat(share.open("silent").failure()).isEqualTo(FailureCode.FAILURE_CODE_IS_A_FOLDER);
      assertThat(share.open("silent/f").failure()).isEqualTo(FailureCode.FAILURE_CODE_NOT_FOUND);
    } finally {
      NativeFiles.unmountSilent(point, device);
    }
  }

  @Test
  void unreadableEntriesAreListedAndDenied() throws Exception {
    Files.write(root.resolve("secret"), new byte[10]);
    NativeFiles.mode(NativeFiles.bytes(root.resolve("secret")), 0600);
    Files.createDirectory(root.resolve("closed"));
    NativeFiles.mode(NativeFiles.bytes(root.resolve("closed")), 0700);
    Files.createDirectory(root.resolve("unsearchable"));
    Files.write(root.resolve("unsearchable/f"), new byte[10]);
    NativeFiles.mode(NativeFiles.bytes(root.resolve("unsearchable")), 0744);
    openTheWayTo(root);
    asOrdinaryUser(() -> {
      FailureCode denied = FailureCode.FAILURE_CODE_ACCESS_DENIED;
      assertThat(share.listAll("").getEntriesList())
          .extracting(entry -> entry.getName().toStringUtf8())
          .containsExactlyInAnyOrder("secret", "closed", "unsearchable");
      assertThat(share.attributes("secret").reply().getAttributes().getSize()).isEqualTo(10);
      assertThat(share.open("secret").failure()).isEqualTo(denied);
      assertThat(share.list("closed").failure()).isEqualTo(denied);
      FolderPage page = share.listAll("unsearchable");
      assertThat(page.getEntriesCount()).isEqualTo(1);
      assertThat(page.getEntries(0).getAttributes().getMode()).isZero();
      assertThat(share.attributes("unsearchable/f").failure()).isEqualTo(denied);
    });
  }

  @Test
  void openChecksWhatTheClientBelieves() throws Exception {
    Files.write(root.resolve("f"), new byte[1]);
    Attributes seen = share.attributes("f").reply().getAttributes();
    assertThat(openBelieving(seen.getInode(), seen.getGeneration()).reply().hasOpenedFile())
        .isTrue();
    FailureCode stale = FailureCode.FAILURE_CODE_STALE;
    assertThat(openBelieving(seen.getInode(), seen.getGeneration() + 1).failure()).isEqualTo(stale);
    assertThat(openBelieving(seen.getInode() + 1, seen.getGeneration()).failure()).isEqualTo(stale);
    Files.createDirectory(root.resolve("d"));
    assertThat(share.open("d").failure()).isEqualTo(FailureCode.FAILURE_CODE_IS_A_FOLDER);
    assertThat(share.list("f").failure()).isEqualTo(FailureCode.FAILURE_CODE_NOT_A_FOLDER);
    assertThat(share.open("f/g").failure()).isEqualTo(FailureCode.FAILURE_CODE_NOT_A_FOLDER);
  }

  @Test
  void openBringsTheFirstBytesThatWereAskedFor() throws Exception {
    byte[] content = new byte[CHUNK];
    new Random(11).nextBytes(content);
    Files.write(root.resolve("f"), content);
    Files.write(root.resolve("short"), Arrays.copyOf(content, 100));
    Files.write(root.resolve("empty"), new byte[0]);
    assertFirst(share.open("f", Limits.GROUP_BYTES), Arrays.copyOf(content, Limits.GROUP_BYTES));
    assertFirst(share.open("f", 10), Arrays.copyOf(content, 10));
    assertFirst(share.open("short", Limits.GROUP_BYTES), Arrays.copyOf(content, 100));
    assertThat(share.session.bytesServed()).isEqualTo(Limits.GROUP_BYTES + 110);
    assertThat(share.open("empty", 10).reply().getOpenedFile().hasFirst()).isFalse();
    assertThat(share.opened("f").hasFirst()).isFalse();
  }

  private static void assertFirst(RecordingResponder answer, byte[] expected) {
    FirstBytes first = answer.reply().getOpenedFile().getFirst();
    assertThat(first.getData().toByteArray()).isEqualTo(expected);
    assertThat(first.getHash().toByteArray())
        .isEqualTo(Blake3.plain().hash(MemorySegment.ofArray(expected)).hash().bytes());
  }

  @Test
  void moreFirstBytesThanAGroupAreRefusedAndNothingStaysOpen() throws Exception {
    Files.write(root.resolve("f"), new byte[1]);
    FailureCode malformed = FailureCode.FAILURE_CODE_MALFORMED;
    assertThat(share.open("f", Limits.GROUP_BYTES + 1).failure()).isEqualTo(malformed);
    assertThat(share.open("f", -1).failure()).isEqualTo(malformed);
    assertThat(share.session.handles().count()).isEqualTo(new Handles.Count(0, 0));
  }

  @Test
  void fileThatIsBeingWrittenBringsNoFirstBytes() throws Exception {
    Files.write(root.resolve("f"), new byte[100]);
    Instant now = ((FileTime) Files.getAttribute(root.resolve("f"), "unix:ctime")).toInstant();
    // Within the tick that stamped it, a write could leave the same stamp.
    try (TestShare young =
        new TestShare(work.resolve("state"), root, Clock.fixed(now, ZoneOffset.UTC), 1 << 20)) {
      OpenedFile opened = young.open("f", 10).reply().getOpenedFile();
      assertThat(opened.hasFirst()).isFalse();
      assertThat(opened.getHandle()).isNotZero();
    }
  }

  @Test
  void handlesAreGivenBackWithAnyRequest() throws Exception {
    Files.write(root.resolve("f"), new byte[1]);
    long one = share.opened("f").getHandle();
    long two = share.opened("f").getHandle();
    share.ask(
        TestShare.request()
            .setGetFileSystem(GetFileSystem.getDefaultInstance())
            .addClosedHandles(one)
            .addClosedHandles(two)
            .addClosedHandles(12_345));
    assertThat(share.session.handles().count()).isEqualTo(new Handles.Count(0, 0));
    var tooMany = TestShare.request().setCloseHandles(CloseHandles.getDefaultInstance());
    for (int i = 0; i <= Limits.CLOSED_HANDLES; i++) {
      tooMany.addClosedHandles(i);
    }
    assertThat(share.ask(tooMany).failure()).isEqualTo(FailureCode.FAILURE_CODE_MALFORMED);
  }

  @Test
  void openFileWorksPastTheBoundOnDescriptors() throws Exception {
    Files.write(root.resolve("f"), new byte[] {1});
    Files.write(root.resolve("g"), new byte[] {2});
    try (TestShare poor = new TestShare(work.resolve("state"), root, TestShare.LATER, 1)) {
      OpenedFile held = poor.opened("f");
      OpenedFile bare = poor.opened("f");
      assertThat(poor.session.handles().count()).isEqualTo(new Handles.Count(2, 1));
      ByteString version = bare.getAttributes().getVersion();
      assertThat(poor.read(bare.getHandle(), version, 0, CHUNK).data()).containsExactly(1);
      assertThat(unread(poor.attributes(bare.getHandle()))).isEqualTo(unread(bare.getAttributes()));

      Files.move(root.resolve("g"), root.resolve("f"), StandardCopyOption.REPLACE_EXISTING);
      FailureCode stale = FailureCode.FAILURE_CODE_STALE;
      assertThat(poor.read(bare.getHandle(), version, 0, CHUNK).failure()).isEqualTo(stale);
      assertThat(poor.read(held.getHandle(), ByteString.EMPTY, 0, CHUNK).data()).containsExactly(1);
      Files.delete(root.resolve("f"));
      assertThat(poor.read(bare.getHandle(), version, 0, CHUNK).failure()).isEqualTo(stale);

      poor.closeHandle(held.getHandle());
      assertThat(poor.budget.left()).isEqualTo(1);
      poor.closeHandle(bare.getHandle());
      assertThat(poor.budget.left()).isEqualTo(1);
    }
  }

  @Test
  void handlesAreBoundedAndNeverUsedAgain() throws Exception {
    Files.write(root.resolve("f"), new byte[] {1});
    long first = share.opened("f").getHandle();
    share.closeHandle(first);
    share.closeHandle(first);
    for (int i = 0; i < Handles.MOST; i++) {
      assertThat(share.opened("f").getHandle()).isGreaterThan(first);
    }
    assertThat(share.session.handles().count())
        .isEqualTo(new Handles.Count(Handles.MOST, Limits.OPEN_HANDLES));
    assertThat(share.open("f").failure()).isEqualTo(FailureCode.FAILURE_CODE_TOO_MANY_OPEN);
    assertThat(share.read(first, ByteString.EMPTY, 0, 1).failure())
        .isEqualTo(FailureCode.FAILURE_CODE_BAD_HANDLE);
  }

  @Test
  void endedSessionHoldsNoDescriptor() throws Exception {
    Files.write(root.resolve("f"), new byte[] {1});
    long before = ownDescriptors();
    for (int i = 0; i < 50; i++) {
      share.opened("f");
    }
    assertThat(ownDescriptors()).isGreaterThanOrEqualTo(before + 50);
    share.session.close();
    assertThat(ownDescriptors()).isLessThan(before + 50);
    assertThat(ownDescriptorsOf("f")).isZero();
    assertThat(share.budget.left()).isEqualTo(1 << 20);
    assertThat(share.open("f").failure()).isEqualTo(FailureCode.FAILURE_CODE_BAD_HANDLE);
    assertThat(ownDescriptorsOf("f")).isZero();
  }

  @Test
  void fileClosedWhileItIsReadIsClosedOnce() throws Exception {
    byte[] ones = new byte[CHUNK];
    Arrays.fill(ones, (byte) 1);
    Files.write(root.resolve("f"), ones);
    for (int round = 0; round < 60; round++) {
      long handle = share.opened("f").getHandle();
      CompletableFuture<Void> reader =
          CompletableFuture.runAsync(() -> {
            RecordingResponder answer = share.read(handle, ByteString.EMPTY, 0, CHUNK);
            if (answer.isChunk()) {
              // Of no file that took the descriptor's number over.
              assertThat(answer.data()).isEqualTo(ones);
            } else {
              assertThat(answer.failure()).isEqualTo(FailureCode.FAILURE_CODE_BAD_HANDLE);
            }
          });
      share.closeHandle(handle);
      reader.get(10, TimeUnit.SECONDS);
    }
    assertThat(ownDescriptorsOf("f")).isZero();
  }

  @Test
  void smallFolderHoldsNothing() throws Exception {
    Files.write(root.resolve("f"), new byte[] {1});
    FolderPage page = share.list("").reply().getFolderPage();
    assertThat(page.getHandle()).isZero();
    assertThat(unread(page.getFolder()))
        .isEqualTo(unread(share.attributes("").reply().getAttributes()));
    assertThat(share.session.handles().count()).isEqualTo(new Handles.Count(0, 0));
    assertThat(ownDescriptorsOf("root")).isEqualTo(1);
  }

  @Test
  void largeFolderComesInPagesWhileItChanges() throws Exception {
    Path large = Files.createDirectory(root.resolve("large"));
    fill(large, MANY);
    AtomicBoolean stop = new AtomicBoolean();
    CompletableFuture<Void> changing = CompletableFuture.runAsync(() -> churn(large, stop));
    Map<String, Integer> seen = new HashMap<>();
    try {
      FolderPage page = share.list("large").reply().getFolderPage();
      int pages = 1;
      count(page, seen);
      while (page.getHandle() != 0) {
        page = share.listMore(page.getHandle()).reply().getFolderPage();
        assertThat(page.getSerializedSize()).isLessThan(Limits.REPLY_BYTES);
        assertThat(page.getEntriesCount()).isLessThanOrEqualTo(Limits.PAGE_ENTRIES);
        pages++;
        count(page, seen);
      }
      assertThat(pages).isGreaterThanOrEqualTo(MANY / Limits.PAGE_ENTRIES);
    } finally {
      stop.set(true);
      changing.get(10, TimeUnit.SECONDS);
    }
    for (int i = 0; i < MANY; i++) {
      assertThat(seen.get("stays" + i)).as("stays%d", i).isEqualTo(1);
    }
    assertThat(share.session.handles().count()).isEqualTo(new Handles.Count(0, 0));
  }

  @Test
  void listingGoesOnWithoutADescriptor() throws Exception {
    Path large = Files.createDirectory(root.resolve("large"));
    fill(large, SEVERAL);
    try (TestShare poor = new TestShare(work.resolve("state"), root, TestShare.LATER, 0)) {
      Map<String, Integer> seen = new HashMap<>();
      count(poor.listAll("large"), seen);
      assertThat(seen).hasSize(SEVERAL).containsValue(1).doesNotContainValue(2);

      FolderPage first = poor.list("large").reply().getFolderPage();
      assertThat(poor.session.handles().count()).isEqualTo(new Handles.Count(1, 0));
      Files.move(large, root.resolve("moved"));
      Files.createDirectory(large);
      assertThat(poor.listMore(first.getHandle()).failure())
          .isEqualTo(FailureCode.FAILURE_CODE_STALE);
    }
  }

  @Test
  void longEntriesMakePagesThatFitAReply() throws Exception {
    byte[] folder = NativeFiles.bytes(root);
    byte[] target = "t/".repeat(Limits.LINK_TARGET_BYTES / 2).getBytes(UTF_8);
    for (int i = 0; i < 200; i++) {
      byte[] name = ("%03d".formatted(i) + "l".repeat(252)).getBytes(UTF_8);
      NativeFiles.link(NativeFiles.below(folder, name), target);
    }
    RecordingResponder first = share.list("");
    assertThat(first.reply().getSerializedSize()).isLessThan(Limits.REPLY_BYTES);
    assertThat(first.reply().getFolderPage().getHandle()).isNotZero();
    assertThat(share.listAll("").getEntriesCount()).isEqualTo(200);
  }

  @Test
  void theRestIsAnswered() {
    assertThat(share.ask(TestShare.request().setPing(Ping.getDefaultInstance())).reply().hasDone())
        .isTrue();
    assertThat(
            share
                .ask(TestShare.request().setNewLaneToken(NewLaneToken.getDefaultInstance()))
                .reply()
                .getLaneToken()
                .getToken()
                .toByteArray())
        .isEqualTo(TestShare.TOKEN);
    FileSystem figures =
        share
            .ask(TestShare.request().setGetFileSystem(GetFileSystem.getDefaultInstance()))
            .reply()
            .getFileSystem();
    assertThat(figures.getBlockSize() * figures.getBlocks())
        .isEqualTo(root.toFile().getTotalSpace());
    assertThat(figures.getNameMax()).isEqualTo(255);
    FailureCode unknown = FailureCode.FAILURE_CODE_UNKNOWN_REQUEST;
    assertThat(share.ask(TestShare.request()).failure()).isEqualTo(unknown);
    assertThat(share.ask(TestShare.request().setCancel(Cancel.getDefaultInstance())).failure())
        .isEqualTo(unknown);
    assertThat(share.session.requestsServed()).isEqualTo(5);
  }

  @Test
  void abandonedRequestsTouchNoFile() {
    RecordingResponder gone = new RecordingResponder(true);
    share.session.handle(
        TestShare.request().setReadFile(ReadFile.newBuilder().setHandle(1)).build(), gone);
    assertThat(gone.failure()).isEqualTo(FailureCode.FAILURE_CODE_CANCELLED);
  }

  /** Without the time of reading, which looking changes. */
  private static Attributes unread(Attributes attributes) {
    return attributes.toBuilder().clearAtimeSeconds().clearAtimeNanos().build();
  }

  private RecordingResponder openBelieving(long inode, long generation) {
    return share.ask(
        TestShare.request()
            .setOpenFile(
                OpenFile.newBuilder()
                    .setPath(TestShare.path("f"))
                    .setInode(inode)
                    .setGeneration(generation)));
  }

  private static void link(byte[] folder, String name, String target) {
    NativeFiles.link(NativeFiles.below(folder, name.getBytes(UTF_8)), target.getBytes(UTF_8));
  }

  private static void fill(Path folder, int entries) {
    byte[] path = NativeFiles.bytes(folder);
    for (int i = 0; i < entries; i++) {
      NativeFiles.emptyFile(NativeFiles.below(path, ("stays" + i).getBytes(UTF_8)));
    }
  }

  /** Makes and removes entries beside those that stay, until told to stop. */
  private static void churn(Path folder, AtomicBoolean stop) {
    byte[] path = NativeFiles.bytes(folder);
    for (int i = 0; !stop.get(); i++) {
      NativeFiles.emptyFile(NativeFiles.below(path, ("comes" + i).getBytes(UTF_8)));
      if (i >= 500) {
        assertThat(folder.resolve("comes" + (i - 500)).toFile().delete()).isTrue();
      }
    }
  }

  private static void count(FolderPage page, Map<String, Integer> seen) {
    page.getEntriesList()
        .forEach(entry -> seen.merge(entry.getName().toStringUtf8(), 1, Integer::sum));
  }

  private static long ownDescriptors() throws Exception {
    try (var all = Files.list(Path.of("/proc/self/fd"))) {
      return all.count();
    }
  }

  private long ownDescriptorsOf(String name) throws Exception {
    Path wanted = work.resolve(name).equals(root) ? root : root.resolve(name);
    long count = 0;
    try (var all = Files.list(Path.of("/proc/self/fd"))) {
      for (Path descriptor : all.toList()) {
        // The listing's own descriptor is gone by now.
        if (Files.isSymbolicLink(descriptor) && Files.readSymbolicLink(descriptor).equals(wanted)) {
          count++;
        }
      }
    }
    return count;
  }

  /** Folders above the share let others through, which temporary folders do not. */
  private static void openTheWayTo(Path folder) {
    for (Path at = folder; at != null && at.getNameCount() > 1; at = at.getParent()) {
      NativeFiles.mode(NativeFiles.bytes(at), 0755);
    }
  }

  private static void asOrdinaryUser(Runnable action) throws Exception {
    CompletableFuture<Void> done = new CompletableFuture<>();
    Thread.ofPlatform()
        .start(() -> {
          try {
            NativeFiles.becomeOrdinary();
            action.run();
            done.complete(null);
          } catch (Throwable fault) {
            done.completeExceptionally(fault);
          }
        });
    done.get(20, TimeUnit.SECONDS);
  }
}
