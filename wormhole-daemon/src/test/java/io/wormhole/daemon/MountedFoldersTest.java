package io.wormhole.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MountedFoldersTest {
  @TempDir Path state;

  @Test
  void nextDaemonKnowsWhatThisOneHasMounted() throws IOException {
    MountedFolders folders = new MountedFolders(state);
    folders.add(Path.of("/mnt/one"));
    folders.add(Path.of("/mnt/with\nnewline and grüße"));
    folders.add(Path.of("/mnt/gone"));
    folders.remove(Path.of("/mnt/gone"));
    assertThat(new MountedFolders(state).all())
        .containsExactly(Path.of("/mnt/one"), Path.of("/mnt/with\nnewline and grüße"));
  }

  @Test
  void whatWasClearedIsForgotten() throws IOException {
    new MountedFolders(state).add(Path.of("/mnt/one"));
    new MountedFolders(state).forgetAll();
    assertThat(new MountedFolders(state).all()).isEmpty();
  }

  @Test
  void folderIsFreshOnce() throws IOException {
    MountedFolders folders = new MountedFolders(state);
    assertThat(folders.add(Path.of("/mnt/one"))).isTrue();
    assertThat(folders.add(Path.of("/mnt/one"))).isFalse();
    folders.remove(Path.of("/mnt/one"));
    assertThat(folders.add(Path.of("/mnt/one"))).isTrue();
  }

  @Test
  void homeThatNeverMountedKnowsNothing() throws IOException {
    assertThat(new MountedFolders(state).all()).isEmpty();
  }
}
