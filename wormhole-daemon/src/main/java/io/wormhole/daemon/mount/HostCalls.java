package io.wormhole.daemon.mount;

import com.google.protobuf.ByteString;
import io.wormhole.daemon.fuse.Errno;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.mount.Inode.Seen;
import io.wormhole.daemon.transport.Requests;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.WireException;
import io.wormhole.protocol.wire.message.Attributes;
import io.wormhole.protocol.wire.message.CloseHandles;
import io.wormhole.protocol.wire.message.FileSystem;
import io.wormhole.protocol.wire.message.FolderPage;
import io.wormhole.protocol.wire.message.GetAttributes;
import io.wormhole.protocol.wire.message.GetFileSystem;
import io.wormhole.protocol.wire.message.ListFolder;
import io.wormhole.protocol.wire.message.ListMore;
import io.wormhole.protocol.wire.message.OpenFile;
import io.wormhole.protocol.wire.message.OpenedFile;
import io.wormhole.protocol.wire.message.Path;
import io.wormhole.protocol.wire.message.Reply;
import io.wormhole.protocol.wire.message.Reply.BodyCase;
import io.wormhole.protocol.wire.message.Request;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;

/**
 * Questions about names and attributes, asked on the control lane and waited for. Each answer is
 * checked before it is given on; each wait ends by the deadline.
 */
final class HostCalls {
  /** What the answer's own timer may be late by before we stop waiting without it. */
  private static final Duration SLACK = Duration.ofSeconds(1);

  /** How long a handle that was closed waits for a request to go with. */
  private static final int CLOSE_MILLIS = 50;

  /** Handles that one request takes along. */
  private static final int MAX_CLOSED = 256;

  private final Requests control;
  private final MountSettings settings;
  private final LongSupplier tickerNanos;
  private final Queue<Long> closed = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean closing = new AtomicBoolean();
  private final Executor later =
      CompletableFuture.delayedExecutor(CLOSE_MILLIS, TimeUnit.MILLISECONDS);

  HostCalls(Requests control, MountSettings settings, LongSupplier tickerNanos) {
    this.control = control;
    this.settings = settings;
    this.tickerNanos = tickerNanos;
  }

  /** Attributes of what stands at a path. */
  Seen attributesAt(List<byte[]> path) throws ErrnoException, InterruptedException {
    return attributes(GetAttributes.newBuilder().setPath(wirePath(path)));
  }

  /** Attributes of an open file, which need not have a name any more. */
  Seen attributesOf(long handle) throws ErrnoException, InterruptedException {
    return attributes(GetAttributes.newBuilder().setHandle(handle));
  }

  private Seen attributes(GetAttributes.Builder of) throws ErrnoException, InterruptedException {
    long askedNanos = tickerNanos.getAsLong();
    Reply reply = call(Request.newBuilder().setGetAttributes(of), BodyCase.ATTRIBUTES);
    return seen(reply.getAttributes(), askedNanos);
  }

  /** Checked attributes, good from when they were asked for. */
  Seen seen(Attributes sent, long askedNanos) throws ErrnoException {
    try {
      return new Seen(HostAttributes.of(sent), askedNanos + settings.attributeLife().toNanos());
    } catch (WireException lie) {
      throw Failures.toErrno(lie);
    }
  }

  /** How long one call of the kernel may take. */
  Duration deadline() {
    return settings.deadline();
  }

  long nowNanos() {
    return tickerNanos.getAsLong();
  }

  /**
   * Opens a file.
   *
   * @param firstBytes how many of its bytes should come at once, 0 to 16,384
   */
  OpenedFile open(Inode inode, int firstBytes) throws ErrnoException, InterruptedException {
    OpenFile.Builder open =
        OpenFile.newBuilder()
            .setPath(wirePath(inode.path()))
            .setInode(inode.identity().inode())
            .setGeneration(inode.identity().generation())
            .setFirstBytes(firstBytes);
    return call(Request.newBuilder().setOpenFile(open), BodyCase.OPENED_FILE).getOpenedFile();
  }

  FolderPage list(List<byte[]> path) throws ErrnoException, InterruptedException {
    return page(listAhead(path));
  }

  /** Asks for the first page of a listing, without waiting for it. */
  CompletableFuture<Reply> listAhead(List<byte[]> path) throws ErrnoException {
    ListFolder.Builder list = ListFolder.newBuilder().setPath(wirePath(path));
    return send(Request.newBuilder().setListFolder(list));
  }

  /** Asks for the next page of a listing, without waiting for it. */
  CompletableFuture<Reply> listMore(long handle) {
    ListMore.Builder more = ListMore.newBuilder().setHandle(handle);
    return send(Request.newBuilder().setListMore(more));
  }

  /** Waits for a page that was asked for. */
  FolderPage page(CompletableFuture<Reply> asked) throws ErrnoException, InterruptedException {
    return expect(await(asked, settings.deadline()), BodyCase.FOLDER_PAGE).getFolderPage();
  }

  FileSystem fileSystem() throws ErrnoException, InterruptedException {
    GetFileSystem.Builder get = GetFileSystem.newBuilder();
    return call(Request.newBuilder().setGetFileSystem(get), BodyCase.FILE_SYSTEM).getFileSystem();
  }

  /**
   * Gives a handle back, with the next request or soon. Does not wait: a host that is gone has
   * closed it itself.
   */
  void close(long handle) {
    closed.add(handle);
    if (closing.compareAndSet(false, true)) {
      later.execute(() -> {
        closing.set(false);
        while (!closed.isEmpty()) {
          var _ = send(Request.newBuilder().setCloseHandles(CloseHandles.getDefaultInstance()));
        }
      });
    }
  }

  private Reply call(Request.Builder request, BodyCase expected)
      throws ErrnoException, InterruptedException {
    return expect(await(send(request), settings.deadline()), expected);
  }

  private CompletableFuture<Reply> send(Request.Builder request) {
    for (int i = 0; i < MAX_CLOSED; i++) {
      Long handle = closed.poll();
      if (handle == null) {
        break;
      }
      request.addClosedHandles(handle);
    }
    return control.call(request, settings.deadline());
  }

  private static Reply expect(Reply reply, BodyCase expected) throws ErrnoException {
    if (reply.getBodyCase() != expected) {
      throw Failures.toErrno(
          new WireException(
              "the host answered "
                  + reply.getBodyCase().name()
                  + " where "
                  + expected.name()
                  + " was asked for"));
    }
    return reply;
  }

  /** Waits for what has a deadline of its own. */
  static <T> T await(CompletableFuture<T> answer, Duration deadline)
      throws ErrnoException, InterruptedException {
    try {
      return answer.get(deadline.plus(SLACK).toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException failed) {
      throw Failures.toErrno(failed.getCause() == null ? failed : failed.getCause());
    } catch (TimeoutException late) {
      throw Failures.toErrno(late);
    }
  }

  private static Path wirePath(List<byte[]> names) throws ErrnoException {
    int bytes = 0;
    Path.Builder path = Path.newBuilder();
    for (byte[] name : names) {
      bytes += name.length + 1;
      path.addNames(ByteString.copyFrom(name));
    }
    if (names.size() > Limits.PATH_DEPTH || bytes > Limits.PATH_BYTES) {
      throw new ErrnoException(Errno.ENAMETOOLONG);
    }
    return path.build();
  }
}
