package io.wormhole.daemon.fuse.device;

import io.wormhole.daemon.fuse.Entry;
import io.wormhole.daemon.fuse.Errno;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.fuse.KernelFileSystem;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;

/** Turns a request into the file system's call and its answer into a reply. Any thread may call. */
final class FileSystemCalls {
  private final KernelFileSystem fileSystem;

  /**
   * What a call came to.
   *
   * @param bytes the reply's payload
   * @param giveBack what must be undone if the kernel does not take the reply
   */
  record Answer(int bytes, Runnable giveBack) {
    Answer(int bytes) {
      this(bytes, FileSystemCalls::nothing);
    }
  }

  FileSystemCalls(KernelFileSystem fileSystem) {
    this.fileSystem = fileSystem;
  }

  /**
   * Calls the file system, which may wait.
   *
   * @param reply with room for {@link Request.Waiting#replyBytes}
   */
  Answer answer(Request.Waiting request, Reply reply) throws ErrnoException, InterruptedException {
    MemorySegment to = reply.payload();
    return switch (request) {
      case Request.Lookup lookup -> lookup(lookup, to);
      case Request.Getattr(var unique, var node) -> {
        var attr = fileSystem.getattr(node);
        yield new Answer(ReplyEncoder.attr(to, attr, attr.validFor()));
      }
      case Request.Readlink readlink -> {
        byte[] target = fileSystem.readlink(readlink.node());
        if (target.length >= readlink.replyBytes()) {
          throw new ErrnoException(Errno.ENAMETOOLONG);
        }
        yield new Answer(ReplyEncoder.bytes(to, target));
      }
      case Request.Open(var unique, var node) -> {
        if (!fileSystem.needsOpens()) {
          // The kernel opens on its own from then on, and keeps pages across its opens.
          throw new ErrnoException(Errno.ENOSYS);
        }
        long handle = fileSystem.open(node);
        yield new Answer(
            ReplyEncoder.open(to, handle, Abi.FOPEN_KEEP_CACHE | Abi.FOPEN_NOFLUSH),
            () -> fileSystem.release(node, handle));
      }
      case Request.Opendir(var unique, var node) -> {
        long handle = fileSystem.opendir(node);
        yield new Answer(
            ReplyEncoder.open(to, handle, 0), () -> fileSystem.releasedir(node, handle));
      }
      case Request.Read read -> read(read, to);
      case Request.Readdir readdir -> readdir(readdir, to);
      case Request.Statfs(var unique, var node) ->
          new Answer(ReplyEncoder.figures(to, fileSystem.statfs(node)));
      case Request.Getxattr(var unique, var node, var name, var bytes) ->
          bytes == 0
              ? new Answer(ReplyEncoder.xattrLength(to, fileSystem.xattrRoom(node, name)))
              : xattr(fileSystem.getxattr(node, name), bytes, to);
      case Request.Listxattr(var unique, var node, var bytes) -> {
        ByteArrayOutputStream names = new ByteArrayOutputStream();
        for (byte[] name : fileSystem.listxattr(node)) {
          names.writeBytes(name);
          names.write(0);
        }
        yield xattr(names.toByteArray(), bytes, to);
      }
    };
  }

  private Answer lookup(Request.Lookup lookup, MemorySegment to)
      throws ErrnoException, InterruptedException {
    try {
      Entry entry = fileSystem.lookup(lookup.parent(), lookup.name());
      return new Answer(ReplyEncoder.entry(to, entry), () -> fileSystem.forget(entry.node(), 1));
    } catch (ErrnoException e) {
      if (e.errno() == Errno.ENOENT && e.validFor().isPositive()) {
        return new Answer(ReplyEncoder.absence(to, e.validFor()));
      }
      throw e;
    }
  }

  private Answer read(Request.Read read, MemorySegment to)
      throws ErrnoException, InterruptedException {
    int count =
        fileSystem.read(read.node(), read.handle(), read.offset(), to.asSlice(0, read.bytes()));
    if (count < 0 || count > read.bytes()) {
      throw new IllegalStateException(count + " bytes read where " + read.bytes() + " were asked");
    }
    return new Answer(count);
  }

  private Answer readdir(Request.Readdir readdir, MemorySegment to)
      throws ErrnoException, InterruptedException {
    ReplyDirectoryWriter writer =
        new ReplyDirectoryWriter(to.asSlice(0, readdir.bytes()), readdir.plus());
    Runnable giveBack = () -> writer.nodes().forEach(node -> fileSystem.forget(node, 1));
    boolean complete = false;
    try {
      fileSystem.readdir(readdir.node(), readdir.handle(), readdir.offset(), writer);
      complete = true;
    } finally {
      if (!complete) {
        giveBack.run();
      }
    }
    return new Answer(writer.bytes(), giveBack);
  }

  private static void nothing() {}

  private static Answer xattr(byte[] value, int room, MemorySegment to) throws ErrnoException {
    if (room == 0) {
      return new Answer(ReplyEncoder.xattrLength(to, value.length));
    }
    if (value.length > room) {
      throw new ErrnoException(Errno.ERANGE);
    }
    return new Answer(ReplyEncoder.bytes(to, value));
  }
}
