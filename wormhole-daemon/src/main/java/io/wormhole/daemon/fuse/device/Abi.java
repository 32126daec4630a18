package io.wormhole.daemon.fuse.device;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.StructLayout;

/**
 * The messages of the kernel's FUSE protocol, as {@code include/uapi/linux/fuse.h} lays them out:
 * offsets in bytes of the fields that are read or written here. Byte order is the machine's, all
 * structures are aligned to 8 bytes.
 */
final class Abi {
  static final int MAJOR = 7;

  /** The version spoken here; a newer kernel lowers itself to it. */
  static final int MINOR = 36;

  /** Linux 3.15: from here on the answer to INIT has its 64 bytes. */
  static final int MINOR_NEEDED = 23;

  static final int ASYNC_READ = 1;
  static final int BIG_WRITES = 1 << 5;
  static final int AUTO_INVAL_DATA = 1 << 12;
  static final int DO_READDIRPLUS = 1 << 13;
  static final int READDIRPLUS_AUTO = 1 << 14;
  static final int PARALLEL_DIROPS = 1 << 18;
  static final int MAX_PAGES = 1 << 22;
  static final int CACHE_SYMLINKS = 1 << 23;

  static final int FOPEN_KEEP_CACHE = 1 << 1;
  static final int FOPEN_NOFLUSH = 1 << 5;

  /** The least a read of the device may ask for (FUSE_MIN_READ_BUFFER). */
  static final int MIN_READ_BUFFER_BYTES = 8192;

  /** What stands in the place of the error number of a message that answers nothing. */
  static final int NOTIFY_INVAL_INODE = 2;

  static final int NOTIFY_INVAL_ENTRY = 3;

  private Abi() {}

  private static MemoryLayout u64(String name) {
    return JAVA_LONG.withName(name);
  }

  private static MemoryLayout u32(String name) {
    return JAVA_INT.withName(name);
  }

  private static MemoryLayout u16(String name) {
    return JAVA_SHORT.withName(name);
  }

  private static StructLayout struct(String name, MemoryLayout... fields) {
    return MemoryLayout.structLayout(fields).withName(name);
  }

  private static long at(StructLayout layout, String field) {
    return layout.byteOffset(PathElement.groupElement(field));
  }

  /** What every request begins with. */
  static final class InHeader {
    static final StructLayout LAYOUT =
        struct(
            "fuse_in_header",
            u32("len"),
            u32("opcode"),
            u64("unique"),
            u64("nodeid"),
            u32("uid"),
            u32("gid"),
            u32("pid"),
            u16("total_extlen"),
            u16("padding"));
    static final int BYTES = (int) LAYOUT.byteSize();
    static final long LEN = at(LAYOUT, "len");
    static final long OPCODE = at(LAYOUT, "opcode");
    static final long UNIQUE = at(LAYOUT, "unique");
    static final long NODE = at(LAYOUT, "nodeid");

    private InHeader() {}
  }

  /** What every reply begins with; the error is negative or 0. */
  static final class OutHeader {
    static final StructLayout LAYOUT =
        struct("fuse_out_header", u32("len"), u32("error"), u64("unique"));
    static final int BYTES = (int) LAYOUT.byteSize();
    static final long LEN = at(LAYOUT, "len");
    static final long ERROR = at(LAYOUT, "error");
    static final long UNIQUE = at(LAYOUT, "unique");

    private OutHeader() {}
  }

  static final class InitIn {
    static final StructLayout LAYOUT =
        struct(
            "fuse_init_in",
            u32("major"),
            u32("minor"),
            u32("max_readahead"),
            u32("flags"),
            u32("flags2"),
            MemoryLayout.sequenceLayout(11, JAVA_INT).withName("unused"));
    static final long MAJOR_VERSION = at(LAYOUT, "major");
    static final long MINOR_VERSION = at(LAYOUT, "minor");
    static final long MAX_READAHEAD = at(LAYOUT, "max_readahead");
    static final long FLAGS = at(LAYOUT, "flags");

    private InitIn() {}
  }

  static final class InitOut {
    static final StructLayout LAYOUT =
        struct(
            "fuse_init_out",
            u32("major"),
            u32("minor"),
            u32("max_readahead"),
            u32("flags"),
            u16("max_background"),
            u16("congestion_threshold"),
            u32("max_write"),
            u32("time_gran"),
            u16("max_pages"),
            u16("map_alignment"),
            u32("flags2"),
            MemoryLayout.sequenceLayout(7, JAVA_INT).withName("unused"));
    static final int BYTES = (int) LAYOUT.byteSize();
    static final long MAJOR_VERSION = at(LAYOUT, "major");
    static final long MINOR_VERSION = at(LAYOUT, "minor");
    static final long MAX_READAHEAD = at(LAYOUT, "max_readahead");
    static final long FLAGS = at(LAYOUT, "flags");
    static final long MAX_BACKGROUND = at(LAYOUT, "max_background");
    static final long CONGESTION_THRESHOLD = at(LAYOUT, "congestion_threshold");
    static final long MAX_WRITE = at(LAYOUT, "max_write");
    static final long TIME_GRANULARITY = at(LAYOUT, "time_gran");
    static final long MAX_PAGES = at(LAYOUT, "max_pages");

