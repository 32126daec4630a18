package io.wormhole.daemon.fuse.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.wormhole.daemon.fuse.Program;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The kernel's messages are laid out as {@code include/uapi/linux/fuse.h} documents. */
class AbiTest {
  private static final List<StructLayout> STRUCTS =
      List.of(
          Abi.InHeader.LAYOUT,
          Abi.OutHeader.LAYOUT,
          Abi.InitIn.LAYOUT,
          Abi.InitOut.LAYOUT,
          Abi.AttrStruct.LAYOUT,
          Abi.EntryOut.LAYOUT,
          Abi.AttrOut.LAYOUT,
          Abi.ForgetIn.LAYOUT,
          Abi.ForgetOne.LAYOUT,
          Abi.BatchForgetIn.LAYOUT,
          Abi.OpenIn.LAYOUT,
          Abi.OpenOut.LAYOUT,
          Abi.ReleaseIn.LAYOUT,
          Abi.ReadIn.LAYOUT,
          Abi.Dirent.LAYOUT,
          Abi.DirentPlus.LAYOUT,
          Abi.StatfsOut.LAYOUT,
          Abi.XattrIn.LAYOUT,
          Abi.XattrOut.LAYOUT,
          Abi.AccessIn.LAYOUT,
          Abi.InterruptIn.LAYOUT,
          Abi.NotifyInode.LAYOUT,
          Abi.NotifyEntry.LAYOUT);

  /** Size, then the offset of each field. */
  private static final String DOCUMENTED =
      """
      fuse_in_header 40: len 0, opcode 4, unique 8, nodeid 16, uid 24, gid 28, pid 32, \
      total_extlen 36, padding 38
      fuse_out_header 16: len 0, error 4, unique 8
      fuse_init_in 64: major 0, minor 4, max_readahead 8, flags 12, flags2 16, unused 20
      fuse_init_out 64: major 0, minor 4, max_readahead 8, flags 12, max_background 16, \
      congestion_threshold 18, max_write 20, time_gran 24, max_pages 28, map_alignment 30, \
      flags2 32, unused 36
      fuse_attr 88: ino 0, size 8, blocks 16, atime 24, mtime 32, ctime 40, atimensec 48, \
      mtimensec 52, ctimensec 56, mode 60, nlink 64, uid 68, gid 72, rdev 76, blksize 80, flags 84
      fuse_entry_out 128: nodeid 0, generation 8, entry_valid 16, attr_valid 24, \
      entry_valid_nsec 32, attr_valid_nsec 36, attr 40
      fuse_attr_out 104: attr_valid 0, attr_valid_nsec 8, dummy 12, attr 16
      fuse_forget_in 8: nlookup 0
      fuse_forget_one 16: nodeid 0, nlookup 8
      fuse_batch_forget_in 8: count 0, dummy 4
      fuse_open_in 8: flags 0, open_flags 4
      fuse_open_out 16: fh 0, open_flags 8, padding 12
      fuse_release_in 24: fh 0, flags 8, release_flags 12, lock_owner 16
      fuse_read_in 40: fh 0, offset 8, size 16, read_flags 20, lock_owner 24, flags 32, padding 36
      fuse_dirent 24: ino 0, off 8, namelen 16, type 20
      fuse_direntplus 152: entry_out 0, dirent 128
      fuse_kstatfs 80: blocks 0, bfree 8, bavail 16, files 24, ffree 32, bsize 40, namelen 44, \
      frsize 48, padding 52, spare 56
      fuse_getxattr_in 8: size 0, padding 4
      fuse_getxattr_out 8: size 0, padding 4
      fuse_access_in 8: mask 0, padding 4
      fuse_interrupt_in 8: unique 0
      fuse_notify_inval_inode_out 24: ino 0, off 8, len 16
      fuse_notify_inval_entry_out 16: parent 0, namelen 8, flags 12
      """;

  @Test
  void layoutsHaveTheDocumentedSizesAndOffsets() {
    assertThat(STRUCTS.stream().map(AbiTest::describe).toList())
        .containsExactlyElementsOf(DOCUMENTED.lines().toList());
  }

  @Test
  void opcodesAreKnownByTheirNumbersAndNoOthers() {
    assertThat(Arrays.stream(Opcode.values()).map(opcode -> Opcode.of(opcode.code())))
        .containsExactly(Opcode.values());
    assertThat(Opcode.of(0)).isNull();
    assertThat(Opcode.of(7)).isNull();
    assertThat(Opcode.of(-1)).isNull();
    assertThat(Opcode.of(4096)).isNull();
  }

