package io.wormhole.daemon.host;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.message.Attributes;
import io.wormhole.protocol.wire.message.FailureCode;
import io.wormhole.protocol.wire.message.ReadSmallFiles;
import io.wormhole.protocol.wire.message.Request;
import io.wormhole.protocol.wire.message.SmallFile;
import io.wormhole.protocol.wire.message.WholeFile;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Many small files to one request: all of a file at the version that is wanted, or nothing. */
@Timeout(60)
class SmallFilesTest {
  @TempDir Path work;
  private Path root;
  private TestShare share;

  @BeforeEach
  void share() throws Exception {
    root = Files.createDirectory(work.resolve("root"));
    Files.createDirectory(root.resolve("sub"));
    share = new TestShare(work.resolve("state"), root);
  }

  @AfterEach
  void close() {
    share.close();
  }

  private byte[] write(String name, int length) throws Exception {
    byte[] bytes = new byte[length];
    new Random(length).nextBytes(bytes);
    Files.write(root.resolve("sub").resolve(name), bytes);
    return bytes;
  }

  private SmallFile.Builder wish(String name) {
    Attributes seen = share.attributes("sub/" + name).reply().getAttributes();
    return SmallFile.newBuilder()
        .setName(ByteString.copyFromUtf8(name))
        .setVersion(seen.getVersion())
        .setLength((int) seen.getSize());
  }

  private RecordingResponder ask(SmallFile.Builder... wishes) {
    ReadSmallFiles.Builder read = ReadSmallFiles.newBuilder().setFolder(TestShare.path("sub"));
    Arrays.stream(wishes).forEach(read::addFiles);
    return share.ask(Request.newBuilder().setDeadlineMillis(1000).setReadSmallFiles(read));
  }

  private WholeFile one(SmallFile.Builder wish) {
    return ask(wish).reply().getSmallFiles().getFiles(0);
  }

  private static boolean isIntact(WholeFile file) {
    return Blake3.plain()
        .verify(
            MemorySegment.ofArray(file.getData().toByteArray()),
            file.getHash().toByteArray(),
            file.getChainingValues().toByteArray())
        .isIntact();
  }

  @Test
  void allOfEachComesInTheOrderTheyWereAskedFor() throws Exception {
    byte[] small = write("small", 100);
    byte[] group = write("group", Limits.GROUP_BYTES);
    byte[] large = write("large", Limits.CHUNK_BYTES);

    var files = ask(wish("large"), wish("small"), wish("group")).reply().getSmallFiles();

    assertThat(files.getFilesList())
        .extracting(file -> file.getData().toByteArray())
        .containsExactly(large, small, group);
    assertThat(files.getFilesList()).allMatch(SmallFilesTest::isIntact);
    assertThat(share.session.bytesServed()).isEqualTo(large.length + small.length + group.length);
  }

  @Test
  void anotherVersionIsLeftOut() throws Exception {
    write("f", 5000);
    SmallFile.Builder before = wish("f");
    write("f", 5001);

    assertThat(one(before)).isEqualTo(WholeFile.getDefaultInstance());
    assertThat(one(wish("f").setLength(4999))).isEqualTo(WholeFile.getDefaultInstance());
  }

  @Test
  void whatIsNoFileOfThatFolderIsLeftOutAndTheOthersCome() throws Exception {
    byte[] bytes = write("f", 10);
    Files.createSymbolicLink(root.resolve("sub/link"), Path.of("f"));
    Files.createDirectory(root.resolve("sub/folder"));
    Files.write(root.resolve("outside"), new byte[10]);
    SmallFile.Builder good = wish("f");

    var files =
        ask(
                good.clone().setName(ByteString.copyFromUtf8("gone")),
                good.clone().setName(ByteString.copyFromUtf8("link")),
                good.clone().setName(ByteString.copyFromUtf8("folder")),
                good.clone().setName(ByteString.copyFromUtf8("../outside")),
                good.clone().setName(ByteString.copyFromUtf8("..")),
                good.clone().setName(ByteString.EMPTY),
                good)
            .reply()
            .getSmallFiles();

    assertThat(files.getFilesList().subList(0, 6)).allMatch(WholeFile.getDefaultInstance()::equals);
    assertThat(files.getFiles(6).getData().toByteArray()).isEqualTo(bytes);
  }

  @Test
  void moreThanARequestMayAskForIsRefused() throws Exception {
    write("f", 100);
    SmallFile.Builder good = wish("f");
    SmallFile.Builder[] many =
        IntStream.rangeClosed(0, Limits.SMALL_FILES)
            .mapToObj(_ -> good)
            .toArray(SmallFile.Builder[]::new);

    assertThat(ask(many).failure()).isEqualTo(FailureCode.FAILURE_CODE_MALFORMED);
    assertThat(
            ask(
                    good.clone().setLength(Limits.CHUNK_BYTES),
                    good.clone().setLength(Limits.SMALL_FILES_BYTES - Limits.CHUNK_BYTES + 1))
                .failure())
        .isEqualTo(FailureCode.FAILURE_CODE_MALFORMED);
    assertThat(ask(good.clone().setLength(0)).failure())
        .isEqualTo(FailureCode.FAILURE_CODE_MALFORMED);
    assertThat(ask(good.clone().setLength(-1)).failure())
        .isEqualTo(FailureCode.FAILURE_CODE_MALFORMED);
    assertThat(ask(good.clone().setLength(Limits.CHUNK_BYTES + 1)).failure())
        .isEqualTo(FailureCode.FAILURE_CODE_MALFORMED);
    assertThat(ask(good.clone().setVersion(ByteString.copyFrom(new byte[15]))).failure())
        .isEqualTo(FailureCode.FAILURE_CODE_MALFORMED);
  }

  @Test
  void theLargestAnswerFitsAReply() throws Exception {
    SmallFile.Builder[] wishes = new SmallFile.Builder[Limits.SMALL_FILES];
    for (int i = 0; i < wishes.length; i++) {
      write("f" + i, Limits.SMALL_FILES_BYTES / Limits.SMALL_FILES);
      wishes[i] = wish("f" + i);
    }

    int bytes = ask(wishes).reply().getSerializedSize();

    assertThat(bytes).isBetween(Limits.SMALL_FILES_BYTES, Limits.REPLY_BYTES);
  }

  @Test
  void whoHasGoneIsReadNothing() throws Exception {
    write("f", 100);
    RecordingResponder gone = new RecordingResponder(true);
    Request request =
        Request.newBuilder()
            .setId(1)
            .setReadSmallFiles(
                ReadSmallFiles.newBuilder().setFolder(TestShare.path("sub")).addFiles(wish("f")))
            .build();

    share.session.handle(request, gone);

    assertThat(gone.failure()).isEqualTo(FailureCode.FAILURE_CODE_CANCELLED);
    assertThat(share.session.bytesServed()).isZero();
  }
}
