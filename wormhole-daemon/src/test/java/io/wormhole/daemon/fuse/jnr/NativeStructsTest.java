package io.wormhole.daemon.fuse.jnr;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.wormhole.daemon.fuse.Attr;
import io.wormhole.daemon.fuse.FileType;
import io.wormhole.daemon.fuse.Program;
import io.wormhole.daemon.fuse.jnr.NativeStructs.Buffer;
import io.wormhole.daemon.fuse.jnr.NativeStructs.FileInfo;
import io.wormhole.daemon.fuse.jnr.NativeStructs.InHeader;
import io.wormhole.daemon.fuse.jnr.NativeStructs.Stat;
import io.wormhole.daemon.fuse.jnr.NativeStructs.Statvfs;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** C structures are where the C compiler puts them. */
class NativeStructsTest {
  /** Of x86-64 and aarch64, as their system headers have it. */
  @Test
  void statIsLaidOutAsDocumented() {
    assertThat(Stat.X86_64)
        .isEqualTo(new Stat(144, 8, 24, 16, 8, 28, 32, 48, 56, 8, 64, 72, 88, 104));
    assertThat(Stat.AARCH64)
        .isEqualTo(new Stat(128, 8, 16, 20, 4, 24, 28, 48, 56, 4, 64, 72, 88, 104));
  }

  @Test
  void theMachinesOwnHeadersAgree(@TempDir Path scratch) throws Exception {
    Stat stat = Stat.here();
    Map<String, Long> numbers = new LinkedHashMap<>();
    numbers.put("sizeof(struct stat)", stat.bytes());
    field(numbers, "struct stat", "st_ino", stat.inode(), 8);
    field(numbers, "struct stat", "st_mode", stat.mode(), 4);
    field(numbers, "struct stat", "st_nlink", stat.links(), stat.linkBytes());
    field(numbers, "struct stat", "st_uid", stat.uid(), 4);
    field(numbers, "struct stat", "st_gid", stat.gid(), 4);
    field(numbers, "struct stat", "st_size", stat.size(), 8);
    field(numbers, "struct stat", "st_blksize", stat.blockSize(), stat.blockSizeBytes());
    field(numbers, "struct stat", "st_blocks", stat.blocks(), 8);
    field(numbers, "struct stat", "st_atim", stat.atime(), 16);
    field(numbers, "struct stat", "st_mtim", stat.mtime(), 16);
    field(numbers, "struct stat", "st_ctim", stat.ctime(), 16);
    numbers.put("sizeof(struct statvfs)", Statvfs.BYTES);
    field(numbers, "struct statvfs", "f_bsize", Statvfs.BLOCK_SIZE, 8);
    field(numbers, "struct statvfs", "f_frsize", Statvfs.FRAGMENT_SIZE, 8);
    field(numbers, "struct statvfs", "f_blocks", Statvfs.BLOCKS, 8);
    field(numbers, "struct statvfs", "f_bfree", Statvfs.BLOCKS_FREE, 8);
    field(numbers, "struct statvfs", "f_bavail", Statvfs.BLOCKS_AVAILABLE, 8);
    field(numbers, "struct statvfs", "f_files", Statvfs.FILES, 8);
    field(numbers, "struct statvfs", "f_ffree", Statvfs.FILES_FREE, 8);
    field(numbers, "struct statvfs", "f_namemax", Statvfs.NAME_MAX, 8);
    compile(scratch, "#include <sys/stat.h>\n#include <sys/statvfs.h>\n", numbers);
  }

  @Test
  void theKernelsHeaderAgrees(@TempDir Path scratch) throws Exception {
    Map<String, Long> numbers = new LinkedHashMap<>();
    numbers.put("sizeof(struct fuse_in_header)", InHeader.BYTES);
    field(numbers, "struct fuse_in_header", "opcode", InHeader.OPCODE, 4);
    field(numbers, "struct fuse_in_header", "unique", InHeader.UNIQUE, 8);
    field(numbers, "struct fuse_in_header", "nodeid", InHeader.NODE, 8);
    assumeTrue(
        Files.exists(Path.of("/usr/include/linux/fuse.h")),
        "SKIPPED, NOT TESTED: there is no linux/fuse.h");
    compile(scratch, "#include <linux/fuse.h>\n", numbers);
  }

