package io.wormhole.daemon.fuse.device;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.wormhole.daemon.fuse.DirectoryWriter;
import io.wormhole.daemon.fuse.Entry;
import io.wormhole.daemon.fuse.FileType;
import io.wormhole.daemon.fuse.device.Abi.Dirent;
import io.wormhole.daemon.fuse.device.Abi.DirentPlus;
import io.wormhole.daemon.fuse.device.Abi.EntryOut;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** Writes a listing's records into a reply, and keeps which nodes it has given out. */
final class ReplyDirectoryWriter implements DirectoryWriter {
  private static final int NAME_BYTES_MAX = 255;

  private final MemorySegment destination;
  private final boolean plus;
  private final List<Long> nodes = new ArrayList<>();
  private int bytes;

  /**
   * @param destination as long as the kernel wants bytes, aligned to 8
   * @param plus whether the kernel wants whole entries
   */
  ReplyDirectoryWriter(MemorySegment destination, boolean plus) {
    this.destination = destination;
    this.plus = plus;
  }

  @Override
  public boolean wantsEntries() {
    return plus;
  }

  @Override
  public boolean fits(int nameBytes) {
    return bytes + recordBytes(nameBytes) <= destination.byteSize();
  }

  @Override
  public void add(byte[] name, long inode, FileType type, long nextOffset) {
    MemorySegment record = next(name, nextOffset);
    if (plus) {
      record.asSlice(0, EntryOut.BYTES).fill((byte) 0);
    }
    dirent(record, name, inode, type, nextOffset);
  }

  @Override
  public void add(byte[] name, Entry entry, long nextOffset) {
    if (!plus) {
      throw new IllegalStateException("the kernel asked for names only");
    }
    MemorySegment record = next(name, nextOffset);
    ReplyEncoder.entry(record, entry);
    dirent(record, name, entry.attr().inode(), entry.attr().type(), nextOffset);
    nodes.add(entry.node());
  }

  /** How much of the destination is filled. */
  int bytes() {
    return bytes;
  }

  /** The nodes of the whole entries, once for each. */
  List<Long> nodes() {
    return nodes;
  }

  private MemorySegment next(byte[] name, long nextOffset) {
    if (name.length == 0 || name.length > NAME_BYTES_MAX || nextOffset == 0) {
      throw new IllegalArgumentException("no such record can stand in a listing");
    }
    int length = recordBytes(name.length);
    if (bytes + length > destination.byteSize()) {
      throw new IllegalStateException("the record does not fit");
    }
    MemorySegment record = destination.asSlice(bytes, length);
    bytes += length;
    return record;
  }

  private void dirent(
      MemorySegment record, byte[] name, long inode, FileType type, long nextOffset) {
    long at = plus ? DirentPlus.DIRENT : 0;
    record.set(JAVA_LONG, at + Dirent.INODE, inode);
    record.set(JAVA_LONG, at + Dirent.OFFSET, nextOffset);
    record.set(JAVA_INT, at + Dirent.NAME_BYTES, name.length);
    record.set(JAVA_INT, at + Dirent.TYPE, type.direntType());
    MemorySegment text = record.asSlice(at + Dirent.BYTES);
    text.fill((byte) 0);
    MemorySegment.copy(MemorySegment.ofArray(name), 0, text, 0, name.length);
  }

  private int recordBytes(int nameBytes) {
    int header = plus ? DirentPlus.BYTES : Dirent.BYTES;
    return (header + nameBytes + 7) & -8;
  }
}
