package io.wormhole.daemon.host;

import com.google.protobuf.ByteString;
import io.wormhole.daemon.host.SharedFolder.Node;
import io.wormhole.protocol.name.LinkTarget;
import io.wormhole.protocol.wire.message.Attributes;
import io.wormhole.protocol.wire.message.FileKind;
import org.jspecify.annotations.Nullable;

/** Says what stands at a name in the wire's words, and what is not shown at all. */
final class AttributeEncoder {
  private final Versions versions;

  AttributeEncoder(Versions versions) {
    this.versions = versions;
  }

  /**
   * The attributes of what is shown, else null: specials, and links that lead out of the share.
   *
   * @param depth names of its path: 1 for an entry of the root
   */
  @Nullable Attributes shown(Node node, int depth) {
    FileStatus status = node.status();
    return switch (status.kind()) {
      case REGULAR -> of(status);
      case FOLDER, MOUNT_POINT -> folder(status);
      case LINK -> {
        byte[] target = node.linkTarget();
        yield target != null && LinkTarget.isShown(target, depth - 1) ? link(status, target) : null;
      }
      case SPECIAL -> null;
    };
  }

  /** The attributes of an open file or folder. */
  Attributes of(FileStatus status) {
    if (status.kind() != NodeKind.REGULAR) {
      return folder(status);
    }
    boolean young = versions.young(status);
    return common(status, FileKind.FILE_KIND_REGULAR)
        .setYoung(young)
        .setVersion(versions.token(status, young).bytes())
        .build();
  }

  private Attributes folder(FileStatus status) {
    return common(status, FileKind.FILE_KIND_DIRECTORY).build();
  }

  private Attributes link(FileStatus status, byte[] target) {
    return common(status, FileKind.FILE_KIND_SYMLINK)
        .setLinkTarget(ByteString.copyFrom(target))
        .build();
  }

  private Attributes.Builder common(FileStatus status, FileKind kind) {
    return Attributes.newBuilder()
        .setKind(kind)
        .setInode(status.inode())
        .setGeneration(versions.generation(status))
        .setMode(status.mode())
        .setLinks(status.links())
        .setSize(status.size())
        .setBlocks(status.blocks())
        .setMtimeSeconds(status.mtime().seconds())
        .setMtimeNanos(status.mtime().nanos())
        .setCtimeSeconds(status.ctime().seconds())
        .setCtimeNanos(status.ctime().nanos())
        .setAtimeSeconds(status.atime().seconds())
        .setAtimeNanos(status.atime().nanos());
  }
}