  @Test
  void theMachinesOwnHeaderAgrees(@TempDir Path scratch) throws Exception {
    Path header = Path.of("/usr/include/linux/fuse.h");
    assumeTrue(Files.exists(header), "SKIPPED, NOT TESTED: there is no " + header);
    assumeTrue(
        Program.bash("command -v gcc").status() == 0, "SKIPPED, NOT TESTED: there is no gcc");
    Map<String, Long> numbers = expressions(Files.readString(header));
    StringBuilder source =
        new StringBuilder(
            """
            #include <stdio.h>
            #include <stddef.h>
            #include <stdint.h>
            #include <linux/fuse.h>
            int main(void) {
            """);
    numbers.forEach((expression, number) ->
        source.append(
            "if ((long)(%s) != %dL) printf(\"%s is %%ld\\n\", (long)(%s));%n"
                .formatted(expression, number, expression, expression)));
    Files.writeString(scratch.resolve("abi.c"), source.append("return 0; }\n"));
    Program.Result compiled =
        Program.run("gcc", "-o", scratch.resolve("abi").toString(), scratch + "/abi.c");
    assertThat(compiled.errors()).isEmpty();
    Program.Result run = Program.run(scratch.resolve("abi").toString());
    assertThat(run.status()).isZero();
    assertThat(run.output()).isEmpty();
  }

  private static Map<String, Long> expressions(String header) {
    Map<String, Long> numbers = new LinkedHashMap<>();
    for (StructLayout struct : STRUCTS) {
      String name = struct.name().orElseThrow();
      numbers.put("sizeof(struct " + name + ")", struct.byteSize());
      fields(struct)
          .forEach((field, at) -> numbers.put("offsetof(struct " + name + ", " + field + ")", at));
    }
    for (Opcode opcode : Opcode.values()) {
      if (header.contains("FUSE_" + opcode.name() + "\t")) {
        numbers.put("FUSE_" + opcode.name(), (long) opcode.code());
      }
    }
    numbers.put("FUSE_ASYNC_READ", (long) Abi.ASYNC_READ);
    numbers.put("FUSE_BIG_WRITES", (long) Abi.BIG_WRITES);
    numbers.put("FUSE_AUTO_INVAL_DATA", (long) Abi.AUTO_INVAL_DATA);
    numbers.put("FUSE_DO_READDIRPLUS", (long) Abi.DO_READDIRPLUS);
    numbers.put("FUSE_READDIRPLUS_AUTO", (long) Abi.READDIRPLUS_AUTO);
    numbers.put("FUSE_PARALLEL_DIROPS", (long) Abi.PARALLEL_DIROPS);
    numbers.put("FUSE_MAX_PAGES", (long) Abi.MAX_PAGES);
    numbers.put("FUSE_CACHE_SYMLINKS", (long) Abi.CACHE_SYMLINKS);
    numbers.put("FOPEN_KEEP_CACHE", (long) Abi.FOPEN_KEEP_CACHE);
    numbers.put("FOPEN_NOFLUSH", (long) Abi.FOPEN_NOFLUSH);
    numbers.put("FUSE_NOTIFY_INVAL_INODE", (long) Abi.NOTIFY_INVAL_INODE);
    numbers.put("FUSE_NOTIFY_INVAL_ENTRY", (long) Abi.NOTIFY_INVAL_ENTRY);
    numbers.put("FUSE_MIN_READ_BUFFER", (long) Abi.MIN_READ_BUFFER_BYTES);
    return numbers;
  }

  private static String describe(StructLayout struct) {
    StringBuilder text = new StringBuilder(struct.name().orElseThrow());
    text.append(' ').append(struct.byteSize()).append(": ");
    return text.append(
            String.join(
                ", ",
                fields(struct).entrySet().stream()
                    .map(field -> field.getKey() + " " + field.getValue())
                    .toList()))
        .toString();
  }

  private static Map<String, Long> fields(StructLayout struct) {
    Map<String, Long> fields = new LinkedHashMap<>();
    long at = 0;
    for (MemoryLayout field : struct.memberLayouts()) {
      fields.put(field.name().orElseThrow(), at);
      at += field.byteSize();
    }
    return fields;
  }
}
