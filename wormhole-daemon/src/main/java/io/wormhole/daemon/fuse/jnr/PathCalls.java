package io.wormhole.daemon.fuse.jnr;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.wormhole.daemon.fuse.Attr;
import io.wormhole.daemon.fuse.Errno;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.fuse.KernelFileSystem;
import io.wormhole.daemon.fuse.jnr.NativeStructs.FileInfo;
import io.wormhole.daemon.fuse.jnr.NativeStructs.Stat;
import io.wormhole.daemon.fuse.mounts.FaultLog;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;

/**
 * libfuse's callbacks ({@code struct fuse_operations} of {@code fuse.h}) turned into calls of the
 * file system. Each answers 0 or a count, or a negated error number; nothing is ever thrown into
 * libfuse. Pointers are valid during the call only. Called on the threads of a {@link Session}.
 *
 * <p>What libfuse takes for an inode is a name in a folder. When another inode has the name,
 * libfuse is told that the name was removed ({@link SessionThread#removeName}) before it hears of
 * the new one: so the kernel keeps them apart, and whoever has the old one open reads on in that.
 */
@SuppressWarnings("restricted")
final class PathCalls {
  private final KernelFileSystem fileSystem;
  private final PathTable paths;
  private final FaultLog faults;
  private final Stat stat = Stat.here();
  private final Map<Long, OpenFile> files = new ConcurrentHashMap<>();
  private final Map<Long, OpenFile> folders = new ConcurrentHashMap<>();
  private final AtomicLong nextHandle = new AtomicLong(1);
  private final CountDownLatch initialised = new CountDownLatch(1);
  private volatile boolean withheld;

  /** A callback's body. */
  @FunctionalInterface
  private interface Body {
    int run() throws ErrnoException, InterruptedException;
  }

  /**
   * @param pathLimit paths that are remembered; those of open files come on top
   * @param changed told of a file whose pages are over; whether the kernel will hear of it; must
   *     not wait
   */
  PathCalls(
      KernelFileSystem fileSystem, int pathLimit, Predicate<Notice> changed, FaultLog faults) {
    this.fileSystem = fileSystem;
    this.paths = new PathTable(fileSystem, pathLimit, changed, SessionThread::removeName);
    this.faults = faults;
  }

  PathTable paths() {
    return paths;
  }

  /** Opens when libfuse and the kernel have agreed. */
  CountDownLatch initialised() {
    return initialised;
  }

  /** The mount has failed: the file system hears nothing from now on, not even of the end. */
  void withhold() {
    withheld = true;
  }

  /** Gives back what is held still and tells the file system that it is over. */
  void end() {
    guarded(
        "release",
        () -> {
          files.values().forEach(this::release);
          folders.values().forEach(this::releasedir);
          files.clear();
          folders.clear();
          paths.clear();
          return 0;
        });
    guarded(
        "destroyed",
        () -> {
          fileSystem.destroyed();
          return 0;
        });
  }

  MemorySegment init(MemorySegment connection) {
    initialised.countDown();
    return MemorySegment.NULL;
  }

  int getattr(MemorySegment path, MemorySegment to) {
    return guarded(
        "getattr",
        () -> {
          String text = text(path);
          long node = SessionThread.node();
          Attr attr =
              SessionThread.isLookup() ? paths.lookup(text, node) : paths.getattr(text, node);
          stat.write(to.reinterpret(stat.bytes()), attr);
          return 0;
        });
  }

  int fgetattr(MemorySegment path, MemorySegment to, MemorySegment info) {
    return guarded(
        "getattr",
        () -> {
          OpenFile file = file(info);
          stat.write(to.reinterpret(stat.bytes()), fileSystem.getattr(file.place().node));
          return 0;
        });
  }

  int readlink(MemorySegment path, MemorySegment to, long bytes) {
    return guarded(
        "readlink",
        () -> {
          Place place = paths.hold(text(path), SessionThread.node());
          try {
            byte[] target = fileSystem.readlink(place.node);
            if (target.length >= bytes) {
              throw new ErrnoException(Errno.ENAMETOOLONG);
            }
            MemorySegment room = to.reinterpret(bytes);
            MemorySegment.copy(target, 0, room, JAVA_BYTE, 0, target.length);
            room.set(JAVA_BYTE, target.length, (byte) 0);
            return 0;
          } finally {
            paths.drop(place);
          }
        });
  }

  int open(MemorySegment path, MemorySegment info) {
    return guarded(
        "open",
        () -> {
          Place place = paths.hold(text(path), SessionThread.node());
          boolean complete = false;
          try {
            long handle = fileSystem.open(place.node);
            MemorySegment to = info.reinterpret(FileInfo.BYTES);
            if (paths.opened(place)) {
              to.set(
                  JAVA_INT, FileInfo.BITS, to.get(JAVA_INT, FileInfo.BITS) | FileInfo.KEEP_CACHE);
            }
            to.set(JAVA_LONG, FileInfo.HANDLE, put(files, new OpenFile(place, handle)));
            complete = true;
            return 0;
          } finally {
            if (!complete) {
              paths.drop(place);
            }
          }
        });
  }

  int read(MemorySegment path, MemorySegment to, long bytes, long offset, MemorySegment info) {
    return guarded(
        "read",
        () -> {
          OpenFile file = file(info);
          int count =
              fileSystem.read(file.place().node, file.handle(), offset, to.reinterpret(bytes));
          if (count < 0 || count > bytes) {
            throw new IllegalStateException(count + " bytes read where " + bytes + " were asked");
          }
          return count;
        });
  }

