package io.wormhole.daemon.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What programs see through a real mount is what the file system says. */
@OnEveryBackend
class ContentMountTest {
  private static byte noise(long offset) {
    return (byte) ((offset * 0x9E3779B97F4A7C15L) >>> 56);
  }

  private static byte[] noise(long from, int count) {
    byte[] bytes = new byte[count];
    for (int i = 0; i < count; i++) {
      bytes[i] = noise(from + i);
    }
    return bytes;
  }

  private final TestedBackend backend;
  private final MemoryFileSystem files = new MemoryFileSystem();

  ContentMountTest(TestedBackend backend) {
    this.backend = backend;
  }

  @Test
  void filesReadAsTheyAreAtEveryOffsetAndLength() throws Exception {
    int size = 1_000_003;
    files.root.file("noise", size, ContentMountTest::noise);
    files.root.file("empty", new byte[0]);
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files);
        FileChannel channel = FileChannel.open(mounted.path("noise"))) {
      assertThat(Files.readAllBytes(mounted.path("noise"))).isEqualTo(noise(0, size));
      assertThat(Files.readAllBytes(mounted.path("empty"))).isEmpty();
      for (int offset : new int[] {0, 1, 4095, 4096, 131_071, 131_072, 262_145, size - 1, size}) {
        ByteBuffer buffer = ByteBuffer.allocate(200_000);
        int count = Math.max(-1, channel.read(buffer, offset));
        int wanted = Math.min(200_000, size - offset);
        assertThat(count).isEqualTo(wanted == 0 ? -1 : wanted);
        assertThat(Arrays.copyOf(buffer.array(), wanted)).isEqualTo(noise(offset, wanted));
      }
    }
  }

  @Test
  void directReadsAndMappingsBringTheSameBytes() throws Exception {
    int size = 700_001;
    files.root.file("noise", size, ContentMountTest::noise);
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      Path path = mounted.path("noise");
      Program.Result direct =
          Program.run("dd", "if=" + path, "iflag=direct", "bs=64k", "status=none");
      assertThat(direct.outputBytes()).isEqualTo(noise(0, size));
      try (FileChannel channel = FileChannel.open(path);
          Arena arena = Arena.ofConfined()) {
        MemorySegment map = channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
        assertThat(map.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(noise(0, size));
      }
    }
  }

  @Test
  void sizesPastFourGibibytesAndHolesAreRead() throws Exception {
    long size = 6L << 30;
    long island = 5L << 30;
    files.root.file("sparse", size, offset -> offset >= island ? noise(offset) : 0);
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files);
        FileChannel channel = FileChannel.open(mounted.path("sparse"))) {
      assertThat(Files.size(mounted.path("sparse"))).isEqualTo(size);
      ByteBuffer before = ByteBuffer.allocate(4096);
      channel.read(before, 1L << 32);
      assertThat(before.array()).containsOnly(0);
      ByteBuffer end = ByteBuffer.allocate(10_000);
      assertThat(channel.read(end, size - 5000)).isEqualTo(5000);
      assertThat(Arrays.copyOf(end.array(), 5000)).isEqualTo(noise(size - 5000, 5000));
      Program.Result seek =
          Program.run(
              "perl",
              "-e",
              "open(F,$ARGV[0]); print sysseek(F,4096,4)",
              mounted.path("sparse").toString());
      assertThat(seek.output()).as("SEEK_HOLE finds the end alone").isEqualTo(Long.toString(size));
    }
  }

  @Test
  void namesOfAllBytesComeThrough() throws Exception {
    Map<String, String> names =
        Map.of(
            "line\nbreak",
            "$'line\\nbreak'",
            "\u00ff\u00fe\u0080",
            "$'\\xff\\xfe\\x80'",
            "-rf",
            "-rf",
            " blank ",
            "' blank '",
            "quo'te\"",
            "$'quo\\'te\"'",
            "x".repeat(255),
            "x".repeat(255),
            "*",
            "'*'",
            "\u00c3\u00a4",
            "$'\\xc3\\xa4'");
    names.forEach((name, quoted) -> files.root.file(name, MemoryFileSystem.bytes(quoted)));
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      for (String quoted : names.values()) {
        Program.Result read = Program.bash("cat -- \"$1\"/" + quoted, mounted.directory);
        assertThat(read.output()).as(read.errors()).isEqualTo(quoted);
      }
      Program.Result listed =
          Program.run("find", mounted.directory.toString(), "-mindepth", "1", "-printf", "%f\\0");
      String expected =
          names.keySet().stream().sorted().map(name -> name + "\0").collect(Collectors.joining());
      assertThat(sortedByNul(listed.outputBytes())).isEqualTo(expected);
      assertThat(Program.bash("stat \"$1\"/" + "y".repeat(256), mounted.directory).errors())
          .contains("File name too long");
    }
  }

  private static String sortedByNul(byte[] text) {
    return Arrays.stream(new String(text, StandardCharsets.ISO_8859_1).split("\0", -1))
        .filter(name -> !name.isEmpty())
        .sorted()
        .map(name -> name + "\0")
        .collect(Collectors.joining());
  }

  @Test
  void largeFoldersAreListedWholeAndAgainAfterRewind() throws Exception {
    MemoryFileSystem.Node folder = files.root.directory("folder");
    IntStream.range(0, 20_000).forEach(i -> folder.file("entry number " + i, new byte[i % 7]));
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      String path = mounted.path("folder").toString();
      Program.Result count =
          Program.run(
              "perl",
              "-e",
              """
              opendir(D, $ARGV[0]); for (1..50) { readdir(D) } rewinddir(D);
              my %a; $a{$_}++ while defined($_ = readdir(D)); my $at = 0;
              rewinddir(D); for (1..9000) { readdir(D) } $at = telldir(D); my $next = readdir(D);
              for (1..5000) { readdir(D) } seekdir(D, $at);
              print scalar(keys %a), " ", (grep { $_ != 1 } values %a) + 0, " ",
                  $next eq readdir(D) ? "same" : "another";
              """,
              path);
      assertThat(count.output()).as(count.errors()).isEqualTo("20002 0 same");
      Program.Result long1 = Program.bash("ls -l \"$1\" | wc -l", path);
      assertThat(long1.output().strip()).isEqualTo("20001");
      Program.Result found = Program.bash("find \"$1\" -type f -size -2c -size +0c | wc -l", path);
      assertThat(Integer.parseInt(found.output().strip())).isEqualTo(2857);
      try (Stream<Path> entries = Files.list(mounted.path("folder"))) {
        assertThat(entries.count()).isEqualTo(20_000);
      }
    }
  }

  @Test
  void attributesAreShownToTheNanosecondAndBefore1970() throws Exception {
    MemoryFileSystem.Node file = files.root.file("file", new byte[1000]);
    file.mode = 0604;
    file.uid = 1234;
    file.gid = 4321;
    file.mtime = new Attr.Time(-1, 1);
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      Path path = mounted.path("file");
      Map<String, Object> seen = Files.readAttributes(path, "unix:*");
      assertThat(seen.get("mode")).isEqualTo(0100604);
      assertThat(seen.get("ino")).isEqualTo(file.attr().inode());
      assertThat(seen.get("uid")).isEqualTo(1234);
      assertThat(seen.get("gid")).isEqualTo(4321);
      assertThat(seen.get("lastModifiedTime"))
          .isEqualTo(FileTime.from(Instant.ofEpochSecond(-1, 1)));
      assertThat(seen.get("lastAccessTime"))
          .isEqualTo(
              FileTime.from(
                  Instant.ofEpochSecond(
                      MemoryFileSystem.LONG_AGO.seconds(), MemoryFileSystem.LONG_AGO.nanos())));
      assertThat(seen.get("ctime"))
          .isEqualTo(FileTime.from(Instant.ofEpochSecond(1_700_000_000, 999_999_999)));
      assertThat(Program.run("stat", "-c", "%b %B %o %s", path.toString()).output().strip())
          .isEqualTo("2 512 4096 1000");
    }
  }

  @Test
  void hardLinksAreOneInodeAndSymlinksLeadOn() throws Exception {
    MemoryFileSystem.Node folder = files.root.directory("folder");
    MemoryFileSystem.Node file = folder.file("one", MemoryFileSystem.bytes("content"));
    folder.link("two", file);
    file.links = 2;
    files.root.symlink("way", "folder/two");
    files.root.symlink("long", "x".repeat(4095));
    files.root.symlink("nowhere", "missing");
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      assertThat(Files.isSameFile(mounted.path("folder/one"), mounted.path("folder/two"))).isTrue();
      assertThat(Files.getAttribute(mounted.path("folder/one"), "unix:nlink")).isEqualTo(2);
      assertThat(Files.readString(mounted.path("way"))).isEqualTo("content");
      assertThat(Files.readSymbolicLink(mounted.path("way"))).isEqualTo(Path.of("folder/two"));
      assertThat(Program.run("readlink", mounted.path("long").toString()).output().strip())
          .hasSize(4095);
      assertThat(Files.exists(mounted.path("nowhere"))).isFalse();
      assertThat(Files.exists(mounted.path("nowhere"), LinkOption.NOFOLLOW_LINKS)).isTrue();
    }
  }

  @Test
  void aChangedFileIsReadAnewOnceItsAttributesAreOver() throws Exception {
    files.validFor = Duration.ZERO;
    MemoryFileSystem.Node file = files.root.file("file", MemoryFileSystem.bytes("before"));
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      assertThat(Files.readString(mounted.path("file"))).isEqualTo("before");
      byte[] after = MemoryFileSystem.bytes("after that");
      file.content = offset -> after[(int) offset];
      file.size = after.length;
      file.mtime = new Attr.Time(1, 0);
      assertThat(Files.readString(mounted.path("file"))).isEqualTo("after that");
    }
  }

  @Test
  void aFileChangedInPlaceIsReadAnewWhereItIsOpen() throws Exception {
    files.validFor = Duration.ZERO;
    MemoryFileSystem.Node file = files.root.file("file", 10_000, offset -> 1);
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files);
        FileChannel channel = FileChannel.open(mounted.path("file"))) {
      assertThat(firstBytes(channel)).containsOnly(1);
      file.content = offset -> 2;
      file.mtime = new Attr.Time(1, 0);
      long deadline = System.nanoTime() + 10_000_000_000L;
      byte[] seen = {1};
      while (seen[0] == 1 && System.nanoTime() < deadline) {
        assertThat(Files.size(mounted.path("file"))).isEqualTo(10_000);
        seen = firstBytes(channel);
      }
      assertThat(firstBytes(channel)).containsOnly(2);
    }
  }

  @Test
  void aFileThatIsReplacedStaysReadableWhereItIsOpen() throws Exception {
    files.validFor = Duration.ZERO;
    files.root.file("file", 500_000, offset -> 1);
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files);
        FileChannel old = FileChannel.open(mounted.path("file"))) {
      assertThat(firstBytes(old)).containsOnly(1);
      files.root.unlink("file");
      files.root.file("file", 500_000, offset -> 2);
      byte[] replacement = new byte[500_000];
      Arrays.fill(replacement, (byte) 2);
      for (int i = 0; i < 3; i++) {
        assertThat(Files.readAllBytes(mounted.path("file"))).isEqualTo(replacement);
        ByteBuffer rest = ByteBuffer.allocate(1000);
        assertThat(old.read(rest, 300_000 + i * 50_000L)).isEqualTo(1000);
        assertThat(rest.array()).containsOnly(1);
      }
    }
  }

  private static byte[] firstBytes(FileChannel channel) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(1000);
    channel.read(buffer, 0);
    return buffer.array();
  }

  @Test
  void statfsShowsTheFileSystemsFigures() throws Exception {
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      FileStore store = Files.getFileStore(mounted.directory);
      assertThat(store.getTotalSpace()).isEqualTo(4096L << 40);
      assertThat(store.getUnallocatedSpace()).isEqualTo(4096L << 39);
      assertThat(store.getUsableSpace()).isEqualTo(4096L << 38);
      assertThat(store.type()).isEqualTo("fuse.wormhole");
      assertThat(
              Program.run("stat", "-f", "-c", "%l %c %d", mounted.directory.toString())
                  .output()
                  .strip())
          .isEqualTo("255 1000000 900000");
    }
  }

  @Test
  void extendedAttributesFollowTheSizeProtocol() throws Exception {
    MemoryFileSystem.Node file = files.root.file("file", new byte[1]);
    file.xattrs.put("user.small", MemoryFileSystem.bytes("value"));
    file.xattrs.put("user.large", MemoryFileSystem.bytes("v".repeat(60_000)));
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      String path = mounted.path("file").toString();
      assertThat(Program.run("getfattr", "-d", "--absolute-names", path).output())
          .contains("user.small=\"value\"", "user.large=\"" + "v".repeat(60_000) + "\"");
      assertThat(Program.run("getfattr", "-n", "user.none", path).errors())
          .contains("No such attribute");
      assertThat(
              Program.run(
                      "python3",
                      "-c",
                      """
                      import ctypes, os, sys
                      libc = ctypes.CDLL(None, use_errno=True)
                      room = ctypes.create_string_buffer(3)
                      path = sys.argv[1].encode()
                      libc.getxattr(path, b"user.small", room, 3)
                      print(os.strerror(ctypes.get_errno()))
                      libc.listxattr(path, room, 3)
                      print(os.strerror(ctypes.get_errno()))
                      """,
                      path)
                  .output())
          .isEqualTo("Numerical result out of range\n".repeat(2));
    }
  }

  @Test
  void anAttributeThatGrowsAfterItsLengthWasAskedForIsRead() throws Exception {
    MemoryFileSystem.Node file = files.root.file("file", new byte[1]);
    file.xattrs.put("user.state", MemoryFileSystem.bytes("short"));
    files.leastXattrRoom = 10;
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      UserDefinedFileAttributeView attributes =
          Files.getFileAttributeView(mounted.path("file"), UserDefinedFileAttributeView.class);
      ByteBuffer room = ByteBuffer.allocate(attributes.size("state"));
      file.xattrs.put("user.state", MemoryFileSystem.bytes("longer"));
      assertThat(attributes.read("state", room)).isEqualTo("longer".length());
      assertThat(room.flip()).isEqualTo(ByteBuffer.wrap(MemoryFileSystem.bytes("longer")));
    }
  }

  @Test
  void aFileSystemThatHasNoExtendedAttributesIsAskedOnce() throws Exception {
    files.hasXattrs = false;
    files.root.file("file", new byte[1]);
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      String path = mounted.path("file").toString();
      for (int i = 0; i < 3; i++) {
        assertThat(Program.run("getfattr", "-n", "user.none", path).errors())
            .contains("Operation not supported");
      }
      assertThat(files.xattrsAsked).hasValue(1);
    }
  }

  @Test
  void errorsOfTheFileSystemReachPrograms() throws Exception {
    files.root.file("file", new byte[10]);
    files.readGate =
        node -> {
          throw new ErrnoException(Errno.ETIMEDOUT);
        };
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      String path = mounted.path("file").toString();
      assertThat(Program.run("dd", "if=" + path, "iflag=direct").errors())
          .contains("Connection timed out");
      files.readGate =
          node -> {
            throw new IllegalStateException("a fault, thrown by a test");
          };
      assertThat(Program.run("dd", "if=" + path, "iflag=direct").errors())
          .contains("Input/output error");
      files.readGate = MemoryFileSystem.OPEN_GATE;
      assertThat(Files.readAllBytes(mounted.path("file"))).hasSize(10);
    }
  }

  @Test
  void filesThatGrowCanBeFollowed() throws Exception {
    files.validFor = Duration.ZERO;
    MemoryFileSystem.Node file = files.root.file("log", 10, ContentMountTest::noise);
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files);
        FileChannel channel = FileChannel.open(mounted.path("log"), StandardOpenOption.READ)) {
      ByteBuffer buffer = ByteBuffer.allocate(100);
      assertThat(channel.read(buffer)).isEqualTo(10);
      assertThat(channel.read(buffer)).isEqualTo(-1);
      file.size = 50;
      file.mtime = new Attr.Time(5, 5);
      assertThat(channel.read(buffer)).isEqualTo(40);
      assertThat(Arrays.copyOf(buffer.array(), 50)).isEqualTo(noise(0, 50));
    }
  }
}
