package io.wormhole.daemon.mount;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.wormhole.cache.ChunkCache;
import io.wormhole.cache.disk.DiskTier;
import io.wormhole.daemon.fuse.Attr;
import io.wormhole.daemon.fuse.FileType;
import io.wormhole.daemon.mount.FolderPages.Item;
import io.wormhole.daemon.mount.HostAttributes.HostIdentity;
import io.wormhole.daemon.mount.Inode.Seen;
import io.wormhole.daemon.mount.MetadataCache.Kept;
import io.wormhole.protocol.hash.Blake3;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class MetadataCacheTest {
  private static final HostIdentity FOLDER = new HostIdentity(7, 1);
  private static final Blake3 BLAKE3 = Blake3.plain();
  private static final int MANY = 5000;
  private static final Duration SOON = Duration.ofSeconds(20);

  @TempDir Path temp;
  private ExecutorService verifying;
  private ChunkCache cache;
  private MetadataCache metadata;

  @BeforeEach
  void open() throws IOException {
    verifying = Executors.newSingleThreadExecutor();
    cache = new ChunkCache(ChunkCache.DEFAULT_LIMIT_BYTES, BLAKE3, verifying);
    cache.attach(DiskTier.open(temp.resolve("l2"), 64 << 20, 0, BLAKE3, Clock.systemUTC()));
    metadata = new MetadataCache(cache, new CachedShare(1, 2), BLAKE3);
  }

  @AfterEach
  void close() {
    cache.close();
    verifying.shutdown();
  }

  private void reopen() throws IOException {
    close();
    open();
  }

  private static HostAttributes file(long inode, long seconds) {
    return new HostAttributes(
        FileType.REGULAR,
        new HostIdentity(inode, -inode),
        0640,
        2,
        inode * 1000,
        inode * 2,
        new Attr.Time(-5, 999_999_999),
        new Attr.Time(seconds, 1),
        new Attr.Time(seconds, 2),
        Optional.of(new VersionToken(inode, seconds)),
        false,
        new byte[0]);
  }

  private static HostAttributes link(long inode) {
    return new HostAttributes(
        FileType.SYMLINK,
        new HostIdentity(inode, 0),
        0777,
        1,
        4,
        0,
        new Attr.Time(1, 0),
        new Attr.Time(2, 0),
        new Attr.Time(3, 0),
        Optional.empty(),
        true,
        new byte[] {'.', (byte) 0xFF, 'x', 0x20});
  }

  private static Item item(int number, long seconds) {
    HostAttributes attributes = number % 7 == 0 ? link(number + 1) : file(number + 1, seconds);
    return new Item(name(number), new Seen(attributes, 0));
  }

  private static ByteString name(int number) {
    return ByteString.copyFromUtf8("a name of some length, as of a frame of a film " + number);
  }

  private void list(int entries, long seconds) {
    MetadataCache.Writer writer = metadata.write(FOLDER);
    List<Item> page = new ArrayList<>();
    for (int i = 0; i < entries; i++) {
      page.add(item(i, seconds));
      if (page.size() == 1000) {
        var _ = writer.add(List.copyOf(page));
        page.clear();
      }
    }
    var _ = writer.add(page);
    assertThat(writer.complete()).succeedsWithin(SOON);
  }

  /** What is kept is written behind: the bound is the test's. */
  private void awaitWritten(long seconds) throws InterruptedException {
    while (KeptListing.read(metadata, FOLDER, () -> true)
        .find(name(MANY - 1))
        .filter(found -> found.mtime().seconds() == seconds)
        .isEmpty()) {
      Thread.sleep(10);
    }
  }

  /** All of it, or nothing. */
  private Optional<List<Kept>> listing(HostIdentity folder) throws InterruptedException {
    List<Kept> all = new ArrayList<>();
    MetadataCache.Reader reader = metadata.read(folder);
    for (Optional<List<Kept>> part = reader.next(); part.isPresent(); part = reader.next()) {
      all.addAll(part.get());
    }
    return reader.atEnd() ? Optional.of(all) : Optional.empty();
  }

  private void assertIsListing(int entries, long seconds) throws InterruptedException {
    List<Kept> found = listing(FOLDER).orElseThrow();
    assertThat(found).hasSize(entries);
    int number = 0;
    for (Kept entry : found) {
      assertThat(entry.name()).isEqualTo(name(number));
      assertThat(entry.attributes())
          .usingRecursiveComparison()
          .isEqualTo(item(number, seconds).seen().attributes());
      number++;
    }
  }

  @Test
  void aListingIsThereAfterARestartInItsOrder() throws Exception {
    assertThat(listing(FOLDER)).isEmpty();
    list(MANY, 10);
    reopen();
    assertIsListing(MANY, 10);
    assertThat(listing(new HostIdentity(7, 2))).isEmpty();
    list(0, 10);
    reopen();
    assertThat(listing(FOLDER).orElseThrow()).isEmpty();
  }

  @Test
  void whatIsWrittenAgainTakesNoMoreRoom() throws Exception {
    list(MANY, 10);
    reopen();
    long before = cache.diskStats().orElseThrow().contents();
    assertThat(before).isGreaterThan(2);
    list(MANY, 10);
    reopen();
    assertThat(cache.diskStats().orElseThrow().contents()).isEqualTo(before);
    assertIsListing(MANY, 10);
  }

  @Test
  void partsOfTwoListingsAreNone() throws Exception {
    list(MANY, 10);
    MetadataCache.Writer interrupted = metadata.write(FOLDER);
    List<Item> first = new ArrayList<>();
    for (int i = 0; i < MANY / 2; i++) {
      first.add(item(i, 11));
    }
    assertThat(interrupted.add(first)).succeedsWithin(SOON);
    reopen();
    assertThat(listing(FOLDER)).isEmpty();
    list(MANY, 12);
    reopen();
    assertIsListing(MANY, 12);
  }

  @Test
  void everyNameOfALongListingIsFoundInAnyOrder() throws Exception {
    list(MANY, 10);
    reopen();
    KeptListing kept = KeptListing.read(metadata, FOLDER, () -> true);
    List<Integer> numbers = new ArrayList<>(IntStream.range(0, MANY).boxed().toList());
    Collections.shuffle(numbers, new Random(1));
    for (int number : numbers.subList(0, 500)) {
      assertThat(kept.find(name(number)).orElseThrow())
          .usingRecursiveComparison()
          .isEqualTo(item(number, 10).seen().attributes());
    }
    assertThat(kept.find(name(MANY))).isEmpty();
    assertThat(kept.isWhole()).isTrue();
    assertThat(kept.bytes()).isLessThan(1 << 20);
  }

  @Test
  void aListingThatTakesTooLongToReadIsKnownInPart() throws Exception {
    list(MANY, 10);
    reopen();
    KeptListing part = KeptListing.read(metadata, FOLDER, () -> false);
    assertThat(part.find(name(0))).isPresent();
    assertThat(part.find(name(MANY - 1))).isEmpty();
    assertThat(part.isWhole()).isFalse();
  }

  @Test
  void aNameOfAListingThatHasGoneIsNotAbsentButUnknown() throws Exception {
    list(MANY, 10);
    reopen();
    KeptListing kept = KeptListing.read(metadata, FOLDER, () -> true);
    list(MANY, 11);
    awaitWritten(11);
    assertThat(kept.find(name(MANY - 1))).isEmpty();
    assertThat(kept.isWhole()).isFalse();
    assertThat(KeptListing.read(metadata, new HostIdentity(7, 2), () -> true).isWhole()).isFalse();
  }

  @Test
  void aNameIsWhatWasSaidOfItLast() throws Exception {
    metadata.keep(FOLDER, name(1), file(1, 10));
    metadata.keep(FOLDER, name(2), link(2));
    metadata.keep(FOLDER, name(1), file(1, 11));
    reopen();
    assertThat(metadata.named(FOLDER, name(1)).orElseThrow())
        .usingRecursiveComparison()
        .isEqualTo(file(1, 11));
    assertThat(metadata.named(FOLDER, name(2)).orElseThrow())
        .usingRecursiveComparison()
        .isEqualTo(link(2));
    assertThat(metadata.named(FOLDER, name(3))).isEmpty();
  }

  @Test
  void aShareThatIsForgottenHasNoRootUntilItIsSeenAgain() throws Exception {
    metadata.keepRoot(file(1, 10));
    reopen();
    assertThat(metadata.root()).isPresent();
    metadata.forgetRoot();
    reopen();
    assertThat(metadata.root()).isEmpty();
    metadata.keepRoot(file(1, 10));
    reopen();
    assertThat(metadata.root()).isPresent();
  }
}
