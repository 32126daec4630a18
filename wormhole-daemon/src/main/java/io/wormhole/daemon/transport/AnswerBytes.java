package io.wormhole.daemon.transport;

import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.message.Priority;
import io.wormhole.protocol.wire.message.RequestOrBuilder;
import io.wormhole.protocol.wire.message.SmallFile;

/** How many bytes a request asks for: both ends bound what is in flight by it. */
final class AnswerBytes {
  /** What a listing that nobody waits for counts as. */
  private static final int LISTING_BYTES = 32 << 10;

  private AnswerBytes() {}

  /** 0 to 196,608, whatever a peer has put into the request. */
  static int of(RequestOrBuilder request) {
    return switch (request.getBodyCase()) {
      case READ_FILE -> bytes(request.getReadFile().getLength(), Limits.CHUNK_BYTES);
      case READ_SMALL_FILES -> {
        long sum = 0;
        for (SmallFile file : request.getReadSmallFiles().getFilesList()) {
          sum += bytes(file.getLength(), Limits.CHUNK_BYTES);
        }
        yield (int) Math.min(sum, Limits.SMALL_FILES_BYTES);
      }
      case LIST_FOLDER, LIST_MORE ->
          request.getPriority() == Priority.PRIORITY_READ_AHEAD ? LISTING_BYTES : 0;
      default -> 0;
    };
  }

  /** Of a length that is unsigned on the wire. */
  private static int bytes(int length, int most) {
    return length < 0 ? most : Math.min(length, most);
  }
}
