package io.wormhole.daemon.host;

/** What stands at a name of a shared folder. */
enum NodeKind {
  REGULAR,
  FOLDER,
  LINK,
  /** Another file system is mounted there; shown as an empty folder. */
  MOUNT_POINT,
  /** A fifo, socket or device, or a file mounted over a file; not shown. */
  SPECIAL;

  private static final int S_IFMT = 0xf000;
  private static final int S_IFDIR = 0x4000;
  private static final int S_IFREG = 0x8000;
  private static final int S_IFLNK = 0xa000;

  /** The kind in {@code st_mode}. */
  static NodeKind ofMode(int mode) {
    return switch (mode & S_IFMT) {
      case S_IFREG -> REGULAR;
      case S_IFDIR -> FOLDER;
      case S_IFLNK -> LINK;
      default -> SPECIAL;
    };
  }
}
