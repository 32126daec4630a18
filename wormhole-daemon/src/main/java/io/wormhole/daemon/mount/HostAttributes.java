package io.wormhole.daemon.mount;

import com.google.protobuf.ByteString;
import io.wormhole.daemon.fuse.Attr;
import io.wormhole.daemon.fuse.FileType;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.WireException;
import io.wormhole.protocol.wire.message.Attributes;
import io.wormhole.protocol.wire.message.FileKind;
import java.util.Optional;

/**
 * Attributes as the host sent them, checked: nothing here is out of its range.
 *
 * @param version of a regular file; empty for anything else
 * @param young the version will be another once it has aged
 * @param linkTarget of a symbolic link, checked for length only; empty for anything else
 */
@SuppressWarnings("ArrayRecordComponent")
record HostAttributes(
    FileType type,
    HostIdentity identity,
    int mode,
    int links,
    long size,
    long blocks,
    Attr.Time atime,
    Attr.Time mtime,
    Attr.Time ctime,
    Optional<VersionToken> version,
    boolean young,
    byte[] linkTarget) {

  private static final int MODE_BITS = 0777;
  private static final int NANOS_PER_SECOND = 1_000_000_000;
  private static final byte[] NO_TARGET = {};

  /**
   * Which file it is, whatever its name.
   *
   * @param inode the host's inode number
   * @param generation differs when an inode number is used again
   */
  record HostIdentity(long inode, long generation) {}

  /**
   * @throws WireException if a field is out of its range
   */
  static HostAttributes of(Attributes sent) throws WireException {
    FileType type =
        switch (sent.getKind()) {
          case FILE_KIND_REGULAR -> FileType.REGULAR;
          case FILE_KIND_DIRECTORY -> FileType.DIRECTORY;
          case FILE_KIND_SYMLINK -> FileType.SYMLINK;
          default -> throw new WireException("attributes of an unknown kind of file");
        };
    if (sent.getInode() == 0 || sent.getSize() < 0 || sent.getBlocks() < 0) {
      throw new WireException("attributes with an inode number, size or blocks out of range");
    }
    if ((sent.getMode() & ~MODE_BITS) != 0 || sent.getLinks() < 0) {
      throw new WireException("attributes with a mode or link count out of range");
    }
    byte[] target = NO_TARGET;
    if (type == FileType.SYMLINK) {
      if (sent.getLinkTarget().isEmpty()
          || sent.getLinkTarget().size() > Limits.LINK_TARGET_BYTES) {
        throw new WireException("link target of " + sent.getLinkTarget().size() + " bytes");
      }
      target = sent.getLinkTarget().toByteArray();
    }
    return new HostAttributes(
        type,
        new HostIdentity(sent.getInode(), sent.getGeneration()),
        sent.getMode(),
        sent.getLinks(),
        sent.getSize(),
        sent.getBlocks(),
        time(sent.getAtimeSeconds(), sent.getAtimeNanos()),
        time(sent.getMtimeSeconds(), sent.getMtimeNanos()),
        time(sent.getCtimeSeconds(), sent.getCtimeNanos()),
        type == FileType.REGULAR
            ? Optional.of(VersionToken.of(sent.getVersion()))
            : Optional.empty(),
        sent.getYoung(),
        target);
  }

  /** As the host would send them. */
  Attributes sent() {
    Attributes.Builder sent =
        Attributes.newBuilder()
            .setKind(
                switch (type) {
                  case DIRECTORY -> FileKind.FILE_KIND_DIRECTORY;
                  case SYMLINK -> FileKind.FILE_KIND_SYMLINK;
                  default -> FileKind.FILE_KIND_REGULAR;
                })
            .setInode(identity.inode())
            .setGeneration(identity.generation())
            .setMode(mode)
            .setLinks(links)
            .setSize(size)
            .setBlocks(blocks)
            .setAtimeSeconds(atime.seconds())
            .setAtimeNanos(atime.nanos())
            .setMtimeSeconds(mtime.seconds())
            .setMtimeNanos(mtime.nanos())
            .setCtimeSeconds(ctime.seconds())
            .setCtimeNanos(ctime.nanos())
            .setYoung(young)
            .setLinkTarget(ByteString.copyFrom(linkTarget));
    version.ifPresent(token -> sent.setVersion(token.token()));
    return sent.build();
  }

  /** Whether the host made these after those, as far as its clock can tell. */
  boolean isNewerThan(HostAttributes other) {
    return ctime.seconds() != other.ctime.seconds()
        ? ctime.seconds() > other.ctime.seconds()
        : ctime.nanos() > other.ctime.nanos();
  }

  private static Attr.Time time(long seconds, int nanos) throws WireException {
    if (nanos < 0 || nanos >= NANOS_PER_SECOND) {
      throw new WireException("a time with " + Integer.toUnsignedLong(nanos) + " nanoseconds");
    }
    return new Attr.Time(seconds, nanos);
  }

  /** Whether the kernel, told these after those, drops the pages it holds by itself. */
  boolean kernelSeesChangeFrom(HostAttributes before) {
    return size != before.size || !mtime.equals(before.mtime);
  }
}
