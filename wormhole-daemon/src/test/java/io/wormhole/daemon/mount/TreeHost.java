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
import io.wormhole.protocol.wire.message.ReadSmallFiles;
import io.wormhole.protocol.wire.message.Reply;
import io.wormhole.protocol.wire.message.Request;
import io.wormhole.protocol.wire.message.SmallFile;
import io.wormhole.protocol.wire.message.SmallFiles;
import io.wormhole.protocol.wire.message.WholeFile;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;

/**
 * A host of folders and files by path, one lane of it. It answers at once, on the caller's thread,
 * keeps what this lane was asked, and lies about small files as it is told to.
 */
final class TreeHost implements Requests {
  final List<Request> asked = Collections.synchronizedList(new ArrayList<>());
  private final IdleLane lane = new IdleLane();

  /** Null for a folder. */
  private final Map<String, byte[]> tree;

  private final Map<Long, String> open;
  private UnaryOperator<Reply.Builder> smallFiles = UnaryOperator.identity();

  TreeHost() {
    this.tree = new TreeMap<>();
    this.open = new TreeMap<>();
    tree.put("", null);
  }

  private TreeHost(TreeHost other) {
    this.tree = other.tree;
    this.open = other.open;
  }

  /** Another lane of the same host. */
  TreeHost lane2() {
    return new TreeHost(this);
  }

  void folder(String path) {
    tree.put(path, null);
  }

  void file(String path, byte[] content) {
    tree.put(path, content);
  }

  void remove(String path) {
    tree.remove(path);
  }

  /** How an answer with small files is told differently from what is so. */
  void smallFilesAre(UnaryOperator<Reply.Builder> lie) {
    smallFiles = lie;
  }

  long count(Request.BodyCase what) {
    return List.copyOf(asked).stream().filter(request -> request.getBodyCase() == what).count();
  }

  @Override
  public CompletableFuture<Reply> call(Request.Builder request, Duration deadline) {
    asked.add(request.build());
    try {
      return CompletableFuture.completedFuture(answer(request).build());
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
    CompletableFuture<PendingRead.Answer> answer = new CompletableFuture<>();
    byte[] content = tree.get(path(request.getReadFile().getHandle()));
    if (content == null) {
      answer.completeExceptionally(new IOException("it is gone"));
    } else {
      int offset = (int) request.getReadFile().getOffset();
      int length = Math.min(content.length - offset, request.getReadFile().getLength());
      MemorySegment bytes = MemorySegment.ofArray(content).asSlice(offset, length);
      destination.asSlice(0, length).copyFrom(bytes);
      GroupHashes hashes = Blake3.plain().hash(bytes);
      answer.complete(
          new PendingRead.Answer.Bytes(
              new ChunkHeader(0, length, false, hashes.hash().bytes(), hashes.chainingValues())));
    }
    return new PendingRead() {
      @Override
      public CompletableFuture<Answer> answer() {
        return answer;
      }

      @Override
      public void cancel() {}
    };
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
                  request.getGetAttributes().getHandle() != 0
                      ? path(request.getGetAttributes().getHandle())
                      : joined(request.getGetAttributes().getPath())));
      case LIST_FOLDER -> reply.setFolderPage(page(joined(request.getListFolder().getPath())));
      case OPEN_FILE -> reply.setOpenedFile(opened(request.getOpenFile()));
      case READ_SMALL_FILES ->
          smallFiles.apply(reply.setSmallFiles(smallFiles(request.getReadSmallFiles())));
      default -> reply.setDone(Done.getDefaultInstance());
    };
  }

  /** Of an open file; of none, one that is not there. */
  private String path(long handle) {
    return open.getOrDefault(handle, "?");
  }

  private static String joined(Path path) {
    return String.join("/", path.getNamesList().stream().map(ByteString::toStringUtf8).toList());
  }

  private FolderPage.Builder page(String folder) throws RemoteException {
    FolderPage.Builder page = FolderPage.newBuilder().setFolder(attributes(folder));
    String before = folder.isEmpty() ? "" : folder + "/";
    for (String path : tree.keySet()) {
      String name = path.startsWith(before) ? path.substring(before.length()) : "";
      if (!name.isEmpty() && name.indexOf('/') < 0) {
        page.addEntries(
            FolderEntry.newBuilder()
                .setName(ByteString.copyFrom(name, StandardCharsets.UTF_8))
                .setAttributes(attributes(path)));
      }
    }
    return page;
  }

  private OpenedFile opened(io.wormhole.protocol.wire.message.OpenFile request)
      throws RemoteException {
    String path = joined(request.getPath());
    long handle = open.size() + 1L;
    open.put(handle, path);
    OpenedFile.Builder opened =
        OpenedFile.newBuilder().setHandle(handle).setAttributes(attributes(path));
    byte[] content = tree.get(path);
    int bytes = content == null ? 0 : Math.min(content.length, request.getFirstBytes());
    if (bytes > 0) {
      byte[] data = Arrays.copyOf(content, bytes);
      opened.setFirst(
          FirstBytes.newBuilder()
              .setData(ByteString.copyFrom(data))
              .setHash(ByteString.copyFrom(hashes(data).hash().bytes())));
    }
    return opened.build();
  }

  private SmallFiles smallFiles(ReadSmallFiles request) throws RemoteException {
    SmallFiles.Builder files = SmallFiles.newBuilder();
    String folder = joined(request.getFolder());
    for (SmallFile wanted : request.getFilesList()) {
      String path = (folder.isEmpty() ? "" : folder + "/") + wanted.getName().toStringUtf8();
      byte[] content = tree.get(path);
      if (content == null || !attributes(path).getVersion().equals(wanted.getVersion())) {
        files.addFiles(WholeFile.getDefaultInstance());
      } else {
        GroupHashes hashes = hashes(content);
        files.addFiles(
            WholeFile.newBuilder()
                .setData(ByteString.copyFrom(content))
                .setHash(ByteString.copyFrom(hashes.hash().bytes()))
                .setChainingValues(ByteString.copyFrom(hashes.chainingValues())));
      }
    }
    return files.build();
  }

  private static GroupHashes hashes(byte[] content) {
    return Blake3.plain().hash(MemorySegment.ofArray(content));
  }

  private Attributes.Builder attributes(String path) throws RemoteException {
    if (!tree.containsKey(path)) {
      throw new RemoteException(FailureCode.FAILURE_CODE_NOT_FOUND);
    }
    byte[] content = tree.get(path);
    Attributes.Builder attributes =
        Attributes.newBuilder().setInode(1 + Math.abs((long) path.hashCode())).setGeneration(1);
    if (content == null) {
      return attributes.setKind(FileKind.FILE_KIND_DIRECTORY);
    }
    byte[] version = Arrays.copyOf(hashes(content).hash().bytes(), Limits.VERSION_BYTES);
    return attributes
        .setKind(FileKind.FILE_KIND_REGULAR)
        .setSize(content.length)
        .setVersion(ByteString.copyFrom(version));
  }
}
