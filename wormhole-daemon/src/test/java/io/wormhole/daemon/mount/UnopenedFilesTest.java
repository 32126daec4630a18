package io.wormhole.daemon.mount;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.cache.ChunkCache;
import io.wormhole.daemon.fuse.KernelFileSystem;
import io.wormhole.protocol.hash.Blake3;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is kept for readers who have not opened their files, and for how long. */
@Timeout(30)
class UnopenedFilesTest {
  private static final int MOST = 2;

  private final AtomicLong clock = new AtomicLong(1);
  private final ScriptedHost host = new ScriptedHost();
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
  private final ChunkCache cache =
      new ChunkCache(ChunkCache.DEFAULT_LIMIT_BYTES, Blake3.plain(), Runnable::run);
  private final List<Inode> made = new ArrayList<>();
  private HostLink link;
  private InodeTable inodes;
  private UnopenedFiles files;

  @BeforeEach
  void set() throws Exception {
    MountSettings settings = MountSettings.DEFAULTS;
    link =
        new HostLink(
            new HostLink.Lanes(host, host),
            _ -> CompletableFuture.failedFuture(new IOException("there is but one lane")),
            timer,
            clock::get);
    HostCalls calls = new HostCalls(link, settings, clock::get);
    ChunkSource chunks =
        new ChunkSource(link, cache, new CachedShare(1, 2), Blake3.plain(), settings);
    inodes = new InodeTable(calls.attributesAt(List.of()), _ -> {});
    files =
        new UnopenedFiles(
            inode -> {
              made.add(inode);
              return new OpenFile(inode, calls, inodes, chunks, settings);
            },
            MOST,
            clock::get);
    for (String name : List.of("a", "b", "c")) {
      host.with(name, new byte[10]);
      byte[] bytes = name.getBytes(java.nio.charset.StandardCharsets.UTF_8);
      inodes.lookedUp(inodes.root(), bytes, calls.attributesAt(List.of(bytes)));
    }
  }

  @AfterEach
  void close() {
    files.close();
    link.close();
    timer.shutdownNow();
    cache.close();
  }

  /** The files in the order they were made. */
  private Inode inode(int number) throws Exception {
    return inodes.get(KernelFileSystem.ROOT + 1 + number);
  }

  private void use(int number) throws Exception {
    files.use(inode(number)).close();
  }

  @Test
  void oneIsMadeForAllReadersOfAFile() throws Exception {
    try (UnopenedFiles.Use first = files.use(inode(0));
        UnopenedFiles.Use second = files.use(inode(0))) {
      assertThat(first.file()).isSameAs(second.file());
    }
    use(0);
    assertThat(made).containsExactly(inode(0));
  }

  @Test
  void theOneReadLongestAgoMakesRoom() throws Exception {
    use(0);
    use(1);
    use(0);
    use(2);
    assertThat(files.of(inode(1))).isEmpty();
    assertThat(files.of(inode(0))).isPresent();
  }

  @Test
  void oneThatIsBeingReadStays() throws Exception {
    try (UnopenedFiles.Use _ = files.use(inode(0))) {
      use(1);
      use(2);
      assertThat(files.of(inode(0))).isPresent();
    }
  }

  @Test
  void whatNobodyHasReadForLongIsClosed() throws Exception {
    use(0);
    clock.addAndGet(UnopenedFiles.IDLE.toNanos() / 2);
    use(1);
    clock.addAndGet(UnopenedFiles.IDLE.toNanos() / 2);
    files.closeIdle();
    assertThat(files.of(inode(0))).isEmpty();
    assertThat(files.of(inode(1))).isPresent();
  }

  @Test
  void forgottenWhileItIsReadItIsMadeAnewForWhoComesNext() throws Exception {
    try (UnopenedFiles.Use before = files.use(inode(0))) {
      files.forget(inode(0).node());
      try (UnopenedFiles.Use after = files.use(inode(0))) {
        assertThat(after.file()).isNotSameAs(before.file());
      }
    }
  }
}
