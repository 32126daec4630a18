package io.wormhole.daemon.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.Folders;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RuntimeFolderTest {
  @TempDir Path home;

  private Folders folders() {
    return Folders.of(Map.of("WORMHOLE_HOME", home.toString()), home);
  }

  @Test
  void homeIsClaimedByOneDaemonAtATime() throws Exception {
    try (RuntimeFolder first = RuntimeFolder.claim(folders())) {
      first.announce();
      assertThatThrownBy(() -> RuntimeFolder.claim(folders()))
          .isInstanceOfSatisfying(
              ControlException.class,
              e -> {
                assertThat(e.kind()).isEqualTo(ErrorKind.DAEMON_UNAVAILABLE);
                assertThat(e).hasMessageContaining("process " + ProcessHandle.current().pid());
              });
      assertThat(folders().pidFile()).hasContent("" + ProcessHandle.current().pid());
    }
    try (RuntimeFolder second = RuntimeFolder.claim(folders())) {
      assertThat(second.socket()).doesNotExist();
    }
  }

  @Test
  void foldersAreTheOwnersOnlyAndAStaleSocketIsCleared() throws Exception {
    RuntimeFolder.claim(folders()).close();
    Files.createFile(folders().socket());
    Files.createFile(folders().pidFile());

    try (RuntimeFolder claimed = RuntimeFolder.claim(folders())) {
      assertThat(claimed.socket()).doesNotExist();
      assertThat(folders().pidFile()).doesNotExist();
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folders().run())))
          .isEqualTo("rwx------");
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folders().state())))
          .isEqualTo("rwx------");
    }
  }

  @Test
  void whatOthersCanWriteIsNotBelieved() throws Exception {
    RuntimeFolder.claim(folders()).close();
    Path state = folders().state();
    Path file = Files.writeString(state.resolve("shares.json"), "{}");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw-r--"));
    // Nobody else gets at it there.
    RuntimeFolder.claim(folders()).close();

    Files.setPosixFilePermissions(state, PosixFilePermissions.fromString("rwxr-xr-x"));
    assertThatThrownBy(() -> RuntimeFolder.claim(folders()))
        .hasMessageContaining("other users can write " + file);

    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
    RuntimeFolder.claim(folders()).close();
    Files.setPosixFilePermissions(state, PosixFilePermissions.fromString("rwxrwxr-x"));
    assertThatThrownBy(() -> RuntimeFolder.claim(folders()))
        .hasMessageContaining("other users can write " + state);
  }

  @Test
  void whatAnotherUserMadeIsNotBelieved() throws Exception {
    assumeTrue("root".equals(System.getProperty("user.name")), "not root: no file of another's");
    RuntimeFolder.claim(folders()).close();
    Path file = Files.writeString(folders().state().resolve("shares.json"), "{}");
    Files.setAttribute(file, "unix:uid", 65_534);
    assertThatThrownBy(() -> RuntimeFolder.claim(folders()))
        .hasMessageContaining(file + " belongs to another user");
    Files.delete(file);

    Files.setAttribute(folders().run(), "unix:uid", 65_534);
    assertThatThrownBy(() -> RuntimeFolder.claim(folders())).hasMessageContaining("not to you");
  }

  @Test
  void defaultMountPointGetsANumberWhereItsNameIsTaken() throws Exception {
    Path first = MountPoint.prepare(home.resolve("Wormhole"), "films");
    assertThat(first).isEqualTo(home.resolve("Wormhole/films")).isEmptyDirectory();
    assertThat(MountPoint.prepare(home.resolve("Wormhole"), "films")).isEqualTo(first);

    Files.createFile(first.resolve("something"));

    assertThat(MountPoint.prepare(home.resolve("Wormhole"), "films"))
        .isEqualTo(home.resolve("Wormhole/films (2)"));
  }

  @Test
  void folderThatIsMissingIsNotShared() throws Exception {
    Path folder = Files.createDirectory(home.resolve("folder"));

    SharedFolder.check(folder);

    assertThatThrownBy(() -> SharedFolder.check(folder.resolve("missing")))
        .hasMessageContaining("no such folder");
  }
}
