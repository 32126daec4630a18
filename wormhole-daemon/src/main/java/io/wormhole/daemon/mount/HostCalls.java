package io.wormhole.daemon.mount;

import com.google.protobuf.ByteString;
import io.wormhole.daemon.fuse.Errno;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.mount.HostLink.Lanes;
import io.wormhole.daemon.mount.Inode.Seen;
import io.wormhole.daemon.transport.LaneException;
import io.wormhole.daemon.transport.Pending;
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
import io.wormhole.protocol.wire.message.Priority;
import io.wormhole.protocol.wire.message.ReadSmallFiles;
import io.wormhole.protocol.wire.message.Reply;
import io.wormhole.protocol.wire.message.Reply.BodyCase;
import io.wormhole.protocol.wire.message.Request;
import io.wormhole.protocol.wire.message.SmallFile;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Questions about names and attributes, asked on the control lane and waited for. Each answer is
 * checked before it is given on; each wait ends by the deadline. What was asked on lanes that were
 * lost is asked again on the next ones.
 */
final class HostCalls {
  /** What the answer's own timer may be late by before we stop waiting without it. */
  private static final Duration SLACK = Duration.ofSeconds(1);

  /** How long a handle that was closed waits for a request to go with. */
  private static final int CLOSE_MILLIS = 50;

  /** Handles that one request takes along. */
  private static final int MAX_CLOSED = 256;

  private final HostLink link;
  private final MountSettings settings;
  private final LongSupplier tickerNanos;
  private final Failures failures;
  private final Queue<Access> closed = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean closing = new AtomicBoolean();
  private final Executor later =
      CompletableFuture.delayedExecutor(CLOSE_MILLIS, TimeUnit.MILLISECONDS);

  HostCalls(HostLink link, MountSettings settings, LongSupplier tickerNanos) {
    this.link = link;
    this.settings = settings;
    this.tickerNanos = tickerNanos;
    this.failures = new Failures(link::toString, tickerNanos);
  }

  /** What becomes of the host's failures. */
  Failures failures() {
    return failures;
  }

  HostLink link() {
    return link;
  }

  /** Whether a call has failed because the host fell silent or went while it was asked. */
  boolean hasGone(ErrnoException failed) {
    boolean inVain = failed.errno() == Errno.EIO || failed.errno() == Errno.ETIMEDOUT;
    return inVain && link.isSilent();
  }

  long nowNanos() {
    return tickerNanos.getAsLong();
  }

  /** When a call of the kernel that begins now must have ended. */
  long endNanos() {
    return nowNanos() + settings.deadline().toNanos();
  }

  /** What is left of a call's time, at least a millisecond. */
  Duration left(long endNanos) {
    return Duration.ofNanos(Math.max(1_000_000, endNanos - nowNanos()));
  }

  /** Attributes of what stands at a path. */
  Seen attributesAt(List<byte[]> path) throws ErrnoException, InterruptedException {
    long askedNanos = nowNanos();
    GetAttributes of = GetAttributes.newBuilder().setPath(wirePath(path)).build();
    Reply reply = call(Request.newBuilder().setGetAttributes(of).build(), BodyCase.ATTRIBUTES);
    return seen(reply.getAttributes(), askedNanos);
  }

  /** Attributes of the root; asked for again if the lane was lost on which they were. */
  Seen root(RootQuestion question) throws ErrnoException, InterruptedException {
    Optional<Lanes> lanes = link.now();
    if (lanes.isPresent()) {
      try {
        Reply reply =
            expect(await(lanes.get(), question.answer(), settings.deadline()), BodyCase.ATTRIBUTES);
        return seen(reply.getAttributes(), question.askedNanos());
      } catch (LaneException lost) {
        // The next lanes are waited for.
      }
    }
    return attributesAt(List.of());
  }

  /** Attributes of an open file, which need not have a name any more. */
  Seen attributesOf(Inode inode, Access file, long endNanos)
      throws ErrnoException, LaneException, InterruptedException {
    long askedNanos = nowNanos();
    GetAttributes of = GetAttributes.newBuilder().setHandle(file.handle()).build();
    Request request = Request.newBuilder().setGetAttributes(of).build();
    Attributes told = ask(file.lanes(), request, BodyCase.ATTRIBUTES, endNanos).getAttributes();
    return of(inode, seen(told, askedNanos));
  }

