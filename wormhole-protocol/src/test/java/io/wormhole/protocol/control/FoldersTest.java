package io.wormhole.protocol.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FoldersTest {
  private static final Path HOME = Path.of("/home/somebody");

  @TempDir Path folder;

  @Test
  void wormholeHomeHoldsAllFour() {
    Folders folders = Folders.of(Map.of("WORMHOLE_HOME", folder.toString()), HOME);

    assertThat(folders)
        .isEqualTo(
            new Folders(
                folder.resolve("config"),
                folder.resolve("state"),
                folder.resolve("cache"),
                folder.resolve("run")));
  }

  @Test
  void xdgFoldersAreUsedAndRelativeOnesAreNot() {
    Map<String, String> environment =
        Map.of(
            "XDG_STATE_HOME", "/srv/state",
            "XDG_CACHE_HOME", "not/absolute",
            "XDG_RUNTIME_DIR", folder.toString());

    Folders folders = Folders.of(environment, HOME);

    assertThat(folders.state()).hasToString("/srv/state/wormhole");
    assertThat(folders.cache()).hasToString("/home/somebody/.cache/wormhole");
    assertThat(folders.config()).hasToString("/home/somebody/.config/wormhole");
    assertThat(folders.run()).isEqualTo(folder.resolve("wormhole"));
  }

  @Test
  void socketPathNeverExceedsWhatTheKernelTakes() {
    // run/control.sock and the slashes before them are 17 bytes; 107 fit.
    String fits = "/" + "x".repeat(89);
    String tooLong = "/" + "ü".repeat(44) + "yy";

    assertThat(Folders.of(Map.of("WORMHOLE_HOME", fits), HOME).run()).hasToString(fits + "/run");
    Path run = Folders.of(Map.of("WORMHOLE_HOME", tooLong), HOME).run();
    assertThat(run.toString()).startsWith("/tmp/wormhole-");
    assertThat(run.resolve("control.sock").toString().getBytes(StandardCharsets.UTF_8))
        .hasSizeLessThanOrEqualTo(107);
  }

  @Test
  void longRuntimeFolderFallsBackToOneOfThisHome() {
    Map<String, String> environment =
        Map.of("XDG_RUNTIME_DIR", folder.resolve("x".repeat(100)).toString());

    Path run = Folders.of(environment, HOME).run();

    assertThat(run.getParent()).hasToString("/tmp");
    assertThat(run).isEqualTo(Folders.of(Map.of(), HOME).run());
    assertThat(run).isNotEqualTo(Folders.of(Map.of(), Path.of("/home/other")).run());
  }

  @Test
  void runtimeFolderOfAnotherUserIsNotUsed() throws Exception {
    Path others = Files.createDirectory(folder.resolve("run"));
    Files.setAttribute(others, "unix:uid", 12345);

    Folders folders = Folders.of(Map.of("XDG_RUNTIME_DIR", others.toString()), HOME);

    assertThat(folders.run().getParent()).hasToString("/tmp");
  }

  @Test
  void privateFolderIsMadeForItsOwnerOnly() throws Exception {
    Path made = folder.resolve("deep/er/run");

    PrivateFolder.ensure(made);
    PrivateFolder.ensure(made);

    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(made)))
        .isEqualTo("rwx------");
  }

  @Test
  void folderThatOthersCanEnterIsRefused() throws Exception {
    Path open = Files.createDirectory(folder.resolve("run"));
    Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxr-x---"));

    assertThatThrownBy(() -> PrivateFolder.ensure(open))
        .isInstanceOf(ControlException.class)
        .hasMessageContaining("others may enter");
  }

  @Test
  void folderOfAnotherUserIsRefused() throws Exception {
    Path others = folder.resolve("run");
    PrivateFolder.ensure(others);
    Files.setAttribute(others, "unix:uid", 12345);

    assertThatThrownBy(() -> PrivateFolder.ensure(others)).hasMessageContaining("not to you");
  }

  @Test
  void linkInPlaceOfTheFolderIsRefused() throws Exception {
    Path target = folder.resolve("target");
    PrivateFolder.ensure(target);
    Path link = Files.createSymbolicLink(folder.resolve("run"), target);

    assertThatThrownBy(() -> PrivateFolder.ensure(link)).hasMessageContaining("is no folder");
  }
}
