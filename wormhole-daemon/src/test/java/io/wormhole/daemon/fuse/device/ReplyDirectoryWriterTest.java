package io.wormhole.daemon.fuse.device;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.wormhole.daemon.fuse.Attr;
import io.wormhole.daemon.fuse.Entry;
import io.wormhole.daemon.fuse.FileType;
import io.wormhole.daemon.fuse.MemoryFileSystem;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

/** A listing's records are whole, aligned, and read back as they were added. */
class ReplyDirectoryWriterTest {
  private static Entry entry(long node) {
    Attr.Time time = new Attr.Time(1, 2);
    Attr attr =
        new Attr(
            FileType.REGULAR,
            node + 7,
            1,
            1,
            0644,
            1,
            0,
            0,
            4096,
            time,
            time,
            time,
            Duration.ofMillis(1500));
    return new Entry(node, 3, attr, Duration.ofSeconds(3));
  }

  @Property(tries = 300)
  void whatFitsIsReadBack(
      @ForAll boolean plus,
      @ForAll @IntRange(min = 0, max = 4096) int room,
      @ForAll @Size(max = 40) List<@Size(min = 1, max = 255) byte[]> names) {
    MemorySegment memory = Arena.ofAuto().allocate(room, 8);
    memory.fill((byte) 0xAA);
    ReplyDirectoryWriter writer = new ReplyDirectoryWriter(memory, plus);
    List<byte[]> added = new ArrayList<>();
    for (byte[] name : names) {
      if (!writer.fits(name.length)) {
        break;
      }
      int number = added.size() + 1;
      if (plus) {
        writer.add(name, entry(number), number);
      } else {
        writer.add(name, number + 7, FileType.REGULAR, number);
      }
      added.add(name);
    }
    int at = 0;
    for (int i = 0; i < added.size(); i++) {
      int number = i + 1;
      if (plus) {
        assertThat(memory.get(JAVA_LONG, at)).isEqualTo(number);
        assertThat(memory.get(JAVA_LONG, at + Abi.EntryOut.ATTR_VALID)).isEqualTo(1);
        assertThat(memory.get(JAVA_INT, at + Abi.EntryOut.ATTR_VALID_NANOS)).isEqualTo(500_000_000);
        at += Abi.EntryOut.BYTES;
      }
      byte[] name = added.get(i);
      assertThat(memory.get(JAVA_LONG, at + Abi.Dirent.INODE)).isEqualTo(number + 7);
      assertThat(memory.get(JAVA_LONG, at + Abi.Dirent.OFFSET)).isEqualTo(number);
      assertThat(memory.get(JAVA_INT, at + Abi.Dirent.NAME_BYTES)).isEqualTo(name.length);
      assertThat(memory.get(JAVA_INT, at + Abi.Dirent.TYPE)).isEqualTo(8);
      assertThat(memory.asSlice(at + Abi.Dirent.BYTES, name.length).toArray(JAVA_BYTE))
          .isEqualTo(name);
      at += (Abi.Dirent.BYTES + name.length + 7) / 8 * 8;
    }
    assertThat(writer.bytes()).isEqualTo(at).isLessThanOrEqualTo(room);
    assertThat(writer.nodes()).hasSize(plus ? added.size() : 0);
  }

  @Test
  void dotsInAWholeListingCountAsNoLookup() {
    MemorySegment memory = Arena.ofAuto().allocate(1000, 8);
    memory.fill((byte) 0xAA);
    ReplyDirectoryWriter writer = new ReplyDirectoryWriter(memory, true);
    writer.add(MemoryFileSystem.bytes("."), 1, FileType.DIRECTORY, 1);
    assertThat(memory.get(JAVA_LONG, Abi.EntryOut.NODE)).isZero();
    assertThat(writer.nodes()).isEmpty();
  }

  @Test
  void whatCannotStandInAListingIsRefused() {
    ReplyDirectoryWriter writer = new ReplyDirectoryWriter(Arena.ofAuto().allocate(100, 8), false);
    byte[] name = MemoryFileSystem.bytes("name");
    assertThatThrownBy(() -> writer.add(new byte[0], 1, FileType.REGULAR, 1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> writer.add(new byte[256], 1, FileType.REGULAR, 1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> writer.add(name, 1, FileType.REGULAR, 0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> writer.add(new byte[80], 1, FileType.REGULAR, 1))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> writer.add(name, entry(1), 1))
        .isInstanceOf(IllegalStateException.class);
    assertThat(writer.bytes()).isZero();
  }
}