  int release(MemorySegment path, MemorySegment info) {
    return guarded(
        "release",
        () -> {
          OpenFile file = files.remove(handle(info));
          if (file != null) {
            release(file);
          }
          return 0;
        });
  }

  int opendir(MemorySegment path, MemorySegment info) {
    return guarded(
        "opendir",
        () -> {
          Place place = paths.hold(text(path), SessionThread.node());
          boolean complete = false;
          try {
            OpenFile folder = new OpenFile(place, fileSystem.opendir(place.node));
            info.reinterpret(FileInfo.BYTES).set(JAVA_LONG, FileInfo.HANDLE, put(folders, folder));
            complete = true;
            return 0;
          } finally {
            if (!complete) {
              paths.drop(place);
            }
          }
        });
  }

  int readdir(
      MemorySegment path,
      MemorySegment reply,
      MemorySegment function,
      long offset,
      MemorySegment info) {
    return guarded(
        "readdir",
        () -> {
          OpenFile folder = folder(info);
          try (Filler filler = new Filler(function, reply, stat)) {
            fileSystem.readdir(folder.place().node, folder.handle(), offset, filler);
          }
          return 0;
        });
  }

  int releasedir(MemorySegment path, MemorySegment info) {
    return guarded(
        "releasedir",
        () -> {
          OpenFile folder = folders.remove(handle(info));
          if (folder != null) {
            releasedir(folder);
          }
          return 0;
        });
  }

  /** Called for what we tell libfuse ourselves; the kernel asks for no change on such a mount. */
  int unlink(MemorySegment path) {
    return SessionThread.isRemoval() ? 0 : -Errno.EROFS.code();
  }

  int statfs(MemorySegment path, MemorySegment to) {
    return guarded(
        "statfs",
        () -> {
          Place place = paths.hold(text(path), SessionThread.node());
          try {
            NativeStructs.Statvfs.write(
                to.reinterpret(NativeStructs.Statvfs.BYTES), fileSystem.statfs(place.node));
            return 0;
          } finally {
            paths.drop(place);
          }
        });
  }

  int getxattr(MemorySegment path, MemorySegment name, MemorySegment to, long bytes) {
    return guarded(
        "getxattr",
        () -> {
          Place place = paths.hold(text(path), SessionThread.node());
          try {
            byte[] of = text(name).getBytes(StandardCharsets.ISO_8859_1);
            return bytes == 0
                ? fileSystem.xattrRoom(place.node, of)
                : give(fileSystem.getxattr(place.node, of), to, bytes);
          } finally {
            paths.drop(place);
          }
        });
  }

  int listxattr(MemorySegment path, MemorySegment to, long bytes) {
    return guarded(
        "listxattr",
        () -> {
          Place place = paths.hold(text(path), SessionThread.node());
          try {
            ByteArrayOutputStream names = new ByteArrayOutputStream();
            for (byte[] name : fileSystem.listxattr(place.node)) {
              names.writeBytes(name);
              names.write(0);
            }
            return give(names.toByteArray(), to, bytes);
          } finally {
            paths.drop(place);
          }
        });
  }

  /** The size protocol of extended attributes: no room asks for the length. */
  private static int give(byte[] value, MemorySegment to, long room) throws ErrnoException {
    if (room == 0) {
      return value.length;
    }
    if (value.length > room) {
      throw new ErrnoException(Errno.ERANGE);
    }
    MemorySegment.copy(value, 0, to.reinterpret(room), JAVA_BYTE, 0, value.length);
    return value.length;
  }

  private void release(OpenFile file) {
    try {
      fileSystem.release(file.place().node, file.handle());
    } finally {
      paths.closed(file.place());
      paths.drop(file.place());
    }
  }

  private void releasedir(OpenFile folder) {
    try {
      fileSystem.releasedir(folder.place().node, folder.handle());
    } finally {
      paths.drop(folder.place());
    }
  }

  private long put(Map<Long, OpenFile> opened, OpenFile file) {
    long handle = nextHandle.getAndIncrement();
    opened.put(handle, file);
    return handle;
  }

  private OpenFile file(MemorySegment info) throws ErrnoException {
    OpenFile file = files.get(handle(info));
    if (file == null) {
      throw new ErrnoException(Errno.EBADF);
    }
    return file;
  }

  private OpenFile folder(MemorySegment info) throws ErrnoException {
    OpenFile folder = folders.get(handle(info));
    if (folder == null) {
      throw new ErrnoException(Errno.EBADF);
    }
    return folder;
  }

  private static long handle(MemorySegment info) {
    return info.reinterpret(FileInfo.BYTES).get(JAVA_LONG, FileInfo.HANDLE);
  }

  /** A path or a name, each byte a character. */
  private static String text(MemorySegment bytes) {
    return bytes.reinterpret(Long.MAX_VALUE).getString(0, StandardCharsets.ISO_8859_1);
  }

  private int guarded(String call, Body body) {
    if (withheld) {
      return -Errno.EIO.code();
    }
    try {
      return body.run();
    } catch (ErrnoException e) {
      return -e.errno().code();
    } catch (InterruptedException e) {
      return -Errno.EINTR.code();
    } catch (Throwable e) {
      faults.report("The file system failed at " + call, e);
      return -Errno.EIO.code();
    }
  }
}
