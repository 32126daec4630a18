package io.wormhole.daemon.host;

import com.google.protobuf.ByteString;
import io.wormhole.daemon.host.SharedFolder.OpenFile;
import io.wormhole.daemon.transport.Outbound;
import io.wormhole.daemon.transport.Responder;
import io.wormhole.protocol.hash.ChunkHash;
import io.wormhole.protocol.hash.GroupHashes;
import io.wormhole.protocol.wire.ChunkHeader;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.message.FailureCode;
import io.wormhole.protocol.wire.message.FirstBytes;
import io.wormhole.protocol.wire.message.ReadFile;
import io.wormhole.protocol.wire.message.Reply;
import io.wormhole.protocol.wire.message.Same;
import io.wormhole.protocol.wire.message.SmallFile;
import io.wormhole.protocol.wire.message.WholeFile;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Reads a range of a file at the version that was asked for. A read never mixes two versions: the
 * file is looked at before and after, writes that are under way are waited for in between ({@link
 * OpenFile#awaitWrites}), and a file that was stamped within the kernel's present tick is read when
 * that tick is over, so that a write during the read cannot leave the same stamp.
 *
 * <p>What no stamp tells is a write through a shared mapping; such bytes are those of the moment.
 */
final class FileReads {
  private final Versions versions;
  private final AttributeEncoder encoder;
  private final GroupHashCache hashes;

  FileReads(Versions versions, AttributeEncoder encoder, GroupHashCache hashes) {
    this.versions = versions;
    this.encoder = encoder;
    this.hashes = hashes;
  }

  /**
   * Answers one read, by a chunk, with {@code changed}, or with {@code same}.
   *
   * @return bytes of the file that were sent
   * @throws FailureException what to answer instead; nothing was answered
   */
  int read(OpenFile file, ReadFile request, Responder responder) throws FailureException {
    check(request);
    return request.getVersion().isEmpty()
        ? readWhateverIsThere(file, request, responder)
        : readVersion(file, request, responder);
  }

  private int readWhateverIsThere(OpenFile file, ReadFile request, Responder responder)
      throws FailureException {
    FileStatus status = file.status();
    try (Filled filled = fill(file, status, request.getOffset(), request.getLength(), responder)) {
      // These bytes are no version's: nobody may keep them.
      return filled.send(responder, hashes.of(filled.bytes()), true);
    }
  }

  private int readVersion(OpenFile file, ReadFile request, Responder responder)
      throws FailureException {
    FileStatus before = file.status();
    boolean young = versions.young(before);
    VersionToken version = versions.token(before, young);
    boolean current = version.bytes().equals(request.getVersion());
    long wait = current ? versions.nanosToNextTick(before) : 0;
    if (wait > 0) {
      LockSupport.parkNanos(wait);
      FileStatus later = file.status();
      current = later.sameVersion(before);
      before = later;
    }
    if (!current) {
      return changed(before, responder);
    }
    try (Filled filled = fill(file, before, request.getOffset(), request.getLength(), responder)) {
      FileStatus after = file.status();
      if (!after.sameVersion(before)) {
        return changed(after, responder);
      }
      GroupHashes found = hashes(filled, before, request, version, young);
      if (request.getKnownHash().equals(ByteString.copyFrom(found.hash().bytes()))) {
        responder.reply(Reply.newBuilder().setSame(Same.newBuilder().setYoung(young)));
        return 0;
      }
      return filled.send(responder, found, young);
    }
  }

  private GroupHashes hashes(
      Filled filled, FileStatus file, ReadFile request, VersionToken version, boolean young) {
    long whole = Math.min(Limits.CHUNK_BYTES, file.size() - request.getOffset());
    boolean isChunk =
        request.getOffset() % Limits.CHUNK_BYTES == 0 && filled.bytes().byteSize() == whole;
    return young || !isChunk
        ? hashes.of(filled.bytes())
        : hashes.of(version, request.getOffset() / Limits.CHUNK_BYTES, filled.bytes());
  }

  private int changed(FileStatus now, Responder responder) {
    responder.reply(Reply.newBuilder().setChanged(encoder.of(now)));
    return 0;
  }

  /** Reads the range, as far as the file goes. */
  private static Filled fill(
      OpenFile file, FileStatus status, long offset, int wanted, Responder responder)
      throws FailureException {
    int length = Math.clamp(status.size() - offset, 0, wanted);
    Filled filled = new Filled(responder.allocate(length));
    boolean done = false;
    try {
      if (length > 0) {
        file.awaitWrites(offset);
        int got = file.read(offset, filled.bytes());
        if (got < length) {
          filled.shorten(responder.allocate(got));
        }
      }
      done = true;
      return filled;
    } finally {
      if (!done) {
        filled.close();
      }
    }
  }

  /**
   * The first bytes of a file at a version, for an answer that need not have them.
   *
   * @param status of the file, taken a moment ago; the version the bytes are of
   * @param length 1 to 16,384
   * @return null where the version is not to be had at once, or not to be read
   */
  @Nullable FirstBytes first(OpenFile file, FileStatus status, int length, Responder responder) {
    if (status.size() == 0 || versions.nanosToNextTick(status) > 0) {
      return null;
    }
    try (Filled filled = fill(file, status, 0, length, responder)) {
      if (!file.status().sameVersion(status)) {
        return null;
      }
      return FirstBytes.newBuilder()
          .setData(ByteString.copyFrom(filled.bytes().asByteBuffer()))
          .setHash(ByteString.copyFrom(hashes.of(filled.bytes()).hash().bytes()))
          .build();
    } catch (FailureException unreadable) {
      // Who reads is told; who only opens does not care.
      return null;
    }
  }

  /** Whether a wish for a small file may be one. */
  static boolean isWellFormed(SmallFile wanted) {
    return wanted.getVersion().size() == Limits.VERSION_BYTES
        && wanted.getLength() >= 1
        && wanted.getLength() <= Limits.CHUNK_BYTES;
  }

  /**
   * All bytes of a small file, for an answer that need not have them.
   *
   * @return empty where the version is not there, or not to be had at once
   */
  WholeFile whole(OpenFile file, SmallFile wanted, Responder responder) throws FailureException {
    FileStatus status = file.status();
    boolean young = versions.young(status);
    VersionToken version = versions.token(status, young);
    if (status.size() != wanted.getLength()
        || !version.bytes().equals(wanted.getVersion())
        || versions.nanosToNextTick(status) > 0) {
      return WholeFile.getDefaultInstance();
    }
    try (Filled filled = fill(file, status, 0, wanted.getLength(), responder)) {
      if (!file.status().sameVersion(status)) {
        return WholeFile.getDefaultInstance();
      }
      GroupHashes found = young ? hashes.of(filled.bytes()) : hashes.of(version, 0, filled.bytes());
      return WholeFile.newBuilder()
          .setData(ByteString.copyFrom(filled.bytes().asByteBuffer()))
          .setHash(ByteString.copyFrom(found.hash().bytes()))
          .setChainingValues(ByteString.copyFrom(found.chainingValues()))
          .setYoung(young)
          .build();
    }
  }

  private static void check(ReadFile request) throws FailureException {
    ByteString version = request.getVersion();
    ByteString known = request.getKnownHash();
    if (request.getOffset() < 0
        || request.getLength() < 1
        || request.getLength() > Limits.CHUNK_BYTES
        || (!version.isEmpty() && version.size() != Limits.VERSION_BYTES)
        || (!known.isEmpty() && known.size() != ChunkHash.BYTES)) {
      throw new FailureException(FailureCode.FAILURE_CODE_MALFORMED);
    }
  }

  /** Bytes on their way; what was not sent is released. */
  private static final class Filled implements AutoCloseable {
    private Outbound outbound;
    private boolean sent;

    Filled(Outbound outbound) {
      this.outbound = outbound;
    }

    MemorySegment bytes() {
      return outbound.data();
    }

    /** Goes on with the first bytes alone, in memory of exactly their length. */
    void shorten(Outbound exact) {
      MemorySegment.copy(outbound.data(), 0, exact.data(), 0, exact.data().byteSize());
      outbound.release();
      outbound = exact;
    }

    int send(Responder responder, GroupHashes hashes, boolean young) {
      int bytes = (int) outbound.data().byteSize();
      // The request's id is the responder's to fill in.
      ChunkHeader header =
          new ChunkHeader(0, bytes, young, hashes.hash().bytes(), hashes.chainingValues());
      sent = true;
      responder.chunk(header, outbound);
      return bytes;
    }

    @Override
    public void close() {
      if (!sent) {
        outbound.release();
      }
    }
  }
}
