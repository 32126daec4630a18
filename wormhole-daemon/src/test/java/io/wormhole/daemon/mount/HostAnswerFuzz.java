package io.wormhole.daemon.mount;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.wormhole.cache.ChunkCache;
import io.wormhole.daemon.fuse.DirectoryWriter;
import io.wormhole.daemon.fuse.Entry;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.fuse.FileType;
import io.wormhole.daemon.fuse.KernelFileSystem;
import io.wormhole.daemon.mount.RemoteFileSystem.Owner;
import io.wormhole.daemon.transport.Lane;
import io.wormhole.daemon.transport.Pending;
import io.wormhole.daemon.transport.PendingRead;
import io.wormhole.daemon.transport.Requests;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.name.EntryName;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.RemoteException;
import io.wormhole.protocol.wire.message.Attributes;
import io.wormhole.protocol.wire.message.FileKind;
import io.wormhole.protocol.wire.message.FirstBytes;
import io.wormhole.protocol.wire.message.FolderEntry;
import io.wormhole.protocol.wire.message.FolderPage;
import io.wormhole.protocol.wire.message.OpenedFile;
import io.wormhole.protocol.wire.message.Reply;
import io.wormhole.protocol.wire.message.Request;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Any answers of a host, one after the other, to a mount that looks up, lists, opens and reads: a
 * call ends with what can be, or with an error number.
 */
public final class HostAnswerFuzz {
  private static final Blake3 BLAKE3 = Blake3.plain();
  private static final ChunkCache CACHE =
      new ChunkCache(ChunkCache.DEFAULT_LIMIT_BYTES, BLAKE3, Runnable::run);
  private static final MountSettings SETTINGS =
      new MountSettings(Duration.ofSeconds(3), Duration.ofMillis(50), 4, 1000, 8, Duration.ZERO);
  private static final ScheduledExecutorService TIMER =
      Executors.newSingleThreadScheduledExecutor(Thread.ofPlatform().daemon().factory());
  private static final long ROOT = KernelFileSystem.ROOT;

  private HostAnswerFuzz() {}

  public static void fuzzerTestOneInput(byte[] input) throws Exception {
    Answers host = new Answers(ByteBuffer.wrap(input));
    AtomicLong clock = new AtomicLong(1);
    HostLink link =
        new HostLink(
            new HostLink.Lanes(host, host),
            _ -> CompletableFuture.failedFuture(new IOException("there are no others")),
            TIMER,
            clock::get);
    RemoteFileSystem files =
        RemoteFileSystem.open(
            RootQuestion.ask(host, clock::get),
            new HostCalls(link, SETTINGS, () -> clock.addAndGet(1_000_000)),
            new ChunkSource(link, CACHE, new CachedShare(1, 2), BLAKE3, SETTINGS),
            new MetadataCache(CACHE, new CachedShare(1, 2), BLAKE3),
            SETTINGS,
            new Owner(0, 0));
    long folder = ROOT;
    for (int round = 0; round < 4 && host.more(); round++) {
      try {
        Entry entry = files.lookup(folder, new byte[] {'n', (byte) ('a' + round)});
        use(files, entry.node());
        folder = entry.attr().type() == FileType.DIRECTORY ? entry.node() : ROOT;
      } catch (ErrnoException refused) {
        folder = ROOT;
      }
      try {
        list(files, folder);
        var _ = files.statfs(ROOT);
      } catch (ErrnoException refused) {
        folder = ROOT;
      }
    }
    files.destroyed();
    link.close();
  }

  private static void use(RemoteFileSystem files, long node)
      throws ErrnoException, InterruptedException {
    switch (files.getattr(node).type()) {
      case REGULAR -> {
        long handle = files.open(node);
        try (Arena arena = Arena.ofConfined()) {
          MemorySegment destination = arena.allocate(3000);
          int read = files.read(node, handle, 0, destination);
          if (read < 0 || read > 3000) {
            throw new AssertionError("read " + read);
          }
          var _ = files.read(node, handle, Long.MAX_VALUE - 3000, destination);
        } finally {
          files.release(node, handle);
        }
      }
      case SYMLINK -> {
        byte[] target = files.readlink(node);
        if (target.length == 0 || target[0] == '/') {
          throw new AssertionError("a link that leads out");
        }
      }
      default -> {}
    }
  }

  private static void list(RemoteFileSystem files, long node)
      throws ErrnoException, InterruptedException {
    long handle = files.opendir(node);
    try {
      files.readdir(
          node,
          handle,
          0,
          new DirectoryWriter() {
            private int entries;

            @Override
            public boolean wantsEntries() {
              return true;
            }

            @Override
            public boolean fits(int nameBytes) {
              return ++entries < 50;
            }

            @Override
            public void add(byte[] name, long inode, FileType type, long nextOffset) {
              // The dots.
            }

            @Override
            public void add(byte[] name, Entry entry, long nextOffset) {
              if (!EntryName.isValid(name)) {
                throw new AssertionError("a name no file can have");
              }
            }
          });
    } finally {
      files.releasedir(node, handle);
    }
  }

