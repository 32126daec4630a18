package io.wormhole.daemon.host;

import com.google.protobuf.ByteString;
import io.wormhole.daemon.host.Handles.FileHandle;
import io.wormhole.daemon.host.SharedFolder.Capacity;
import io.wormhole.daemon.transport.RequestHandler;
import io.wormhole.daemon.transport.Responder;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.message.Attributes;
import io.wormhole.protocol.wire.message.Done;
import io.wormhole.protocol.wire.message.FailureCode;
import io.wormhole.protocol.wire.message.FileSystem;
import io.wormhole.protocol.wire.message.FirstBytes;
import io.wormhole.protocol.wire.message.FolderPage;
import io.wormhole.protocol.wire.message.GetAttributes;
import io.wormhole.protocol.wire.message.LaneToken;
import io.wormhole.protocol.wire.message.ListFolder;
import io.wormhole.protocol.wire.message.OpenFile;
import io.wormhole.protocol.wire.message.OpenedFile;
import io.wormhole.protocol.wire.message.Path;
import io.wormhole.protocol.wire.message.ReadFile;
import io.wormhole.protocol.wire.message.ReadSmallFiles;
import io.wormhole.protocol.wire.message.Reply;
import io.wormhole.protocol.wire.message.Request;
import io.wormhole.protocol.wire.message.SmallFile;
import io.wormhole.protocol.wire.message.SmallFiles;
import io.wormhole.protocol.wire.message.WholeFile;
import java.time.Clock;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;

/**
 * Answers what one peer asks of one share. One for a session: its control and bulk lanes share the
 * handles. Close it when the session ends; the share stays open.
 */
public final class SessionRequests implements RequestHandler, AutoCloseable {
  private final SharedFolder folder;
  private final Versions versions;
  private final AttributeEncoder encoder;
  private final FileReads reads;
  private final Handles handles;
  private final Supplier<byte[]> laneTokens;
  private final LongAdder requests = new LongAdder();
  private final LongAdder bytes = new LongAdder();

  /**
   * @param share stays the caller's
   * @param budget the process's, shared with all sessions
   * @param clock the one that stamps the share's files: the system's
   * @param laneTokens gives a fresh one-use token of 16 bytes for a further bulk lane of this
   *     session; called on any thread
   */
  public SessionRequests(
      Share share, DescriptorBudget budget, Clock clock, Supplier<byte[]> laneTokens) {
    this.folder = share.folder();
    this.versions = share.versions(clock);
    this.encoder = new AttributeEncoder(versions);
    this.reads = new FileReads(versions, encoder, share.hashes());
    this.handles = new Handles(budget);
    this.laneTokens = laneTokens;
  }

  /** Requests answered, since the session began. Any thread. */
  public long requestsServed() {
    return requests.sum();
  }

  /** Bytes of files sent, since the session began. Any thread. */
  public long bytesServed() {
    return bytes.sum();
  }

  @Override
  public void handle(Request request, Responder responder) {
    requests.increment();
    if (request.getClosedHandlesCount() > Limits.CLOSED_HANDLES) {
      responder.fail(FailureCode.FAILURE_CODE_MALFORMED);
      return;
    }
    request.getClosedHandlesList().forEach(handles::close);
    if (responder.abandoned()) {
      responder.fail(FailureCode.FAILURE_CODE_CANCELLED);
      return;
    }
    try {
      if (request.hasReadFile()) {
        read(request.getReadFile(), responder);
      } else {
        responder.reply(answer(request, responder));
      }
    } catch (FailureException failure) {
      responder.fail(failure.code());
    }
  }

  /** Closes all that the peer has open. Requests that are under way end as they would. */
  @Override
  public void close() {
    handles.close();
  }

  Handles handles() {
    return handles;
  }

  private Reply.Builder answer(Request request, Responder responder) throws FailureException {
    Reply.Builder reply = Reply.newBuilder();
    return switch (request.getBodyCase()) {
      case PING, CLOSE_HANDLES -> reply.setDone(Done.getDefaultInstance());
      case GET_ATTRIBUTES -> reply.setAttributes(attributes(request.getGetAttributes()));
      case LIST_FOLDER -> reply.setFolderPage(list(request.getListFolder()));
      case LIST_MORE -> reply.setFolderPage(listMore(request.getListMore().getHandle()));
      case OPEN_FILE -> reply.setOpenedFile(open(request.getOpenFile(), responder));
      case READ_SMALL_FILES ->
          reply.setSmallFiles(smallFiles(request.getReadSmallFiles(), responder));
      case GET_FILE_SYSTEM -> reply.setFileSystem(fileSystem());
      case NEW_LANE_TOKEN ->
          reply.setLaneToken(
              LaneToken.newBuilder().setToken(ByteString.copyFrom(laneTokens.get())));
      // READ_FILE has gone its own way; CANCEL is the lane's.
      case READ_FILE, CANCEL, BODY_NOT_SET ->
          throw new FailureException(FailureCode.FAILURE_CODE_UNKNOWN_REQUEST);
    };
  }

  private Attributes attributes(GetAttributes request) throws FailureException {
    if (request.getHandle() != 0) {
      try (Hold.Lease<?> lease = handles.any(request.getHandle()).hold().lease()) {
        return encoder.of(lease.open().status());
      }
    }
    RelativePath path = RelativePath.of(request.getPath());
    Attributes shown = encoder.shown(folder.look(path), path.depth());
    if (shown == null) {
      throw new FailureException(FailureCode.FAILURE_CODE_NOT_SERVED);
    }
    return shown;
  }

