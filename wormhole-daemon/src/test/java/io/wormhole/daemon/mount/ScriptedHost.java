package io.wormhole.daemon.mount;

import com.google.protobuf.ByteString;
import io.wormhole.daemon.transport.Lane;
import io.wormhole.daemon.transport.Pending;
import io.wormhole.daemon.transport.PendingRead;
import io.wormhole.daemon.transport.Requests;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.hash.GroupHashes;
import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.RemoteException;
import io.wormhole.protocol.wire.message.Attributes;
import io.wormhole.protocol.wire.message.Done;
import io.wormhole.protocol.wire.message.FailureCode;
import io.wormhole.protocol.wire.message.FileKind;
import io.wormhole.protocol.wire.message.FirstBytes;
import io.wormhole.protocol.wire.message.FolderEntry;
import io.wormhole.protocol.wire.message.FolderPage;
import io.wormhole.protocol.wire.message.OpenedFile;
import io.wormhole.protocol.wire.message.Path;
import io.wormhole.protocol.wire.message.Priority;
import io.wormhole.protocol.wire.message.Reply;
import io.wormhole.protocol.wire.message.Request;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A host of one folder of files that answers at once, on the caller's thread, keeps what it was
 * asked, and lies as it is told to.
 */
final class ScriptedHost implements Requests {
  static final long ROOT_INODE = 1;
  static final long OPEN_HANDLE = 77;

  final List<Request> asked = Collections.synchronizedList(new ArrayList<>());
  private final IdleLane lane = new IdleLane();
  private final Map<String, byte[]> files = new TreeMap<>();
  final List<Duration> readDeadlines = Collections.synchronizedList(new ArrayList<>());
  private Runnable opening = () -> {};
  private CompletableFuture<?> opensAfter = CompletableFuture.completedFuture(null);
  private CompletableFuture<?> readAheadAfter = CompletableFuture.completedFuture(null);
  private String openName = "";
  private @Nullable IOException readFailure = new RemoteException(FailureCode.FAILURE_CODE_IO);
  private UnaryOperator<FolderPage.Builder> page = UnaryOperator.identity();
  private UnaryOperator<FirstBytes.Builder> first = UnaryOperator.identity();

  ScriptedHost with(String name, byte[] content) {
    files.put(name, content);
    return this;
  }

  void without(String name) {
    files.remove(name);
  }

  /** How a page is told differently from what is so. */
  void pagesAre(UnaryOperator<FolderPage.Builder> lie) {
    page = lie;
  }

  /** How first bytes are told differently from what is so. */
  void firstBytesAre(UnaryOperator<FirstBytes.Builder> lie) {
    first = lie;
  }

  /** What its answers to opens wait for. */
  void opensAfter(CompletableFuture<?> gate) {
    opensAfter = gate;
  }

  /** What happens while it opens a file. */
  void whileOpening(Runnable happens) {
    opening = happens;
  }

  /** What its answers to reads wait for that nobody waits for. */
  void readAheadWaitsFor(CompletableFuture<?> gate) {
    readAheadAfter = gate;
  }

  /** What reads fail with from now on; null, and they are answered. */
  void readsFailWith(@Nullable IOException failure) {
    readFailure = failure;
  }

  List<Request.BodyCase> askedFor() {
    return List.copyOf(asked).stream().map(Request::getBodyCase).toList();
  }

  /** Handles that were given back, with whichever request. */
  List<Long> givenBack() {
    return List.copyOf(asked).stream()
        .flatMap(request -> request.getClosedHandlesList().stream())
        .toList();
  }

  @Override
  public CompletableFuture<Reply> call(Request.Builder request, Duration deadline) {
    asked.add(request.build());
    try {
      Reply reply = answer(request).build();
      return request.hasOpenFile()
          ? opensAfter.thenApply(_ -> reply)
          : CompletableFuture.completedFuture(reply);
    } catch (RemoteException refused) {
      return CompletableFuture.failedFuture(refused);
    }
  }

  @Override
  public Pending<Reply> ask(Request.Builder request, Duration deadline) {
    return new PlainPending<>(call(request, deadline));
  }

