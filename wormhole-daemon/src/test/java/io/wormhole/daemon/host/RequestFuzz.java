package io.wormhole.daemon.host;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.wormhole.daemon.transport.RequestHandler;
import io.wormhole.protocol.wire.message.GetAttributes;
import io.wormhole.protocol.wire.message.GetFileSystem;
import io.wormhole.protocol.wire.message.ListFolder;
import io.wormhole.protocol.wire.message.ListMore;
import io.wormhole.protocol.wire.message.OpenFile;
import io.wormhole.protocol.wire.message.ReadFile;
import io.wormhole.protocol.wire.message.Reply;
import io.wormhole.protocol.wire.message.Request;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Any request of a trusted peer, at a folder with everything odd in it: it is answered once, keeps
 * no buffer, and brings nothing of what is excluded or outside.
 */
public final class RequestFuzz {
  private static final ByteString OUTSIDE =
      ByteString.copyFrom("never to be told", StandardCharsets.UTF_8);
  private static final TestShare SHARE = share();

  private RequestFuzz() {}

  public static void fuzzerTestOneInput(byte[] input) {
    Request request;
    try {
      request = Request.parseFrom(input);
    } catch (InvalidProtocolBufferException none) {
      return;
    }
    RequestHandler handler = SHARE.session;
    RecordingResponder responder = new RecordingResponder();
    handler.handle(request, responder);
    if (responder.outstandingBuffers() != 0) {
      throw new AssertionError("a buffer was not given back");
    }
    byte[] bytes =
        responder.isChunk()
            ? responder.data()
            : responder.answered() instanceof Reply reply ? reply.toByteArray() : new byte[0];
    String text = new String(bytes, StandardCharsets.ISO_8859_1);
    if (text.contains(OUTSIDE.toStringUtf8()) || text.contains("hidden.key")) {
      throw new AssertionError("told what is not served");
    }
    if (SHARE.session.handles().count().open() > 1000) {
      for (long handle = 0;
          handle < 1 << 20 && SHARE.session.handles().count().open() > 0;
          handle++) {
        SHARE.session.handles().close(handle);
      }
    }
  }

  public static List<byte[]> seeds() {
    return List.of(
        seed(
            TestShare.request()
                .setOpenFile(
                    OpenFile.newBuilder().setPath(TestShare.path("folder/file")).setFirstBytes(9))),
        seed(TestShare.request().setListFolder(ListFolder.getDefaultInstance())),
        seed(TestShare.request().setListMore(ListMore.newBuilder().setHandle(1))),
        seed(
            TestShare.request()
                .setReadFile(ReadFile.newBuilder().setHandle(1).setLength(100).setOffset(3))),
        seed(
            TestShare.request()
                .setGetAttributes(
                    GetAttributes.newBuilder().setPath(TestShare.path("hidden.key")))),
        seed(
            TestShare.request()
                .setGetAttributes(GetAttributes.newBuilder().setPath(TestShare.path("out")))),
        seed(TestShare.request().setGetFileSystem(GetFileSystem.getDefaultInstance())));
  }

  private static byte[] seed(Request.Builder request) {
    return request.setId(1).build().toByteArray();
  }

  private static TestShare share() {
    try {
      Path work = Files.createTempDirectory("fuzz");
      Path root = Files.createDirectory(work.resolve("root"));
      Files.createDirectory(root.resolve("folder"));
      Files.writeString(root.resolve("folder/file"), "content of a file".repeat(100));
      Files.writeString(root.resolve("hidden.key"), OUTSIDE.toStringUtf8());
      Files.writeString(work.resolve("outside"), OUTSIDE.toStringUtf8());
      Files.createSymbolicLink(root.resolve("out"), work.resolve("outside"));
      Files.createSymbolicLink(root.resolve("up"), Path.of("../outside"));
      Files.createSymbolicLink(root.resolve("inside"), Path.of("folder/file"));
      TestShare share = new TestShare(work.resolve("state"), root);
      share.share.excludes().add(ExcludeGlobs.of(List.of("*.key")));
      Runtime.getRuntime().addShutdownHook(new Thread(() -> remove(work)));
      return share;
    } catch (IOException full) {
      throw new UncheckedIOException(full);
    } catch (ShareException refused) {
      throw new AssertionError(refused);
    }
  }

  private static void remove(Path work) {
    try (var all = Files.walk(work)) {
      for (Path each : all.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.delete(each);
      }
    } catch (IOException left) {
      throw new UncheckedIOException(left);
    }
  }
}
