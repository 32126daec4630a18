package io.wormhole.daemon.host;

import com.google.protobuf.ByteString;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.message.Attributes;
import io.wormhole.protocol.wire.message.CloseHandles;
import io.wormhole.protocol.wire.message.FolderEntry;
import io.wormhole.protocol.wire.message.FolderPage;
import io.wormhole.protocol.wire.message.GetAttributes;
import io.wormhole.protocol.wire.message.ListFolder;
import io.wormhole.protocol.wire.message.ListMore;
import io.wormhole.protocol.wire.message.OpenFile;
import io.wormhole.protocol.wire.message.OpenedFile;
import io.wormhole.protocol.wire.message.ReadFile;
import io.wormhole.protocol.wire.message.Request;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;

/** A share of a folder and one session on it, asked as a peer asks. */
final class TestShare implements AutoCloseable {
  /** What is written by a test is old for this clock, so that versions do not age under it. */
  static final Clock LATER = Clock.offset(Clock.systemUTC(), java.time.Duration.ofSeconds(10));

  static final byte[] TOKEN = new byte[Limits.TOKEN_BYTES];

  final Share share;
  final DescriptorBudget budget;
  final SessionRequests session;

  TestShare(Path state, Path folder) throws ShareException {
    this(state, folder, LATER, 1 << 20);
  }

  TestShare(Path state, Path folder, Clock clock, int descriptors) throws ShareException {
    share =
        new ShareStore(state, new SecureRandom(), Blake3.vector()).open(folder.toString(), null);
    budget = new DescriptorBudget(descriptors);
    session = new SessionRequests(share, budget, clock, () -> TOKEN);
  }

  RecordingResponder ask(Request.Builder request) {
    RecordingResponder responder = new RecordingResponder();
    session.handle(request.setId(1).build(), responder);
    if (responder.outstandingBuffers() != 0) {
      throw new AssertionError("a buffer was not given back");
    }
    return responder;
  }

  RecordingResponder open(String path) {
    return ask(request().setOpenFile(OpenFile.newBuilder().setPath(path(path))));
  }

  RecordingResponder open(String path, int firstBytes) {
    return ask(
        request().setOpenFile(OpenFile.newBuilder().setPath(path(path)).setFirstBytes(firstBytes)));
  }

  OpenedFile opened(String path) {
    return open(path).reply().getOpenedFile();
  }

  RecordingResponder read(long handle, ByteString version, long offset, int length) {
    return read(handle, version, offset, length, ByteString.EMPTY);
  }

  RecordingResponder read(
      long handle, ByteString version, long offset, int length, ByteString knownHash) {
    return ask(
        request()
            .setReadFile(
                ReadFile.newBuilder()
                    .setHandle(handle)
                    .setVersion(version)
                    .setOffset(offset)
                    .setLength(length)
                    .setKnownHash(knownHash)));
  }

  RecordingResponder attributes(String path) {
    return ask(request().setGetAttributes(GetAttributes.newBuilder().setPath(path(path))));
  }

  Attributes attributes(long handle) {
    return ask(request().setGetAttributes(GetAttributes.newBuilder().setHandle(handle)))
        .reply()
        .getAttributes();
  }

  RecordingResponder list(String path) {
    return ask(request().setListFolder(ListFolder.newBuilder().setPath(path(path))));
  }

  RecordingResponder listMore(long handle) {
    return ask(request().setListMore(ListMore.newBuilder().setHandle(handle)));
  }

  void closeHandle(long handle) {
    ask(request().setCloseHandles(CloseHandles.getDefaultInstance()).addClosedHandles(handle))
        .reply();
  }

  /** Every page of a folder, in one. */
  FolderPage listAll(String path) {
    FolderPage page = list(path).reply().getFolderPage();
    List<FolderEntry> entries = new ArrayList<>(page.getEntriesList());
    FolderPage last = page;
    while (last.getHandle() != 0) {
      last = listMore(last.getHandle()).reply().getFolderPage();
      entries.addAll(last.getEntriesList());
    }
    return page.toBuilder()
        .clearEntries()
        .addAllEntries(entries)
        .setHidden(last.getHidden())
        .build();
  }

  static Request.Builder request() {
    return Request.newBuilder().setDeadlineMillis(10_000);
  }

  /** A path of names between slashes; empty is the root. */
  static io.wormhole.protocol.wire.message.Path path(String path) {
    var names = io.wormhole.protocol.wire.message.Path.newBuilder();
    for (String name : path.isEmpty() ? new String[0] : path.split("/")) {
      names.addNames(ByteString.copyFrom(name, StandardCharsets.UTF_8));
    }
    return names.build();
  }

  @Override
  public void close() {
    session.close();
    share.close();
  }
}
