package io.wormhole.daemon;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.wormhole.daemon.transport.Endpoint;
import io.wormhole.daemon.transport.FrameHandler;
import io.wormhole.daemon.transport.FrameStream;
import io.wormhole.daemon.transport.Lane;
import io.wormhole.daemon.transport.LaneException;
import io.wormhole.daemon.transport.RawFrames;
import io.wormhole.daemon.transport.RawStream;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.hash.GroupHashes;
import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.FrameType;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.WireException;
import io.wormhole.protocol.wire.message.Attributes;
import io.wormhole.protocol.wire.message.Done;
import io.wormhole.protocol.wire.message.Failure;
import io.wormhole.protocol.wire.message.FailureCode;
import io.wormhole.protocol.wire.message.FileKind;
import io.wormhole.protocol.wire.message.FileSystem;
import io.wormhole.protocol.wire.message.FolderEntry;
import io.wormhole.protocol.wire.message.FolderPage;
import io.wormhole.protocol.wire.message.OpenedFile;
import io.wormhole.protocol.wire.message.Path;
import io.wormhole.protocol.wire.message.ReadFile;
import io.wormhole.protocol.wire.message.Reply;
import io.wormhole.protocol.wire.message.Request;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;

/**
 * A host of one folder with one file, {@code f}, over real lanes, that lets everybody in. It
 * answers as it should until it is told to lie.
 */
final class LyingHost implements Endpoint.LaneAcceptor {
  static final long FILE_INODE = 5;
  static final long HANDLE = 9;

  final byte[] content = new byte[3 * Limits.CHUNK_BYTES / 2];

  /** What is done with the truth. */
  volatile UnaryOperator<Reply.Builder> lie = UnaryOperator.identity();

  volatile UnaryOperator<ChunkHeader> header = UnaryOperator.identity();
  volatile UnaryOperator<byte[]> data = UnaryOperator.identity();

  /** The frames sent in place of one. */
  volatile Frames frames = (_, frame) -> List.of(frame);

  /** Decides what leaves. */
  interface Frames {
    List<byte[]> of(Request request, byte[] frame);
  }

  LyingHost() {
    new Random(1).nextBytes(content);
  }

  @Override
  public FrameHandler accepted(Lane lane) {
    lane.trust();
    return stream(lane);
  }

  @Override
  public FrameHandler stream(Lane lane) {
    return new FrameHandler() {
      @Override
      public void frame(FrameStream stream, FrameType type, ByteBuffer payload)
          throws WireException {
        try {
          Request request = Request.parseFrom(payload);
          if (request.hasCancel()) {
            // What it names was answered at once.
            return;
          }
          for (byte[] frame : frames.of(request, answer(request))) {
            RawFrames.send(stream, frame);
          }
        } catch (InvalidProtocolBufferException none) {
          throw new WireException("no request: " + none.getMessage());
        }
      }

      @Override
      public void ended(FrameStream stream, LaneException why) {
        // Holds nothing.
      }
    };
  }

  private byte[] answer(Request request) {
    if (request.hasReadFile()) {
      return chunk(request.getId(), request.getReadFile());
    }
    Reply.Builder reply = lie.apply(truth(request));
    return RawStream.frame(FrameType.REPLY, reply.setId(request.getId()).build().toByteArray());
  }

  private byte[] chunk(long id, ReadFile read) {
    int from = (int) Math.min(read.getOffset(), content.length);
    int to = Math.min(content.length, from + read.getLength());
    byte[] bytes = Arrays.copyOfRange(content, from, to);
    GroupHashes hashes = Blake3.plain().hash(MemorySegment.ofArray(bytes));
    ChunkHeader head =
        header.apply(
            new ChunkHeader(
                id,
                bytes.length,
                false,
                hashes.hash().bytes(),
                bytes.length > Limits.GROUP_BYTES ? hashes.chainingValues() : new byte[0]));
    byte[] sent = data.apply(bytes);
    ByteBuffer payload = ByteBuffer.allocate(head.headBytes() + sent.length);
    head.write(payload);
    payload.put(sent);
    return RawStream.frame(FrameType.CHUNK, payload.array());
  }

  private Reply.Builder truth(Request request) {
    Reply.Builder reply = Reply.newBuilder();
    return switch (request.getBodyCase()) {
      case GET_ATTRIBUTES -> {
        Path path = request.getGetAttributes().getPath();
        boolean file = request.getGetAttributes().getHandle() != 0 || isFile(path);
        if (!file && path.getNamesCount() > 0) {
          yield reply.setFailure(Failure.newBuilder().setCode(FailureCode.FAILURE_CODE_NOT_FOUND));
        }
        yield reply.setAttributes(file ? file() : folder());
      }
      case LIST_FOLDER, LIST_MORE -> reply.setFolderPage(page("f"));
      case OPEN_FILE ->
          reply.setOpenedFile(OpenedFile.newBuilder().setHandle(HANDLE).setAttributes(file()));
      case GET_FILE_SYSTEM ->
          reply.setFileSystem(FileSystem.newBuilder().setBlockSize(4096).setBlocks(1));
      default -> reply.setDone(Done.getDefaultInstance());
    };
  }

  private static boolean isFile(Path path) {
    return path.getNamesCount() == 1 && path.getNames(0).toStringUtf8().equals("f");
  }

  static Attributes.Builder folder() {
    return Attributes.newBuilder()
        .setKind(FileKind.FILE_KIND_DIRECTORY)
        .setMode(0755)
        .setInode(2)
        .setGeneration(1);
  }

  Attributes.Builder file() {
    return Attributes.newBuilder()
        .setKind(FileKind.FILE_KIND_REGULAR)
        .setMode(0644)
        .setLinks(1)
        .setInode(FILE_INODE)
        .setGeneration(1)
        .setSize(content.length)
        .setVersion(ByteString.copyFrom(new byte[Limits.VERSION_BYTES]));
  }

  FolderPage.Builder page(String... names) {
    FolderPage.Builder page = FolderPage.newBuilder().setFolder(folder());
    for (String name : names) {
      page.addEntries(entry(ByteString.copyFromUtf8(name), file()));
    }
    return page;
  }

  static FolderEntry.Builder entry(ByteString name, Attributes.Builder attributes) {
    return FolderEntry.newBuilder().setName(name).setAttributes(attributes);
  }
}