  @Test
  void libfusesHeaderAgrees(@TempDir Path scratch) throws Exception {
    assumeTrue(
        Files.exists(Path.of("/usr/include/fuse/fuse_lowlevel.h")),
        "SKIPPED, NOT TESTED: libfuse-dev is not installed");
    Map<String, Long> numbers = new LinkedHashMap<>();
    numbers.put("sizeof(struct fuse_file_info)", FileInfo.BYTES);
    field(numbers, "struct fuse_file_info", "flags", FileInfo.FLAGS, 4);
    field(numbers, "struct fuse_file_info", "fh", FileInfo.HANDLE, 8);
    numbers.put(
        "({ struct fuse_file_info i = {.keep_cache = 1}; *(int *)((char *)&i + "
            + FileInfo.BITS
            + "); })",
        (long) FileInfo.KEEP_CACHE);
    numbers.put("sizeof(struct fuse_buf)", Buffer.BYTES);
    field(numbers, "struct fuse_buf", "size", Buffer.SIZE, 8);
    field(numbers, "struct fuse_buf", "flags", Buffer.FLAGS, 4);
    field(numbers, "struct fuse_buf", "mem", Buffer.MEMORY, 8);
    compile(
        scratch,
        """
        #define FUSE_USE_VERSION 29
        #define _FILE_OFFSET_BITS 64
        #include <fuse/fuse_lowlevel.h>
        """,
        numbers);
  }

  @Test
  void everyFieldOfAStatIsWritten() {
    Attr attr =
        new Attr(
            FileType.REGULAR,
            1L << 40,
            5L << 32,
            7,
            0640,
            3,
            -2,
            4,
            65536,
            new Attr.Time(-1, 1),
            new Attr.Time(2, 3),
            new Attr.Time(4, 999_999_999),
            Duration.ZERO);
    for (Stat stat : new Stat[] {Stat.X86_64, Stat.AARCH64}) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment memory = arena.allocate(stat.bytes(), 8).fill((byte) 0xff);
        stat.write(memory, attr);
        assertThat(memory.get(JAVA_LONG, stat.inode())).isEqualTo(1L << 40);
        assertThat(memory.get(JAVA_INT, stat.mode())).isEqualTo(0100640);
        assertThat(memory.get(JAVA_INT, stat.links())).isEqualTo(3);
        assertThat(memory.get(JAVA_INT, stat.uid())).isEqualTo(-2);
        assertThat(memory.get(JAVA_INT, stat.gid())).isEqualTo(4);
        assertThat(memory.get(JAVA_LONG, stat.size())).isEqualTo(5L << 32);
        assertThat(memory.get(JAVA_LONG, stat.blocks())).isEqualTo(7);
        assertThat(memory.get(JAVA_INT, stat.blockSize())).isEqualTo(65536);
        assertThat(memory.get(JAVA_LONG, stat.atime())).isEqualTo(-1);
        assertThat(memory.get(JAVA_LONG, stat.mtime() + 8)).isEqualTo(3);
        assertThat(memory.get(JAVA_LONG, stat.ctime() + 8)).isEqualTo(999_999_999);
        assertThat(memory.get(JAVA_LONG, 0)).as("st_dev").isZero();
      }
    }
  }

  private static void field(
      Map<String, Long> numbers, String struct, String name, long offset, int bytes) {
    numbers.put("offsetof(" + struct + ", " + name + ")", offset);
    numbers.put("sizeof(((" + struct + " *)0)->" + name + ")", (long) bytes);
  }

  private static void compile(Path scratch, String includes, Map<String, Long> numbers)
      throws Exception {
    assumeTrue(
        Program.bash("command -v gcc").status() == 0, "SKIPPED, NOT TESTED: there is no gcc");
    StringBuilder source =
        new StringBuilder(includes)
            .append("#include <stdio.h>\n#include <stddef.h>\nint main(void) {\n");
    numbers.forEach((expression, number) ->
        source.append(
            "if ((long)(%1$s) != %2$dL) printf(\"%1$s is %%ld\\n\", (long)(%1$s));%n"
                .formatted(expression, number)));
    Files.writeString(scratch.resolve("structs.c"), source.append("}\n"));
    String program = scratch.resolve("structs").toString();
    Program.Result compiled = Program.run("gcc", "-o", program, scratch + "/structs.c");
    assertThat(compiled.status()).as(compiled.errors()).isZero();
    assertThat(Program.run(program).output()).isEmpty();
  }
}
