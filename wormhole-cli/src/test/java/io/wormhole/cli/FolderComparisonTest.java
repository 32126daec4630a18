package io.wormhole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FolderComparisonTest {
  private static final TimeUnit SECONDS = TimeUnit.SECONDS;

  @TempDir Path folder;
  private Path original;
  private Path copy;

  @BeforeEach
  void makeTwo() throws IOException {
    original = make("original");
    copy = make("copy");
  }

  private Path make(String name) throws IOException {
    Path root = folder.resolve(name);
    Files.createDirectories(root.resolve("sub"));
    Path file = Files.writeString(root.resolve("file"), "content");
    Files.createLink(root.resolve("again"), file);
    Files.writeString(root.resolve("sub/other"), "content");
    Files.createSymbolicLink(root.resolve("link"), Path.of("file"));
    for (String entry : new String[] {"file", "sub/other", "sub"}) {
      Files.setLastModifiedTime(root.resolve(entry), FileTime.from(1_000_000_007, SECONDS));
    }
    // A link's own time cannot be set here: two links made one after the other are a hard link.
    Path links = folder.resolve("links");
    if (Files.notExists(links)) {
      Files.createDirectory(links);
      Files.move(root.resolve("link"), links.resolve("link"));
    } else {
      Files.delete(root.resolve("link"));
    }
    Files.createLink(root.resolve("link"), links.resolve("link"));
    return root;
  }

  private void expect(String difference) throws IOException {
    assertThat(FolderComparison.compare(original, copy).differences())
        .hasSize(1)
        .allSatisfy(line -> assertThat(line).contains(difference));
  }

  @Test
  void equalFoldersAreEqual() throws IOException {
    FolderComparison.Result result = FolderComparison.compare(original, copy);

    assertThat(result.differences()).isEmpty();
    assertThat(result.entries()).isEqualTo(5);
    assertThat(result.bytes()).isEqualTo(3L * "content".length());
  }

  @Test
  void sampleFolderIsTheSameForTheSameSeed() throws IOException {
    DemoFolder.write(folder.resolve("sample"), 7);

    FolderComparison.Result result =
        FolderComparison.compare(folder.resolve("sample"), folder.resolve("sample"));

    assertThat(result.differences()).isEmpty();
    assertThat(result.entries()).isGreaterThan(DemoFolder.MANY_FILES);
    assertThat(result.bytes()).isGreaterThan(64L << 20);
  }

  @Test
  void otherByteIsFound() throws IOException {
    Path file = copy.resolve("sub/other");
    Files.writeString(file, "cOntent");
    Files.setLastModifiedTime(file, FileTime.from(1_000_000_007, SECONDS));

    expect("another byte at 1");
  }

  @Test
  void otherTimeIsFoundToTheNanosecond() throws IOException {
    FileTime later = FileTime.from(1_000_000_007_000_000_001L, TimeUnit.NANOSECONDS);
    Files.setLastModifiedTime(copy.resolve("sub/other"), later);

    expect("another time");
  }

  @Test
  void otherPermissionsAreFound() throws IOException {
    Files.setPosixFilePermissions(
        copy.resolve("sub/other"), PosixFilePermissions.fromString("rwx------"));

    expect("another permissions");
  }

  @Test
  void missingAndAdditionalNamesAreFound() throws IOException {
    Files.createFile(copy.resolve("more"));
    expect("in the copy only");
    Files.delete(copy.resolve("more"));
    Files.delete(copy.resolve("link"));
    expect("missing in the copy");
  }

  @Test
  void nameThatIsNoLongerTheSameFileIsFound() throws IOException {
    Files.delete(copy.resolve("again"));
    Files.writeString(copy.resolve("again"), "content");
    Files.setLastModifiedTime(copy.resolve("again"), FileTime.from(1_000_000_007, SECONDS));

    expect("identity");
  }
}