    private InitOut() {}
  }

  static final class AttrStruct {
    static final StructLayout LAYOUT =
        struct(
            "fuse_attr",
            u64("ino"),
            u64("size"),
            u64("blocks"),
            u64("atime"),
            u64("mtime"),
            u64("ctime"),
            u32("atimensec"),
            u32("mtimensec"),
            u32("ctimensec"),
            u32("mode"),
            u32("nlink"),
            u32("uid"),
            u32("gid"),
            u32("rdev"),
            u32("blksize"),
            u32("flags"));
    static final long INODE = at(LAYOUT, "ino");
    static final long SIZE = at(LAYOUT, "size");
    static final long BLOCKS = at(LAYOUT, "blocks");
    static final long ATIME = at(LAYOUT, "atime");
    static final long MTIME = at(LAYOUT, "mtime");
    static final long CTIME = at(LAYOUT, "ctime");
    static final long ATIME_NANOS = at(LAYOUT, "atimensec");
    static final long MTIME_NANOS = at(LAYOUT, "mtimensec");
    static final long CTIME_NANOS = at(LAYOUT, "ctimensec");
    static final long MODE = at(LAYOUT, "mode");
    static final long LINKS = at(LAYOUT, "nlink");
    static final long UID = at(LAYOUT, "uid");
    static final long GID = at(LAYOUT, "gid");
    static final long RDEV = at(LAYOUT, "rdev");
    static final long BLOCK_SIZE = at(LAYOUT, "blksize");
    static final long FLAGS = at(LAYOUT, "flags");

    private AttrStruct() {}
  }

  static final class EntryOut {
    static final StructLayout LAYOUT =
        struct(
            "fuse_entry_out",
            u64("nodeid"),
            u64("generation"),
            u64("entry_valid"),
            u64("attr_valid"),
            u32("entry_valid_nsec"),
            u32("attr_valid_nsec"),
            AttrStruct.LAYOUT.withName("attr"));
    static final int BYTES = (int) LAYOUT.byteSize();
    static final long NODE = at(LAYOUT, "nodeid");
    static final long GENERATION = at(LAYOUT, "generation");
    static final long ENTRY_VALID = at(LAYOUT, "entry_valid");
    static final long ATTR_VALID = at(LAYOUT, "attr_valid");
    static final long ENTRY_VALID_NANOS = at(LAYOUT, "entry_valid_nsec");
    static final long ATTR_VALID_NANOS = at(LAYOUT, "attr_valid_nsec");
    static final long ATTR = at(LAYOUT, "attr");

    private EntryOut() {}
  }

  static final class AttrOut {
    static final StructLayout LAYOUT =
        struct(
            "fuse_attr_out",
            u64("attr_valid"),
            u32("attr_valid_nsec"),
            u32("dummy"),
            AttrStruct.LAYOUT.withName("attr"));
    static final int BYTES = (int) LAYOUT.byteSize();
    static final long VALID = at(LAYOUT, "attr_valid");
    static final long VALID_NANOS = at(LAYOUT, "attr_valid_nsec");
    static final long DUMMY = at(LAYOUT, "dummy");
    static final long ATTR = at(LAYOUT, "attr");

    private AttrOut() {}
  }

  static final class ForgetIn {
    static final StructLayout LAYOUT = struct("fuse_forget_in", u64("nlookup"));
    static final long LOOKUPS = at(LAYOUT, "nlookup");

    private ForgetIn() {}
  }

  static final class ForgetOne {
    static final StructLayout LAYOUT = struct("fuse_forget_one", u64("nodeid"), u64("nlookup"));
    static final int BYTES = (int) LAYOUT.byteSize();
    static final long NODE = at(LAYOUT, "nodeid");
    static final long LOOKUPS = at(LAYOUT, "nlookup");

    private ForgetOne() {}
  }

  static final class BatchForgetIn {
    static final StructLayout LAYOUT = struct("fuse_batch_forget_in", u32("count"), u32("dummy"));
    static final int BYTES = (int) LAYOUT.byteSize();
    static final long COUNT = at(LAYOUT, "count");

    private BatchForgetIn() {}
  }

  static final class OpenIn {
    static final StructLayout LAYOUT = struct("fuse_open_in", u32("flags"), u32("open_flags"));
    static final long FLAGS = at(LAYOUT, "flags");

    private OpenIn() {}
  }

  static final class OpenOut {
    static final StructLayout LAYOUT =
        struct("fuse_open_out", u64("fh"), u32("open_flags"), u32("padding"));
    static final int BYTES = (int) LAYOUT.byteSize();
    static final long HANDLE = at(LAYOUT, "fh");
    static final long FLAGS = at(LAYOUT, "open_flags");
    static final long PADDING = at(LAYOUT, "padding");

    private OpenOut() {}
  }

