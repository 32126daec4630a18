package io.wormhole.daemon.fuse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.wormhole.daemon.fuse.MountException.Kind;
import io.wormhole.daemon.fuse.mounts.MountTable;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What cannot be done says why: changes to a mount, and mounts in the wrong place. */
@OnEveryBackend
class RefusalsMountTest {
  private final TestedBackend backend;
  private final MemoryFileSystem files = new MemoryFileSystem();
  private Path scratch = Path.of("/nonexistent");

  RefusalsMountTest(TestedBackend backend) {
    this.backend = backend;
  }

  @BeforeEach
  void makeScratch() throws IOException {
    scratch = Files.createTempDirectory("wormhole refusals").toRealPath();
  }

  @AfterEach
  void removeScratch() throws IOException {
    Files.walkFileTree(
        scratch,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path directory, IOException e)
              throws IOException {
            Files.delete(directory);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "touch \"$1\"/new",
        "echo more >> \"$1\"/file",
        ": > \"$1\"/file",
        "truncate -s 5 \"$1\"/file",
        "chmod 600 \"$1\"/file",
        "chown 5 \"$1\"/file",
        "touch \"$1\"/file",
        "rm \"$1\"/file",
        "mkdir \"$1\"/new",
        "rmdir \"$1\"/folder",
        "mv \"$1\"/file \"$1\"/other",
        "ln \"$1\"/file \"$1\"/other",
        "ln -s file \"$1\"/other",
        "mkfifo \"$1\"/new",
        "setfattr -n user.a -v b \"$1\"/file",
        "setfattr -x user.a \"$1\"/file",
        "fallocate -l 100 \"$1\"/file",
        "test -w \"$1\"/file || { echo Read-only file system >&2; false; }",
      })
  void everyChangeIsRefusedBecauseTheFileSystemIsReadOnly(String change) throws Exception {
    files.root.file("file", new byte[10]).xattrs.put("user.a", new byte[1]);
    files.root.directory("folder");
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      Program.Result result = Program.bash(change, mounted.directory);
      assertThat(result.status()).isNotZero();
      assertThat(result.errors()).contains("Read-only file system");
    }
  }

  @Test
  void anOrdinaryUserEntersOnlyWhereOthersAreAllowed() throws Exception {
    files.root.file("file", MemoryFileSystem.bytes("content"));
    MemoryFileSystem.Node secret = files.root.file("secret", new byte[1]);
    secret.mode = 0600;
    for (boolean allowOther : new boolean[] {false, true}) {
      Path directory = Files.createDirectory(scratch.resolve("mount " + allowOther));
      Program.run("chmod", "755", scratch.toString());
      KernelMount mount =
          backend
              .create(Duration.ZERO)
              .mount(new MountOptions(directory, "share", allowOther), files);
      try {
        Program.Result read =
            Program.run(
                "setpriv",
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
                "cat",
                directory.resolve("file").toString());
        Program.Result denied =
            Program.run(
                "setpriv",
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
                "cat",
                directory.resolve("secret").toString());
        assertThat(read.output()).isEqualTo(allowOther ? "content" : "");
        assertThat(denied.errors()).contains("Permission denied");
      } finally {
        mount.forceUnmount();
      }
    }
  }

  @Test
  void theTableOfMountsShowsNameTypeAndSafeOptions() throws Exception {
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      MountTable.Mount mount = MountTable.read().at(mounted.directory.toString()).orElseThrow();
      assertThat(mount.type()).isEqualTo("fuse.wormhole");
      assertThat(mount.source()).isEqualTo("a share, with \\ and ümlaut");
      String options =
          Program.run("findmnt", "-n", "-o", "OPTIONS", mounted.directory.toString()).output();
      assertThat(options)
          .contains("ro,", "nosuid", "nodev", "noatime", "default_permissions")
          .contains(backend == TestedBackend.JNR ? "max_read=131072" : "max_read=1048576")
          .doesNotContain("allow_other");
      assertThat(mounted.mount.backend()).isEqualTo(backend.create(Duration.ZERO).name());
    }
  }

  @Test
  void aMountPointMustBeAnEmptyFolder() throws Exception {
    Path file = Files.createFile(scratch.resolve("file"));
    Path full = Files.createDirectory(scratch.resolve("full"));
    Files.createDirectory(full.resolve("folder"));
    assertThat(refusal(scratch.resolve("missing"))).isEqualTo(Kind.MOUNT_POINT_MISSING);
    assertThat(refusal(scratch.resolve("missing/below"))).isEqualTo(Kind.MOUNT_POINT_MISSING);
    assertThat(refusal(file)).isEqualTo(Kind.NOT_A_DIRECTORY);
    assertThat(refusal(full)).isEqualTo(Kind.NOT_EMPTY);
    assertThat(refusal(Path.of("/"))).isEqualTo(Kind.ALREADY_MOUNTED);
    Files.createSymbolicLink(scratch.resolve("loop"), Path.of("loop"));
    assertThat(refusal(scratch.resolve("loop"))).isEqualTo(Kind.UNREADABLE);
  }

  @Test
  void aMountPointThatIsTakenIsToldFromOneThatIsDead() throws Exception {
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      assertThat(refusal(mounted.directory)).isEqualTo(Kind.ALREADY_MOUNTED);
    }
    Path directory = Files.createDirectory(scratch.resolve("dead"));
    OtherDaemon daemon = OtherDaemon.start(backend, directory);
    try {
      assertThat(daemon.answer()).isEqualTo("mounted");
      daemon.kill();
      assertThat(refusal(directory)).isEqualTo(Kind.DEAD_MOUNT);
    } finally {
      daemon.kill();
      Program.run("umount", "-l", directory.toString());
    }
  }

  @Test
  void aMountPointMayBeReachedByALink() throws Exception {
    Path directory = Files.createDirectory(scratch.resolve("folder"));
    Path link = Files.createSymbolicLink(scratch.resolve("link"), Path.of("folder"));
    KernelMount mount =
        backend.create(Duration.ZERO).mount(new MountOptions(link, "\n\u001b[31m"), files);
    try {
      assertThat(mount.directory()).isEqualTo(directory);
      assertThat(MountTable.read().at(directory.toString()).orElseThrow().source())
          .isEqualTo("??[31m");
      assertThat(refusal(directory)).isEqualTo(Kind.ALREADY_MOUNTED);
      assertThat(
              catchThrowableOfType(
                      MountException.class,
                      () ->
                          backend
                              .create(Duration.ZERO)
                              .mount(new MountOptions(link, "share"), files))
                  .kind())
          .isEqualTo(Kind.ALREADY_MOUNTED);
      mount.unmount();
      mount.ended().get(10, TimeUnit.SECONDS);
    } finally {
      mount.forceUnmount();
    }
  }

  private Kind refusal(Path directory) {
    MountException refusal =
        catchThrowableOfType(
            MountException.class,
            () -> backend.create(Duration.ZERO).mount(new MountOptions(directory, "share"), files));
    assertThat(refusal).hasMessageContaining(directory.toString());
    return refusal.kind();
  }
}