  /** Attributes of an open file; those of another one are a lie. */
  Seen of(Inode inode, Seen seen) throws ErrnoException {
    if (isOf(inode, seen)) {
      return seen;
    }
    throw failures.toErrno(new WireException("attributes of another file than the open one"));
  }

  private static boolean isOf(Inode inode, Seen seen) {
    return seen.attributes().identity().equals(inode.identity())
        && seen.attributes().type() == inode.type();
  }

  /** Until when what was asked for then is good. */
  long goodUntilNanos(long askedNanos) {
    return askedNanos + settings.attributeLife().toNanos();
  }

  /** Checked attributes, good from when they were asked for. */
  Seen seen(Attributes sent, long askedNanos) throws ErrnoException {
    try {
      return new Seen(HostAttributes.of(sent), goodUntilNanos(askedNanos));
    } catch (WireException lie) {
      throw failures.toErrno(lie);
    }
  }

  /**
   * A file that was opened.
   *
   * @param first its first bytes, if they were asked for and came
   */
  record Opened(Access access, Seen seen, @Nullable OpeningBytes first) {}

  /**
   * Opens a file.
   *
   * @param firstBytes how many of its bytes should come at once, 0 to 16,384
   * @throws ErrnoException ESTALE if another file stands where it stood
   */
  Opened open(Lanes lanes, Inode inode, int firstBytes, long endNanos)
      throws ErrnoException, LaneException, InterruptedException {
    long askedNanos = nowNanos();
    OpenedFile file =
        ask(lanes, openRequest(inode, firstBytes), BodyCase.OPENED_FILE, endNanos).getOpenedFile();
    Access access = new Access(lanes, file.getHandle());
    boolean kept = false;
    try {
      Seen seen = seen(file.getAttributes(), askedNanos);
      if (!isOf(inode, seen)) {
        throw new ErrnoException(Errno.ESTALE);
      }
      Opened opened = new Opened(access, seen, first(file, seen.attributes(), firstBytes));
      kept = true;
      return opened;
    } finally {
      if (!kept) {
        close(access);
      }
    }
  }

  private @Nullable OpeningBytes first(OpenedFile opened, HostAttributes file, int asked)
      throws ErrnoException {
    if (asked == 0 || !opened.hasFirst() || file.version().isEmpty()) {
      return null;
    }
    try {
      return new OpeningBytes(
          file.version().get(), opened.getFirst(), Math.min(asked, file.size()));
    } catch (WireException lie) {
      throw failures.toErrno(lie);
    }
  }

  private static Request openRequest(Inode inode, int firstBytes) throws ErrnoException {
    OpenFile.Builder open =
        OpenFile.newBuilder()
            .setPath(wirePath(inode.path()))
            .setInode(inode.identity().inode())
            .setGeneration(inode.identity().generation())
            .setFirstBytes(firstBytes);
    return Request.newBuilder().setOpenFile(open).build();
  }

  /** Asks for the first page of a listing, without waiting for it. */
  CompletableFuture<Reply> list(Lanes lanes, List<byte[]> path) throws ErrnoException {
    ListFolder.Builder list = ListFolder.newBuilder().setPath(wirePath(path));
    return send(lanes, Request.newBuilder().setListFolder(list), settings.deadline());
  }

  /** Asks for the next page of a listing, without waiting for it. */
  CompletableFuture<Reply> listMore(Access listing) {
    ListMore.Builder more = ListMore.newBuilder().setHandle(listing.handle());
    return send(listing.lanes(), Request.newBuilder().setListMore(more), settings.deadline());
  }

  /** As {@link #list}, behind everything that anybody waits for. */
  Pending<Reply> listAhead(Lanes lanes, List<byte[]> path) throws ErrnoException {
    ListFolder.Builder list = ListFolder.newBuilder().setPath(wirePath(path));
    return askAhead(lanes, Request.newBuilder().setListFolder(list));
  }

