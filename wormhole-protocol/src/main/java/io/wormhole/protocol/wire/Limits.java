package io.wormhole.protocol.wire;

/**
 * What either end takes from the wire. Each is checked before memory is taken for the thing it
 * bounds.
 */
public final class Limits {
  /** The versions of the protocol this program speaks, both included. */
  public static final int OLDEST_VERSION = 1;

  public static final int NEWEST_VERSION = 1;

  /** Payload of any frame before the peer has proved the code, in bytes. */
  public static final int UNTRUSTED_FRAME_BYTES = 4 << 10;

  /** Payload of a request, in bytes. */
  public static final int REQUEST_BYTES = 64 << 10;

  /** Payload of a reply, in bytes; a page of a folder is the largest. */
  public static final int REPLY_BYTES = 256 << 10;

  /** Bytes of a chunk; the last one of a file may be shorter. */
  public static final int CHUNK_BYTES = 128 << 10;

  /** Bytes of a group; the last one of a chunk may be shorter. */
  public static final int GROUP_BYTES = 16 << 10;

  public static final int GROUPS_PER_CHUNK = CHUNK_BYTES / GROUP_BYTES;

  /** Payload of a chunk frame, in bytes. */
  public static final int CHUNK_FRAME_BYTES =
      ChunkHeader.BYTES + GROUPS_PER_CHUNK * ChunkHeader.HASH_BYTES + CHUNK_BYTES;

  /** Entries of one page of a folder. */
  public static final int PAGE_ENTRIES = 1024;

  /** Small files that one request may ask for, */
  public static final int SMALL_FILES = 64;

  /** and their bytes, together. */
  public static final int SMALL_FILES_BYTES = 192 << 10;

  /** A name, in bytes. */
  public static final int NAME_BYTES = 255;

  /** Names in a path. */
  public static final int PATH_DEPTH = 128;

  /** A path, separators included, in bytes. */
  public static final int PATH_BYTES = 4096;

  /** Target of a symbolic link, in bytes. */
  public static final int LINK_TARGET_BYTES = 4095;

  /** Name of a peer or a share, in bytes of UTF-8. */
  public static final int DISPLAY_NAME_BYTES = 128;

  /** Words of a refusal, in bytes of UTF-8. */
  public static final int WORDS_BYTES = 256;

  public static final int TOKEN_BYTES = 16;
  public static final int SHARE_ID_BYTES = 16;
  public static final int VERSION_BYTES = 16;

  /** Requests one lane may have in flight. */
  public static final int REQUESTS_IN_FLIGHT = 256;

  /** Bytes of answers one lane may have in flight. */
  public static final int BYTES_IN_FLIGHT = 16 << 20;

  /** Descriptors one peer may hold, of files and folders together. */
  public static final int OPEN_HANDLES = 1024;

  /** Handles that one request may give back. */
  public static final int CLOSED_HANDLES = 1024;

  /** From connection to trust, in milliseconds. */
  public static final int HANDSHAKE_MILLIS = 10_000;

  /** The longest a request may ask the host to go on trying, in milliseconds. */
  public static final int DEADLINE_MILLIS = 120_000;

  private Limits() {}

  /** Bytes a payload of this type may have, before and after the peer is trusted. */
  public static int payloadBytes(FrameType type, boolean trusted) {
    if (!trusted) {
      return UNTRUSTED_FRAME_BYTES;
    }
    return switch (type) {
      case REQUEST -> REQUEST_BYTES;
      case REPLY -> REPLY_BYTES;
      case CHUNK -> CHUNK_FRAME_BYTES;
      default -> UNTRUSTED_FRAME_BYTES;
    };
  }
}
