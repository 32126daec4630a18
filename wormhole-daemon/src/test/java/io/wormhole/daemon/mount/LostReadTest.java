package io.wormhole.daemon.mount;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.cache.ChunkCache;
import io.wormhole.daemon.fuse.KernelFileSystem;
import io.wormhole.daemon.mount.HostLink.Lanes;
import io.wormhole.daemon.mount.RemoteFileSystem.Owner;
import io.wormhole.daemon.transport.CloseReason;
import io.wormhole.daemon.transport.LaneException;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.wire.message.Request;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Reads that are lost on a lane whose own end nobody has heard of: they go on over the next. */
@Timeout(30)
class LostReadTest {
  private static final int FILE_BYTES = 500_000;

  private final byte[] content = new byte[FILE_BYTES];
  private final ScriptedHost before = new ScriptedHost();
  private final ScriptedHost after = new ScriptedHost();
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
  private final ChunkCache cache =
      new ChunkCache(ChunkCache.DEFAULT_LIMIT_BYTES, Blake3.plain(), Runnable::run);
  private HostLink link;
  private RemoteFileSystem files;

  @BeforeEach
  void mount() throws Exception {
    new Random(3).nextBytes(content);
    before.with("film", content);
    after.with("film", content);
    after.readsFailWith(null);
    before.readsFailWith(
        new LaneException(
            LaneException.Kind.CLOSED_HERE, CloseReason.DONE, "no stream is open for requests"));
    MountSettings settings = MountSettings.DEFAULTS;
    link =
        new HostLink(
            new Lanes(before, before),
            _ -> CompletableFuture.completedFuture(new Lanes(after, after)),
            timer,
            System::nanoTime);
    files =
        RemoteFileSystem.open(
            RootQuestion.ask(before, System::nanoTime),
            new HostCalls(link, settings, System::nanoTime),
            new ChunkSource(link, cache, new CachedShare(1, 2), Blake3.plain(), settings),
            new MetadataCache(cache, new CachedShare(1, 2), Blake3.plain()),
            settings,
            new Owner(0, 0));
  }

  @AfterEach
  void close() {
    link.close();
    timer.shutdownNow();
    cache.close();
  }

  private void assertRead(int offset, int length) throws Exception {
    long node = files.lookup(KernelFileSystem.ROOT, "film".getBytes(StandardCharsets.UTF_8)).node();
    long handle = files.open(node);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment destination = arena.allocate(length);
      assertThat(files.read(node, handle, offset, destination)).isEqualTo(length);
      assertThat(destination.toArray(JAVA_BYTE))
          .isEqualTo(Arrays.copyOfRange(content, offset, offset + length));
    }
    assertThat(link.now()).contains(new Lanes(after, after));
    assertThat(before.lane().closed()).isDone();
    assertThat(before.asked).filteredOn(Request::hasReadFile).hasSizeLessThan(40);
  }

  @Test
  void aWholeChunk() throws Exception {
    assertRead(100_000, 100_000);
  }

  @Test
  void aShortReadThatStandsAlone() throws Exception {
    assertRead(300_000, 4096);
  }
}
