package io.wormhole.daemon.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.daemon.fuse.mounts.Libc;
import io.wormhole.daemon.fuse.mounts.MountTable;
import io.wormhole.daemon.fuse.mounts.OurMounts;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A {@link MemoryFileSystem}, mounted. Closing it checks that the kernel and the file system agree
 * about what is held, and unmounts. A watchdog forces the mount away if a test hangs in it.
 */
public final class MountedFileSystem implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final Duration CHANGE_SEEN = Duration.ofSeconds(20);
  private static final Duration WATCHDOG = Duration.ofSeconds(40);
  private static final String NAME = "a share, with \\ and ümlaut";

  final MemoryFileSystem fileSystem;
  public final Path directory;
  public final KernelMount mount;
  private final ScheduledExecutorService watchdog =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("watchdog").factory());

  MountedFileSystem(TestedBackend backend, MemoryFileSystem fileSystem) throws Exception {
    this(backend.create(fileSystem.validFor), fileSystem.needingOpens(!backend.leavesOpensOut()));
  }

  public MountedFileSystem(FuseBackend backend, MemoryFileSystem fileSystem) throws Exception {
    this.fileSystem = fileSystem;
    directory = Files.createTempDirectory("wormhole mount").toRealPath();
    mount = backend.mount(new MountOptions(directory, NAME), fileSystem);
    var _ = watchdog.schedule(mount::forceUnmount, WATCHDOG.toSeconds(), TimeUnit.SECONDS);
  }

  /** Waits until it is so. */
  public static void await(Callable<Boolean> condition) throws Exception {
    long end = System.nanoTime() + CHANGE_SEEN.toNanos();
    while (!condition.call()) {
      assertThat(System.nanoTime()).as("it never became so").isLessThan(end);
      Thread.sleep(1);
    }
  }

  /** The byte at a place of a file. */
  public static byte at(FileChannel file, long offset) throws IOException {
    ByteBuffer one = ByteBuffer.allocate(1);
    assertThat(file.read(one, offset)).isEqualTo(1);
    return one.get(0);
  }

  public Path path(String name) {
    return directory.resolve(name);
  }

  /** Makes the kernel give back every inode it only remembers. */
  void dropCaches() {
    assertThat(
            Libc.mount(
                NAME,
                directory.toString(),
                OurMounts.TYPE,
                Libc.MS_REMOUNT | Libc.MS_RDONLY | Libc.MS_NOSUID | Libc.MS_NODEV | Libc.MS_NOATIME,
                ""))
        .isZero();
  }

  /** Whether the backend hands the kernel's forgets on; else it gives back what it holds itself. */
  private boolean forgetsReachTheFileSystem() {
    return mount.backend().equals("device");
  }

  boolean isMounted() throws IOException {
    return MountTable.read().at(directory.toString()).isPresent();
  }

  public void awaitEnd() throws InterruptedException, ExecutionException, TimeoutException {
    mount.ended().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    assertThat(fileSystem.destroyed.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
  }

  @Override
  public void close() throws IOException {
    try {
      checkBalance();
    } catch (InterruptedException | ExecutionException | TimeoutException e) {
      throw new AssertionError("the end did not come", e);
    } finally {
      watchdog.shutdownNow();
      mount.forceUnmount();
      Files.delete(directory);
    }
  }

  private void checkBalance()
      throws IOException, InterruptedException, ExecutionException, TimeoutException {

    if (isMounted()) {
      if (forgetsReachTheFileSystem()) {
        dropCaches();
        boolean balanced = fileSystem.awaitAllGivenBack(PATIENCE);
        assertThat(balanced).as("%s held by the kernel", fileSystem.heldByKernel()).isTrue();
      }
      mount.unmount();
      awaitEnd();
      assertThat(fileSystem.heldByKernel()).as("lookups and handles left").isZero();
    }
    awaitEnd();
    assertThat(fileSystem.violations).isEmpty();
  }
}
