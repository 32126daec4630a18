package io.wormhole.daemon.mount;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.cache.ChunkCache;
import io.wormhole.daemon.fuse.KernelFileSystem;
import io.wormhole.daemon.mount.HostLink.Lanes;
import io.wormhole.daemon.mount.RemoteFileSystem.Owner;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.wire.message.Priority;
import io.wormhole.protocol.wire.message.ReadFile;
import io.wormhole.protocol.wire.message.Request;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Over a long path a reader who wants parts of chunks waits for no more than those. */
class PartsFirstTest {
  private static final int FILE_BYTES = 500_000;
  private static final MountSettings PLAIN = MountSettings.DEFAULTS;

  private final byte[] content = new byte[FILE_BYTES];
  private final ScriptedHost host = new ScriptedHost();
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
  private final ChunkCache cache =
      new ChunkCache(ChunkCache.DEFAULT_LIMIT_BYTES, Blake3.plain(), Runnable::run);
  private HostLink link;

  @BeforeEach
  void host() {
    new Random(3).nextBytes(content);
    host.with("film", content);
    host.readsFailWith(null);
    link =
        new HostLink(
            new Lanes(host, host), _ -> new CompletableFuture<>(), timer, System::nanoTime);
  }

  @AfterEach
  void close() {
    link.close();
    timer.shutdownNow();
    cache.close();
  }

  /** Of the one millisecond that a lane here says it takes. */
  private static MountSettings longFrom(Duration roundTrip) {
    return new MountSettings(
        PLAIN.attributeLife(),
        PLAIN.deadline(),
        PLAIN.readAheadChunks(),
        PLAIN.cachedEntries(),
        PLAIN.unopenedFiles(),
        roundTrip);
  }

  private RemoteFileSystem mounted(MountSettings settings) throws Exception {
    return RemoteFileSystem.open(
        RootQuestion.ask(host, System::nanoTime),
        new HostCalls(link, settings, System::nanoTime),
        new ChunkSource(link, cache, new CachedShare(1, 2), Blake3.plain(), settings),
        new MetadataCache(cache, new CachedShare(1, 2), Blake3.plain()),
        settings,
        new Owner(0, 0));
  }

  private void assertRead(RemoteFileSystem files, long node, long handle, int offset, int length)
      throws Exception {
    int there = Math.clamp(FILE_BYTES - offset, 0, length);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment destination = arena.allocate(length);
      assertThat(files.read(node, handle, offset, destination)).isEqualTo(there);
      assertThat(destination.asSlice(0, there).toArray(JAVA_BYTE))
          .isEqualTo(Arrays.copyOfRange(content, offset, offset + there));
    }
  }

  private List<String> reads() {
    return List.copyOf(host.asked).stream()
        .filter(Request::hasReadFile)
        .map(PartsFirstTest::text)
        .toList();
  }

  private static String text(Request request) {
    ReadFile read = request.getReadFile();
    return "%d+%d%s"
        .formatted(
            read.getOffset(),
            read.getLength(),
            request.getPriority() == Priority.PRIORITY_WAITING ? " waiting" : "");
  }

  @Test
  void theGroupsThatAreWantedAreAskedForByThemselves() throws Exception {
    RemoteFileSystem files = mounted(longFrom(Duration.ofMillis(1)));
    long node = files.lookup(KernelFileSystem.ROOT, "film".getBytes(StandardCharsets.UTF_8)).node();
    long handle = files.open(node);
    assertRead(files, node, handle, 100_000, 100_000);
    assertThat(reads())
        .containsExactly("98304+32768 waiting", "0+98304", "131072+81920 waiting", "212992+49152");
    assertRead(files, node, handle, 0, 250_000);
    assertThat(reads()).as("all of both chunks is here").hasSize(4);
  }

  @Test
  @Timeout(20)
  void nobodyWaitsForTheRestWhoDoesNotWantIt() throws Exception {
    CompletableFuture<Void> rest = new CompletableFuture<>();
    host.readAheadWaitsFor(rest);
    RemoteFileSystem files = mounted(longFrom(Duration.ofMillis(1)));
    long node = files.lookup(KernelFileSystem.ROOT, "film".getBytes(StandardCharsets.UTF_8)).node();
    long handle = files.open(node);
    assertRead(files, node, handle, 100_000, 100_000);
    assertThat(reads()).hasSize(4);
    Thread reader =
        Thread.ofVirtual()
            .start(() -> {
              try {
                assertRead(files, node, handle, 0, 250_000);
              } catch (Exception e) {
                throw new AssertionError(e);
              }
            });
    assertThat(reader.join(Duration.ofMillis(200))).as("all of the chunks is there").isFalse();
    rest.complete(null);
    reader.join();
    assertThat(reads()).hasSize(4);
  }

  @Test
  void overAShortPathTheChunksAreAskedForWhole() throws Exception {
    RemoteFileSystem files = mounted(longFrom(Duration.ofMillis(2)));
    long node = files.lookup(KernelFileSystem.ROOT, "film".getBytes(StandardCharsets.UTF_8)).node();
    long handle = files.open(node);
    assertRead(files, node, handle, 100_000, 100_000);
    assertThat(reads()).containsExactly("0+131072 waiting", "131072+131072 waiting");
  }

  @Test
  void anyReadsGiveTheBytesOfTheFile() throws Exception {
    RemoteFileSystem files = mounted(longFrom(Duration.ZERO));
    long node = files.lookup(KernelFileSystem.ROOT, "film".getBytes(StandardCharsets.UTF_8)).node();
    Random random = new Random(11);
    for (int round = 0; round < 50; round++) {
      long handle = files.open(node);
      for (int read = 0; read < 10; read++) {
        assertRead(files, node, handle, random.nextInt(FILE_BYTES), 1 + random.nextInt(300_000));
      }
      files.release(node, handle);
      cache.invalidate(_ -> true);
    }
  }
}