  static final class ReleaseIn {
    static final StructLayout LAYOUT =
        struct("fuse_release_in", u64("fh"), u32("flags"), u32("release_flags"), u64("lock_owner"));
    static final long HANDLE = at(LAYOUT, "fh");

    private ReleaseIn() {}
  }

  /** Of READ, READDIR and READDIRPLUS. */
  static final class ReadIn {
    static final StructLayout LAYOUT =
        struct(
            "fuse_read_in",
            u64("fh"),
            u64("offset"),
            u32("size"),
            u32("read_flags"),
            u64("lock_owner"),
            u32("flags"),
            u32("padding"));
    static final long HANDLE = at(LAYOUT, "fh");
    static final long OFFSET = at(LAYOUT, "offset");
    static final long SIZE = at(LAYOUT, "size");

    private ReadIn() {}
  }

  /** A record of a listing; the name follows, padded to 8 bytes. */
  static final class Dirent {
    static final StructLayout LAYOUT =
        struct("fuse_dirent", u64("ino"), u64("off"), u32("namelen"), u32("type"));
    static final int BYTES = (int) LAYOUT.byteSize();
    static final long INODE = at(LAYOUT, "ino");
    static final long OFFSET = at(LAYOUT, "off");
    static final long NAME_BYTES = at(LAYOUT, "namelen");
    static final long TYPE = at(LAYOUT, "type");

    private Dirent() {}
  }

  static final class DirentPlus {
    static final StructLayout LAYOUT =
        struct(
            "fuse_direntplus",
            EntryOut.LAYOUT.withName("entry_out"),
            Dirent.LAYOUT.withName("dirent"));
    static final int BYTES = (int) LAYOUT.byteSize();
    static final long DIRENT = at(LAYOUT, "dirent");

    private DirentPlus() {}
  }

  static final class StatfsOut {
    static final StructLayout LAYOUT =
        struct(
            "fuse_kstatfs",
            u64("blocks"),
            u64("bfree"),
            u64("bavail"),
            u64("files"),
            u64("ffree"),
            u32("bsize"),
            u32("namelen"),
            u32("frsize"),
            u32("padding"),
            MemoryLayout.sequenceLayout(6, JAVA_INT).withName("spare"));
    static final int BYTES = (int) LAYOUT.byteSize();
    static final long BLOCKS = at(LAYOUT, "blocks");
    static final long BLOCKS_FREE = at(LAYOUT, "bfree");
    static final long BLOCKS_AVAILABLE = at(LAYOUT, "bavail");
    static final long FILES = at(LAYOUT, "files");
    static final long FILES_FREE = at(LAYOUT, "ffree");
    static final long BLOCK_SIZE = at(LAYOUT, "bsize");
    static final long NAME_MAX = at(LAYOUT, "namelen");
    static final long FRAGMENT_SIZE = at(LAYOUT, "frsize");

    private StatfsOut() {}
  }

  /** Of GETXATTR, whose name follows, and of LISTXATTR. */
  static final class XattrIn {
    static final StructLayout LAYOUT = struct("fuse_getxattr_in", u32("size"), u32("padding"));
    static final int BYTES = (int) LAYOUT.byteSize();
    static final long SIZE = at(LAYOUT, "size");

    private XattrIn() {}
  }

  static final class XattrOut {
    static final StructLayout LAYOUT = struct("fuse_getxattr_out", u32("size"), u32("padding"));
    static final int BYTES = (int) LAYOUT.byteSize();
    static final long SIZE = at(LAYOUT, "size");
    static final long PADDING = at(LAYOUT, "padding");

    private XattrOut() {}
  }

  static final class AccessIn {
    static final StructLayout LAYOUT = struct("fuse_access_in", u32("mask"), u32("padding"));
    static final long MASK = at(LAYOUT, "mask");

    private AccessIn() {}
  }

  /** An inode's attributes and bytes are not valid any more; a length of 0 is up to the end. */
  static final class NotifyInode {
    static final StructLayout LAYOUT =
        struct("fuse_notify_inval_inode_out", u64("ino"), u64("off"), u64("len"));
    static final int BYTES = (int) LAYOUT.byteSize();
    static final long NODE = at(LAYOUT, "ino");
    static final long OFFSET = at(LAYOUT, "off");
    static final long LENGTH = at(LAYOUT, "len");

    private NotifyInode() {}
  }

  /** A name, which follows and ends with a NUL, is not valid any more. */
  static final class NotifyEntry {
    static final StructLayout LAYOUT =
        struct("fuse_notify_inval_entry_out", u64("parent"), u32("namelen"), u32("flags"));
    static final int BYTES = (int) LAYOUT.byteSize();
    static final long PARENT = at(LAYOUT, "parent");
    static final long NAME_BYTES = at(LAYOUT, "namelen");
    static final long FLAGS = at(LAYOUT, "flags");

    private NotifyEntry() {}
  }

  static final class InterruptIn {
    static final StructLayout LAYOUT = struct("fuse_interrupt_in", u64("unique"));
    static final long UNIQUE = at(LAYOUT, "unique");

    private InterruptIn() {}
  }
}