  public static List<byte[]> seeds() {
    Attributes file =
        Attributes.newBuilder()
            .setKind(FileKind.FILE_KIND_REGULAR)
            .setInode(5)
            .setGeneration(1)
            .setSize(4)
            .setVersion(ByteString.copyFrom(new byte[Limits.VERSION_BYTES]))
            .build();
    Attributes folder =
        Attributes.newBuilder()
            .setKind(FileKind.FILE_KIND_DIRECTORY)
            .setInode(6)
            .setGeneration(1)
            .build();
    Attributes link =
        file.toBuilder()
            .setKind(FileKind.FILE_KIND_SYMLINK)
            .setInode(7)
            .setLinkTarget(ByteString.copyFromUtf8("na"))
            .build();
    ByteString data = ByteString.copyFromUtf8("data");
    byte[] hash = BLAKE3.hash(MemorySegment.ofArray(data.toByteArray())).hash().bytes();
    Reply opened =
        Reply.newBuilder()
            .setOpenedFile(
                OpenedFile.newBuilder()
                    .setHandle(3)
                    .setAttributes(file)
                    .setFirst(
                        FirstBytes.newBuilder().setData(data).setHash(ByteString.copyFrom(hash))))
            .build();
    Reply page =
        Reply.newBuilder()
            .setFolderPage(
                FolderPage.newBuilder()
                    .setFolder(folder)
                    .addEntries(
                        FolderEntry.newBuilder()
                            .setName(ByteString.copyFromUtf8("x"))
                            .setAttributes(link)))
            .build();
    Reply isFile = Reply.newBuilder().setAttributes(file).build();
    Reply isFolder = Reply.newBuilder().setAttributes(folder).build();
    Reply isLink = Reply.newBuilder().setAttributes(link).build();
    return List.of(
        seed(isFile, isFile, opened, page),
        seed(isFolder, isFolder, page, isLink, isLink, page),
        seed(isLink, isLink, page));
  }

  private static byte[] seed(Reply... replies) {
    ByteBuffer seed = ByteBuffer.allocate(1 << 16);
    for (Reply reply : replies) {
      byte[] bytes = reply.toByteArray();
      seed.putShort((short) bytes.length).put(bytes);
    }
    return java.util.Arrays.copyOf(seed.array(), seed.position());
  }

  /** Replies that stand one behind the other, each behind two bytes of length. */
  private static final class Answers implements Requests {
    private final ByteBuffer input;
    private final IdleLane lane = new IdleLane();
    private boolean first = true;

    Answers(ByteBuffer input) {
      this.input = input;
    }

    boolean more() {
      return input.remaining() >= 2;
    }

    private CompletableFuture<Reply> next() {
      if (first) {
        first = false;
        return CompletableFuture.completedFuture(
            Reply.newBuilder()
                .setAttributes(
                    Attributes.newBuilder()
                        .setKind(FileKind.FILE_KIND_DIRECTORY)
                        .setInode(1)
                        .setGeneration(1))
                .build());
      }
      if (!more()) {
        return CompletableFuture.failedFuture(
            new RemoteException(
                io.wormhole.protocol.wire.message.FailureCode.FAILURE_CODE_NOT_FOUND));
      }
      int length = Math.min(Short.toUnsignedInt(input.getShort()), input.remaining());
      ByteBuffer reply = input.slice(input.position(), length);
      input.position(input.position() + length);
      try {
        Reply parsed = Reply.parseFrom(reply);
        return parsed.hasFailure()
            ? CompletableFuture.failedFuture(new RemoteException(parsed.getFailure().getCode()))
            : CompletableFuture.completedFuture(parsed);
      } catch (InvalidProtocolBufferException none) {
        return CompletableFuture.failedFuture(
            new io.wormhole.protocol.wire.WireException("a reply that is none"));
      }
    }

    @Override
    public CompletableFuture<Reply> call(Request.Builder request, Duration deadline) {
      return request.hasCloseHandles()
          ? CompletableFuture.completedFuture(Reply.getDefaultInstance())
          : next();
    }

    @Override
    public Pending<Reply> ask(Request.Builder request, Duration deadline) {
      return new PlainPending<>(call(request, deadline));
    }

    @Override
    public PendingRead read(Request.Builder request, MemorySegment destination, Duration deadline) {
      CompletableFuture<PendingRead.Answer> answer =
          next()
              .thenApply(reply ->
                  reply.hasSame()
                      ? new PendingRead.Answer.Same(reply.getSame().getYoung())
                      : new PendingRead.Answer.Changed(reply.getChanged()));
      return new PendingRead() {
        @Override
        public CompletableFuture<Answer> answer() {
          return answer;
        }

        @Override
        public void cancel() {
          // It has its answer.
        }
      };
    }

    @Override
    public Lane lane() {
      return lane;
    }

    @Override
    public void whenQuiet(Runnable listener) {
      // It always answers.
    }
  }
}