  @Override
  public PendingRead read(Request.Builder request, MemorySegment destination, Duration deadline) {
    asked.add(request.build());
    readDeadlines.add(deadline);
    CompletableFuture<PendingRead.Answer> now = answer(request, destination);
    CompletableFuture<PendingRead.Answer> answer =
        request.getPriority() == Priority.PRIORITY_WAITING
            ? now
            : readAheadAfter.thenCompose(_ -> now);
    return new PendingRead() {
      @Override
      public CompletableFuture<Answer> answer() {
        return answer;
      }

      @Override
      public void cancel() {}
    };
  }

  private CompletableFuture<PendingRead.Answer> answer(
      Request.Builder request, MemorySegment destination) {
    IOException failure = readFailure;
    byte[] content = files.get(openName);
    if (failure != null || content == null) {
      return CompletableFuture.failedFuture(failure);
    }
    int offset = (int) request.getReadFile().getOffset();
    int length = Math.min(content.length - offset, request.getReadFile().getLength());
    MemorySegment bytes = MemorySegment.ofArray(content).asSlice(offset, length);
    destination.asSlice(0, length).copyFrom(bytes);
    GroupHashes hashes = Blake3.plain().hash(bytes);
    return CompletableFuture.completedFuture(
        new PendingRead.Answer.Bytes(
            new ChunkHeader(0, length, false, hashes.hash().bytes(), hashes.chainingValues())));
  }

  @Override
  public Lane lane() {
    return lane;
  }

  @Override
  public void whenQuiet(Runnable listener) {
    // It always answers.
  }

  private Reply.Builder answer(Request.Builder request) throws RemoteException {
    Reply.Builder reply = Reply.newBuilder();
    return switch (request.getBodyCase()) {
      case GET_ATTRIBUTES ->
          reply.setAttributes(
              attributes(
                  request.getGetAttributes().getHandle() == OPEN_HANDLE
                      ? openName
                      : name(request.getGetAttributes().getPath())));
      case LIST_FOLDER -> reply.setFolderPage(page.apply(listing()));
      case OPEN_FILE -> reply.setOpenedFile(opened(request.getOpenFile()));
      default -> reply.setDone(Done.getDefaultInstance());
    };
  }

  private static String name(Path path) {
    return path.getNamesCount() == 0 ? "" : path.getNames(0).toStringUtf8();
  }

  private FolderPage.Builder listing() throws RemoteException {
    FolderPage.Builder listing = FolderPage.newBuilder().setFolder(attributes(""));
    for (String name : files.keySet()) {
      listing.addEntries(
          FolderEntry.newBuilder()
              .setName(ByteString.copyFrom(name, StandardCharsets.UTF_8))
              .setAttributes(attributes(name)));
    }
    return listing;
  }

  private OpenedFile opened(io.wormhole.protocol.wire.message.OpenFile open)
      throws RemoteException {
    String name = name(open.getPath());
    openName = name;
    opening.run();
    OpenedFile.Builder opened =
        OpenedFile.newBuilder().setHandle(OPEN_HANDLE).setAttributes(attributes(name));
    byte[] content = files.get(name);
    int bytes = content == null ? 0 : Math.min(content.length, open.getFirstBytes());
    if (bytes > 0) {
      ByteString data = ByteString.copyFrom(content, 0, bytes);
      byte[] hash = Blake3.plain().hash(MemorySegment.ofArray(data.toByteArray())).hash().bytes();
      opened.setFirst(
          first.apply(FirstBytes.newBuilder().setData(data).setHash(ByteString.copyFrom(hash))));
    }
    return opened.build();
  }

  private Attributes.Builder attributes(String name) throws RemoteException {
    byte[] content = files.get(name);
    if (name.isEmpty()) {
      return Attributes.newBuilder()
          .setKind(FileKind.FILE_KIND_DIRECTORY)
          .setInode(ROOT_INODE)
          .setGeneration(1);
    }
    if (content == null) {
      throw new RemoteException(FailureCode.FAILURE_CODE_NOT_FOUND);
    }
    byte[] version = new byte[Limits.VERSION_BYTES];
    version[0] = (byte) content.length;
    return Attributes.newBuilder()
        .setKind(FileKind.FILE_KIND_REGULAR)
        .setInode(100 + name.hashCode())
        .setGeneration(1)
        .setSize(content.length)
        .setVersion(ByteString.copyFrom(version));
  }
}
