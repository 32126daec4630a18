package io.wormhole.daemon.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.wormhole.daemon.host.ShareException.Kind;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.wire.ShareId;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class ShareStoreTest {
  @TempDir Path work;
  private Path folder;
  private Path state;

  @BeforeEach
  void makeFolder() throws Exception {
    folder = Files.createDirectory(work.resolve("folder"));
    state = work.resolve("state");
  }

  @Test
  void sameFolderIsTheSameShareAfterARestart() throws Exception {
    ShareId first;
    try (Share share = store().open(folder.toString(), null)) {
      first = share.id();
      assertThat(share.name()).isEqualTo("folder");
      assertThat(share.directory()).isEqualTo(folder.toRealPath().toString());
      assertThat(share.writable()).isFalse();
      assertThat(share.mountsBelow()).isEmpty();
    }
    Files.createSymbolicLink(work.resolve("link"), folder);
    try (Share again = store().open(work.resolve("link").toString(), null)) {
      assertThat(again.id()).isEqualTo(first);
    }
    try (Share other = store().open(state.toString(), null)) {
      assertThat(other.id()).isNotEqualTo(first);
    }
  }

  @Test
  void versionsOutliveARestart() throws Exception {
    Files.write(folder.resolve("f"), new byte[1]);
    Object before;
    try (TestShare share = new TestShare(state, folder)) {
      before = share.attributes("f").reply().getAttributes().getVersion();
    }
    try (TestShare share = new TestShare(state, folder)) {
      assertThat(share.attributes("f").reply().getAttributes().getVersion()).isEqualTo(before);
    }
    try (TestShare stranger = new TestShare(work.resolve("elsewhere"), folder)) {
      assertThat(stranger.attributes("f").reply().getAttributes().getVersion())
          .isNotEqualTo(before);
    }
  }

  @Test
  void anotherFolderOrDiskAtThePathIsAnotherShare() throws Exception {
    ShareId first = idOf(folder);
    Files.move(folder, work.resolve("moved"));
    Files.createDirectory(folder);
    ShareId second = idOf(folder);
    assertThat(second).isNotEqualTo(first);
    NativeFiles.mountTmpfs(NativeFiles.bytes(folder));
    try {
      assertThat(idOf(folder)).isNotIn(first, second);
    } finally {
      NativeFiles.unmount(NativeFiles.bytes(folder));
    }
    assertThat(idOf(folder)).isEqualTo(second);
    assertThat(idOf(work.resolve("moved"))).isNotIn(first, second);
  }

  @Test
  void folderBoundOverThePathIsAnotherShare() throws Exception {
    ShareId first = idOf(folder);
    Path other = Files.createDirectory(work.resolve("other"));
    NativeFiles.bind(NativeFiles.bytes(other), NativeFiles.bytes(folder));
    try {
      assertThat(idOf(folder)).isNotEqualTo(first);
    } finally {
      NativeFiles.unmount(NativeFiles.bytes(folder));
    }
    assertThat(idOf(folder)).isEqualTo(first);
    assertThat(store().names()).containsEntry(first, "folder").hasSize(2);
  }

  @Test
  void nameIsKeptUntilAnotherIsGiven() throws Exception {
    try (Share named = store().open(folder.toString(), "Holiday")) {
      assertThat(named.name()).isEqualTo("Holiday");
    }
    try (Share again = store().open(folder.toString(), null)) {
      assertThat(again.name()).isEqualTo("Holiday");
    }
    for (String bad : new String[] {"", "a/b", "-x", "..", "a\nb", "x".repeat(129)}) {
      assertThat(refusal(folder.toString(), bad).kind()).isEqualTo(Kind.BAD_NAME);
    }
  }

  @Test
  void storeIsItsUsersAlone() throws Exception {
    idOf(folder);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(state)))
        .isEqualTo("rwx------");
    Path file = state.resolve("shares.json");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    try (var files = Files.list(state)) {
      assertThat(files).containsExactly(file);
    }
  }

  @Test
  void damagedStoreIsSaidAndKept() throws Exception {
    Files.createDirectory(state);
    Path file = state.resolve("shares.json");
    for (String damage :
        new String[] {
          "", "{", "[]", "{}", "{\"format\":9,\"shares\":[]}", "{\"format\":1,\"shares\":[{}]}"
        }) {
      Files.writeString(file, damage);
      ShareException refused = refusal(folder.toString(), null);
      assertThat(refused.kind()).as(damage).isEqualTo(Kind.IO);
      assertThat(refused).hasMessageContaining(file.toString());
      assertThat(refused.getMessage()).doesNotContain("\n");
      assertThat(Files.readString(file)).isEqualTo(damage);
    }
  }

  @Test
  void whatCannotBeSharedIsSaid() throws Exception {
    Files.write(work.resolve("file"), new byte[1]);
    assertThat(refusal(work + "/absent", null).kind()).isEqualTo(Kind.MISSING);
    assertThat(refusal("", null).kind()).isEqualTo(Kind.MISSING);
    assertThat(refusal(work + "/a\0b", null).kind()).isEqualTo(Kind.MISSING);
    assertThat(refusal(work + "/" + "x".repeat(5000), null).kind()).isEqualTo(Kind.MISSING);
    ShareException file = refusal(work + "/file", null);
    assertThat(file.kind()).isEqualTo(Kind.NOT_A_FOLDER);
    assertThat(file).hasMessageContaining(work + "/file");
    assertThat(file.next()).isNotEmpty();
    assertThat(refusal(work + "/file/x", null).kind()).isEqualTo(Kind.NOT_A_FOLDER);
    assertThat(state).doesNotExist();
  }

  @Test
  void unreadableFolderIsSaid() throws Exception {
    NativeFiles.mode(NativeFiles.bytes(folder), 0700);
    NativeFiles.mode(NativeFiles.bytes(work), 0755);
    CompletableFuture<ShareException> refused = new CompletableFuture<>();
    Thread.ofPlatform()
        .start(() -> {
          try {
            NativeFiles.becomeOrdinary();
            refused.complete(refusal(folder.toString(), null));
          } catch (Throwable fault) {
            refused.completeExceptionally(fault);
          }
        });
    assertThat(refused.get(20, TimeUnit.SECONDS).kind()).isEqualTo(Kind.UNREADABLE);
  }

  @Test
  void ownMountIsRefusedWithoutAskingIt() {
    byte[] point = NativeFiles.bytes(folder);
    int device = NativeFiles.mountSilent(point);
    try {
      assertThat(refusal(folder.toString(), null).kind()).isEqualTo(Kind.OWN_MOUNT);
    } finally {
      NativeFiles.unmountSilent(point, device);
    }
  }

  @Test
  void mountsBelowAreNamed() throws Exception {
    Path point = Files.createDirectories(folder.resolve("a b/m"));
    NativeFiles.mountTmpfs(NativeFiles.bytes(point));
    try (Share share = store().open(folder.toString(), null)) {
      assertThat(share.mountsBelow()).containsExactly("a b/m");
    } finally {
      NativeFiles.unmount(NativeFiles.bytes(point));
    }
  }

  private ShareStore store() {
    return new ShareStore(state, new SecureRandom(), Blake3.plain());
  }

  private ShareId idOf(Path path) throws ShareException {
    try (Share share = store().open(path.toString(), null)) {
      return share.id();
    }
  }

  private ShareException refusal(String path, @Nullable String name) {
    ShareException refused =
        catchThrowableOfType(ShareException.class, () -> store().open(path, name));
    assertThat(refused).isNotNull();
    return refused;
  }
}