  /** Asks for small files of one folder, behind everything that anybody waits for. */
  Pending<Reply> smallFiles(Lanes lanes, List<byte[]> folder, List<SmallFile> files)
      throws ErrnoException {
    ReadSmallFiles.Builder read =
        ReadSmallFiles.newBuilder().setFolder(wirePath(folder)).addAllFiles(files);
    return askAhead(lanes, Request.newBuilder().setReadSmallFiles(read));
  }

  private Pending<Reply> askAhead(Lanes lanes, Request.Builder request) {
    request.setPriority(Priority.PRIORITY_READ_AHEAD);
    Pending<Reply> asked = lanes.bulk().ask(request, settings.deadline());
    return new Reported(
        asked,
        asked
            .answer()
            .whenComplete((_, failed) -> {
              if (failed instanceof LaneException lost) {
                link.lost(lanes, lost);
              }
            }));
  }

  /** A request whose failure the link hears of before anybody else. */
  private record Reported(Pending<Reply> asked, CompletableFuture<Reply> answer)
      implements Pending<Reply> {
    @Override
    public void hurry() {
      asked.hurry();
    }

    @Override
    public void cancel() {
      asked.cancel();
    }
  }

  /** Waits for a page that was asked for on these lanes. */
  FolderPage page(Lanes lanes, CompletableFuture<Reply> asked)
      throws ErrnoException, LaneException, InterruptedException {
    return expect(await(lanes, asked, settings.deadline()), BodyCase.FOLDER_PAGE).getFolderPage();
  }

  FileSystem fileSystem() throws ErrnoException, InterruptedException {
    Request get = Request.newBuilder().setGetFileSystem(GetFileSystem.newBuilder()).build();
    return call(get, BodyCase.FILE_SYSTEM).getFileSystem();
  }

  /**
   * Gives a handle back, with the next request or soon. Does not wait: a host that is gone has
   * closed it itself.
   */
  void close(Access handle) {
    closed.add(handle);
    if (closing.compareAndSet(false, true)) {
      later.execute(this::closeAll);
    }
  }

  private void closeAll() {
    closing.set(false);
    while (!closed.isEmpty()) {
      Optional<Lanes> lanes = link.now();
      if (lanes.isEmpty()) {
        closed.clear();
        return;
      }
      Request.Builder close =
          Request.newBuilder().setCloseHandles(CloseHandles.getDefaultInstance());
      addClosed(lanes.get(), close);
      if (close.getClosedHandlesCount() > 0) {
        var _ = lanes.get().control().call(close, settings.deadline());
      }
    }
  }

  private Reply call(Request request, BodyCase expected)
      throws ErrnoException, InterruptedException {
    long endNanos = endNanos();
    while (true) {
      Lanes lanes = link.await(endNanos);
      try {
        return ask(lanes, request, expected, endNanos);
      } catch (LaneException lost) {
        // The next lanes are waited for.
      }
    }
  }

  private Reply ask(Lanes lanes, Request request, BodyCase expected, long endNanos)
      throws ErrnoException, LaneException, InterruptedException {
    Duration left = left(endNanos);
    return expect(await(lanes, send(lanes, request.toBuilder(), left), left), expected);
  }

  private CompletableFuture<Reply> send(Lanes lanes, Request.Builder request, Duration deadline) {
    addClosed(lanes, request);
    return lanes.control().call(request, deadline);
  }

  private void addClosed(Lanes lanes, Request.Builder request) {
    while (request.getClosedHandlesCount() < MAX_CLOSED) {
      Access handle = closed.poll();
      if (handle == null) {
        return;
      }
      // Those of other lanes went with them.
      if (handle.lanes().equals(lanes)) {
        request.addClosedHandles(handle.handle());
      }
    }
  }

  private Reply expect(Reply reply, BodyCase expected) throws ErrnoException {
    if (reply.getBodyCase() != expected) {
      throw failures.toErrno(
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
  private <T> T await(Lanes lanes, CompletableFuture<T> answer, Duration deadline)
      throws ErrnoException, LaneException, InterruptedException {
    try {
      return answer.get(deadline.plus(SLACK).toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException failed) {
      if (failed.getCause() instanceof LaneException lost) {
        link.lost(lanes, lost);
        throw lost;
      }
      throw failures.toErrno(failed.getCause() == null ? failed : failed.getCause());
    } catch (TimeoutException late) {
      throw failures.toErrno(late);
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
