package io.wormhole.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.ShareId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MountedFoldersTest {
  @TempDir Path state;

  private static KeptMount at(String directory) {
    return KeptMount.of(
        Path.of(directory),
        Fingerprint.of(new byte[Fingerprint.BYTES]),
        ShareId.of(new byte[ShareId.BYTES]),
        "films",
        false,
        true,
        null);
  }

  private MountedFolders opened() throws IOException {
    return new MountedFolders(state.resolve("mounts.json"));
  }

  @Test
  void nextDaemonKnowsWhatThisOneHasMounted() throws IOException {
    MountedFolders folders = opened();
    folders.add(at("/mnt/one"));
    folders.add(at("/mnt/with\nnewline and grüße"));
    folders.add(at("/mnt/gone"));
    folders.remove(Path.of("/mnt/gone"));
    assertThat(opened().all())
        .extracting(KeptMount::notMounted)
        .containsExactly(at("/mnt/one"), at("/mnt/with\nnewline and grüße"));
  }

  @Test
  void folderIsFreshOnce() throws IOException {
    MountedFolders folders = opened();
    assertThat(folders.add(at("/mnt/one"))).isTrue();
    assertThat(folders.add(at("/mnt/one"))).isFalse();
    folders.remove(Path.of("/mnt/one"));
    assertThat(folders.add(at("/mnt/one"))).isTrue();
  }

  @Test
  void whatWasRemovedWhileItWasMountedIsNotBack() throws IOException {
    MountedFolders folders = opened();
    folders.add(at("/mnt/one"));
    folders.remove(Path.of("/mnt/one"));
    folders.mounted(at("/mnt/one"));
    assertThat(folders.all()).isEmpty();
  }

  @Test
  void whatWasUnmountedBehindAKilledDaemonIsForgotten() throws IOException {
    MountedFolders killed = opened();
    killed.add(at("/mnt/there"));
    killed.add(at("/mnt/gone"));
    MountedFolders next = opened();
    next.settle(kept -> kept.path().equals(Path.of("/mnt/there")));
    assertThat(next.all()).containsExactly(at("/mnt/there"));

    // It waits for its host when that daemon is killed too.
    MountedFolders third = opened();
    third.settle(_ -> false);
    assertThat(third.all()).containsExactly(at("/mnt/there"));
  }

  @Test
  void whatADaemonUnmountedItselfIsKept() throws IOException {
    MountedFolders folders = opened();
    folders.add(at("/mnt/one"));
    folders.letGo();
    MountedFolders next = opened();
    next.settle(_ -> false);
    assertThat(next.all()).containsExactly(at("/mnt/one"));
    next.mounted(at("/mnt/one"));
    assertThat(next.all()).hasSize(1).doesNotContain(at("/mnt/one"));
  }

  @Test
  void homeThatNeverMountedKnowsNothing() throws IOException {
    assertThat(opened().all()).isEmpty();
  }

  @Test
  void fileIsItsUsersAloneAndNothingElseIsLeft() throws IOException {
    opened().add(at("/mnt/one"));
    Path file = state.resolve("mounts.json");
    try (Stream<Path> files = Files.list(state)) {
      assertThat(files).containsExactly(file);
    }
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{",
        "[]",
        "{\"format\":2,\"entries\":[]}",
        "{\"format\":1}",
        "{\"format\":1,\"entries\":[{}]}",
        "{\"format\":1,\"entries\":[{\"directory\":\"/a\",\"host\":\"zz\",\"share\":\"\"}]}"
      })
  void damagedFileIsSaidAndKept(String content) throws IOException {
    Path file = Files.writeString(state.resolve("mounts.json"), content);
    assertThatThrownBy(() -> opened())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("mounts.json is damaged");
    assertThat(file).hasContent(content);
  }
}
