package io.wormhole.daemon.host;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.wormhole.protocol.wire.message.FailureCode;
import io.wormhole.protocol.wire.message.FolderEntry;
import io.wormhole.protocol.wire.message.FolderPage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a peer is answered of a share that excludes. */
@Timeout(60)
class ExcludesTest {
  private static final FailureCode NOT_SERVED = FailureCode.FAILURE_CODE_NOT_SERVED;
  private static final int MANY = 20_000;

  @TempDir Path work;
  private Path root;
  private TestShare share;

  @BeforeEach
  void share() throws Exception {
    root = Files.createDirectory(work.resolve("root"));
    share = new TestShare(work.resolve("state"), root);
  }

  @AfterEach
  void close() {
    share.close();
  }

  private ExcludeGlobs exclude(String... patterns) throws ShareException {
    ExcludeGlobs globs = ExcludeGlobs.of(List.of(patterns));
    share.share.excludes().add(globs);
    return globs;
  }

  private void file(String path) throws Exception {
    Path file = root.resolve(path);
    Files.createDirectories(file.getParent());
    Files.writeString(file, path);
  }

  private List<String> names(String folder) {
    return names(share.listAll(folder));
  }

  private static List<String> names(FolderPage page) {
    return page.getEntriesList().stream()
        .map(FolderEntry::getName)
        .map(ByteString::toStringUtf8)
        .sorted()
        .toList();
  }

  @Test
  void excludedEntryIsNeitherListedNorCountedNorReached() throws Exception {
    file("plain");
    file("id.key");
    file("private/deep/plain");
    Files.createSymbolicLink(root.resolve("link"), Path.of("private/deep"));
    exclude("*.key", "/private/");
    FolderPage page = share.listAll("");
    assertThat(names(page)).containsExactly("link", "plain");
    assertThat(page.getHidden()).isZero();
    for (String path : List.of("id.key", "private", "private/deep", "private/deep/plain")) {
      assertThat(share.attributes(path).failure()).as(path).isEqualTo(NOT_SERVED);
      assertThat(share.open(path).failure()).as(path).isEqualTo(NOT_SERVED);
      assertThat(share.list(path).failure()).as(path).isEqualTo(NOT_SERVED);
    }
    assertThat(share.opened("plain").getHandle()).isPositive();
  }

  @Test
  void guessTellsNothing() throws Exception {
    file("private/there");
    Files.createDirectory(root.resolve("build"));
    exclude("*.key", "private", "build/", "cache/");
    file("there.key");
    for (String path :
        List.of(
            "there.key",
            "free.key",
            "private/there",
            "private/free",
            "build",
            "cache",
            "build/free",
            "cache/free")) {
      assertThat(share.attributes(path).failure()).as(path).isEqualTo(NOT_SERVED);
      assertThat(share.open(path).failure()).as(path).isEqualTo(NOT_SERVED);
      assertThat(share.list(path).failure()).as(path).isEqualTo(NOT_SERVED);
    }
    assertThat(share.attributes("free").failure()).isEqualTo(FailureCode.FAILURE_CODE_NOT_FOUND);
  }

  @Test
  void patternForFoldersLeavesFilesOfThatName() throws Exception {
    file("build");
    file("a/build/x");
    exclude("build/");
    assertThat(names("")).containsExactly("a", "build");
    assertThat(share.opened("build").getHandle()).isPositive();
    assertThat(share.list("build").failure()).isEqualTo(FailureCode.FAILURE_CODE_NOT_A_FOLDER);
    assertThat(names("a")).isEmpty();
  }

  @Test
  void folderThatIsIncludedAgainIsShownAndItsFileNamesakeIsNot() throws Exception {
    file("a/x/inside");
    file("b/x");
    exclude("x", "!x/");
    assertThat(names("a/x")).containsExactly("inside");
    assertThat(share.open("a/x").failure()).isEqualTo(FailureCode.FAILURE_CODE_IS_A_FOLDER);
    assertThat(share.open("b/x").failure()).isEqualTo(NOT_SERVED);
    assertThat(share.open("a/free/x").failure()).isEqualTo(NOT_SERVED);
  }

  @Test
  void whatAnyOwnerExcludesIsExcludedWhileHeIsOne() throws Exception {
    file("a");
    file("b");
    ExcludeGlobs first = exclude("a");
    ExcludeGlobs second = exclude("*", "!a");
    assertThat(names("")).isEmpty();
    share.share.excludes().remove(first);
    assertThat(names("")).containsExactly("a");
    share.share.excludes().remove(second);
    assertThat(names("")).containsExactly("a", "b");
  }

  @Test
  void handleOpenedBeforeIsStaleWhileItsPathIsExcluded() throws Exception {
    file("a");
    for (int i = 0; i < MANY / 10; i++) {
      file("folder/" + i);
    }
    long open = share.opened("a").getHandle();
    FolderPage page = share.list("folder").reply().getFolderPage();
    assertThat(page.getHandle()).isPositive();
    ExcludeGlobs globs = exclude("a", "folder");
    FailureCode stale = FailureCode.FAILURE_CODE_STALE;
    assertThat(share.read(open, ByteString.EMPTY, 0, 1).failure()).isEqualTo(stale);
    assertThat(
            share
                .ask(
                    TestShare.request()
                        .setGetAttributes(
                            io.wormhole.protocol.wire.message.GetAttributes.newBuilder()
                                .setHandle(open)))
                .failure())
        .isEqualTo(stale);
    assertThat(share.listMore(page.getHandle()).failure()).isEqualTo(stale);
    share.share.excludes().remove(globs);
    assertThat(share.read(open, ByteString.EMPTY, 0, 1).data()).containsExactly('a');
  }

  @Test
  void handleWithoutADescriptorIsStaleToo() throws Exception {
    file("a");
    try (TestShare none = new TestShare(work.resolve("other"), root, TestShare.LATER, 0)) {
      long open = none.opened("a").getHandle();
      none.share.excludes().add(ExcludeGlobs.of(List.of("a")));
      assertThat(none.read(open, ByteString.EMPTY, 0, 1).failure())
          .isEqualTo(FailureCode.FAILURE_CODE_STALE);
    }
  }

  @Test
  void folderFullOfWhatIsExcludedComesInShortPages() throws Exception {
    byte[] folder = NativeFiles.bytes(root);
    for (int i = 0; i < MANY; i++) {
      NativeFiles.emptyFile(NativeFiles.below(folder, NativeFiles.bytes("x" + i)));
    }
    file("shown");
    exclude("x*");
    FolderPage page = share.list("").reply().getFolderPage();
    int pages = 1;
    List<String> names = names(page);
    while (page.getHandle() != 0) {
      page = share.listMore(page.getHandle()).reply().getFolderPage();
      names = names.isEmpty() ? names(page) : names;
      pages++;
    }
    assertThat(names).containsExactly("shown");
    assertThat(page.getHidden()).isZero();
    assertThat(pages).isGreaterThan(2);
  }
}
