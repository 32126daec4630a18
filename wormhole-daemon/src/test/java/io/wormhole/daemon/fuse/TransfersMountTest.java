package io.wormhole.daemon.fuse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.wormhole.daemon.fuse.mounts.OurMounts;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every way in which the kernel moves a file's bytes brings the same ones. */
@OnEveryBackend
class TransfersMountTest {
  private static final int SIZE = 900_001;

  private final TestedBackend backend;
  private final MemoryFileSystem files = new MemoryFileSystem();
  private final byte[] content = new byte[SIZE];

  @TempDir private Path scratch = Path.of("/nonexistent");

  TransfersMountTest(TestedBackend backend) {
    this.backend = backend;
  }

  @BeforeEach
  void fill() {
    new Random(20250729).nextBytes(content);
    files.root.file("file", content);
  }

  @Test
  void kernelReadsAheadAsFarAsItIsTold() throws Exception {
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      Path window =
          Path.of("/sys/class/bdi", OurMounts.deviceNumber(mounted.directory), "read_ahead_kb");
      assumeThat(window).isWritable();
      int most = backend == TestedBackend.JNR ? 128 : 1024;
      for (int kilobytes : new int[] {64, 256, 4096}) {
        mounted.mount.readAhead(kilobytes << 10);
        assertThat(window).hasContent(Integer.toString(Math.min(kilobytes, most)));
      }
    }
  }

  @Test
  void sendfileBringsAllBytes() throws Exception {
    assertThat(
            copiedByPython(
                """
                import os, sys
                source = os.open(sys.argv[1], os.O_RDONLY)
                target = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT)
                at = 0
                while (n := os.sendfile(target, source, at, 1 << 20)):
                    at += n
                """))
        .isEqualTo(content);
  }

  @Test
  void spliceBringsAllBytes() throws Exception {
    assertThat(
            copiedByPython(
                """
                import ctypes, os, sys
                libc = ctypes.CDLL(None, use_errno=True)
                libc.splice.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int,
                                        ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint]
                libc.splice.restype = ctypes.c_ssize_t
                source = os.open(sys.argv[1], os.O_RDONLY)
                target = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT)
                r, w = os.pipe()
                while True:
                    n = libc.splice(source, None, w, None, 65536, 0)
                    if n < 0:
                        sys.exit(os.strerror(ctypes.get_errno()))
                    if n == 0:
                        break
                    while n:
                        n -= libc.splice(r, None, target, None, n, 0)
                """))
        .isEqualTo(content);
  }

  @Test
  void copyFileRangeAndCpBringAllBytes() throws Exception {
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      Path copy = scratch.resolve("copy");
      Program.Result cp = Program.run("cp", mounted.path("file").toString(), copy.toString());
      assertThat(cp.status()).as(cp.errors()).isZero();
      assertThat(Files.readAllBytes(copy)).isEqualTo(content);
    }
  }

  @Test
  void aMappingReadBackwardsBringsAllBytes() throws Exception {
    assertThat(
            copiedByPython(
                """
                import mmap, sys
                with open(sys.argv[1], "rb") as f, mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as m:
                    out = bytearray(len(m))
                    for end in range(len(m), 0, -70001):
                        start = max(0, end - 70001)
                        out[start:end] = m[start:end]
                with open(sys.argv[2], "wb") as f:
                    f.write(out)
                """))
        .isEqualTo(content);
  }

  @Test
  void directReadsAtUnevenOffsetsBringTheRightBytes() throws Exception {
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      for (int skip : new int[] {0, 1, 7, 219}) {
        Program.Result dd =
            Program.run(
                "dd",
                "if=" + mounted.path("file"),
                "iflag=direct",
                "bs=4096",
                "skip=" + skip,
                "count=1",
                "status=none");
        int from = skip * 4096;
        assertThat(dd.outputBytes())
            .isEqualTo(Arrays.copyOfRange(content, from, Math.min(from + 4096, SIZE)));
      }
    }
  }

  @Test
  void manyReadersOfManyFilesGetTheirOwn() throws Exception {
    for (int i = 0; i < 40; i++) {
      byte own = (byte) i;
      files.root.file("own " + i, 300_000, offset -> own);
    }
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      Map<Path, Byte> expected =
          IntStream.range(0, 40)
              .boxed()
              .collect(Collectors.toMap(i -> mounted.path("own " + i), Integer::byteValue));
      expected.entrySet().parallelStream()
          .forEach(file -> {
            try {
              byte[] own = new byte[300_000];
              Arrays.fill(own, file.getValue());
              assertThat(Files.readAllBytes(file.getKey())).isEqualTo(own);
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
    }
  }

  @Test
  void aFileThatWasRemovedStaysReadableWhereItIsOpen() throws Exception {
    files.validFor = Duration.ZERO;
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files);
        var open = Files.newByteChannel(mounted.path("file"))) {
      files.root.unlink("file");
      assertThat(Files.exists(mounted.path("file"))).isFalse();
      var buffer = ByteBuffer.allocate(SIZE);
      while (buffer.hasRemaining() && open.read(buffer) >= 0) {}
      assertThat(buffer.array()).isEqualTo(content);
      assertThat(open.size()).isEqualTo(SIZE);
    }
  }

  private byte[] copiedByPython(String program) throws Exception {
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      Path copy = scratch.resolve("copy");
      Program.Result result =
          Program.run("python3", "-c", program, mounted.path("file").toString(), copy.toString());
      assertThat(result.status()).as(result.errors()).isZero();
      return Files.readAllBytes(copy);
    }
  }
}