  private OpenedFile open(OpenFile request, Responder responder) throws FailureException {
    int firstBytes = request.getFirstBytes();
    if (firstBytes < 0 || firstBytes > Limits.GROUP_BYTES) {
      throw new FailureException(FailureCode.FAILURE_CODE_MALFORMED);
    }
    RelativePath path = RelativePath.of(request.getPath());
    SharedFolder.OpenFile file = folder.openFile(path);
    boolean ours = false;
    try {
      FileStatus status = file.status();
      boolean believed =
          status.inode() == request.getInode()
              && versions.generation(status) == request.getGeneration();
      // An inode number of 0 is no file's: the client believes nothing.
      if (request.getInode() != 0 && !believed) {
        throw new FailureException(FailureCode.FAILURE_CODE_STALE);
      }
      OpenedFile.Builder opened = OpenedFile.newBuilder().setAttributes(encoder.of(status));
      FirstBytes first = firstBytes == 0 ? null : reads.first(file, status, firstBytes, responder);
      if (first != null) {
        bytes.add(first.getData().size());
        opened.setFirst(first);
      }
      opened.setHandle(
          handles.add(new FileHandle(new Hold<>(path, file, status, folder::openFile))));
      ours = true;
      return opened.build();
    } finally {
      if (!ours) {
        file.close();
      }
    }
  }

  private void read(ReadFile request, Responder responder) throws FailureException {
    FileHandle handle = handles.file(request.getHandle());
    try (Hold.Lease<SharedFolder.OpenFile> lease = handle.hold().lease()) {
      bytes.add(reads.read(lease.open(), request, responder));
    }
  }

  private SmallFiles smallFiles(ReadSmallFiles request, Responder responder)
      throws FailureException {
    long asked = 0;
    for (SmallFile file : request.getFilesList()) {
      asked += Integer.toUnsignedLong(file.getLength());
      if (!FileReads.isWellFormed(file)) {
        throw new FailureException(FailureCode.FAILURE_CODE_MALFORMED);
      }
    }
    if (request.getFilesCount() > Limits.SMALL_FILES || asked > Limits.SMALL_FILES_BYTES) {
      throw new FailureException(FailureCode.FAILURE_CODE_MALFORMED);
    }
    SmallFiles.Builder answer = SmallFiles.newBuilder();
    for (SmallFile file : request.getFilesList()) {
      WholeFile whole = whole(request.getFolder(), file, responder);
      bytes.add(whole.getData().size());
      answer.addFiles(whole);
    }
    return answer.build();
  }

  /** Nothing where it is not to be had: who wants it asks for it, and is told why. */
  private WholeFile whole(Path folderPath, SmallFile wanted, Responder responder) {
    if (responder.abandoned()) {
      return WholeFile.getDefaultInstance();
    }
    try {
      Path.Builder path = folderPath.toBuilder().addNames(wanted.getName());
      try (SharedFolder.OpenFile file = folder.openFile(RelativePath.of(path.build()))) {
        return reads.whole(file, wanted, responder);
      }
    } catch (FailureException notHere) {
      return WholeFile.getDefaultInstance();
    }
  }

  private FolderPage list(ListFolder request) throws FailureException {
    RelativePath path = RelativePath.of(request.getPath());
    SharedFolder.OpenFolder opened;
    try {
      opened = folder.openFolder(path);
    } catch (FailureException refused) {
      return emptyFolder(path, refused);
    }
    boolean kept = false;
    try {
      FileStatus status = opened.status();
      Hold<SharedFolder.OpenFolder> hold = new Hold<>(path, opened, status, folder::openFolder);
      FolderListing listing = new FolderListing(path, hold, encoder);
      FolderPage.Builder page = listing.next().setFolder(encoder.of(status));
      if (!listing.ended()) {
        page.setHandle(handles.add(listing));
        kept = true;
      }
      return page.build();
    } finally {
      if (!kept) {
        opened.close();
      }
    }
  }

  /** What is mounted below the share is shown as a folder and cannot be opened as one. */
  private FolderPage emptyFolder(RelativePath path, FailureException refused)
      throws FailureException {
    if (refused.code() == FailureCode.FAILURE_CODE_NOT_A_FOLDER) {
      FileStatus status = folder.look(path).status();
      if (status.kind() == NodeKind.MOUNT_POINT) {
        return FolderPage.newBuilder().setFolder(encoder.of(status)).build();
      }
    }
    throw refused;
  }

  private FolderPage listMore(long number) throws FailureException {
    FolderListing listing = handles.listing(number);
    FolderPage.Builder page = listing.next();
    if (listing.ended()) {
      handles.close(number);
    } else {
      page.setHandle(number);
    }
    return page.build();
  }

  private FileSystem fileSystem() throws FailureException {
    Capacity capacity = folder.capacity();
    return FileSystem.newBuilder()
        .setBlockSize(capacity.blockBytes())
        .setBlocks(capacity.blocks())
        .setBlocksFree(capacity.blocksFree())
        .setBlocksAvailable(capacity.blocksAvailable())
        .setFiles(capacity.files())
        .setFilesFree(capacity.filesFree())
        .setNameMax(capacity.nameMax())
        .build();
  }
}
