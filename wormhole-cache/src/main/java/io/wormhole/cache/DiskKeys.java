package io.wormhole.cache;

import io.wormhole.cache.disk.PageKey;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** What the disk calls things. */
final class DiskKeys {
  private static final int HASHED_BYTES = 7 * Long.BYTES;

  /** No page of a version has this number. */
  private static final long FILE = -1;

  private DiskKeys() {}

  /** The page in which a chunk stands. */
  static PageKey page(ChunkKey key) {
    return key(
        key.file(),
        key.file().versionHigh(),
        key.file().versionLow(),
        key.index() / PageKey.CHUNKS);
  }

  /** Where in its page a chunk stands. */
  static int indexInPage(ChunkKey key) {
    return (int) (key.index() % PageKey.CHUNKS);
  }

  /** Whether a chunk is all of its file. */
  static boolean isAlone(ChunkKey key, long bytes) {
    return key.index() == 0 && bytes < ChunkLoader.CHUNK_BYTES;
  }

  /** A file, whatever its version. */
  static PageKey file(FileVersion file) {
    return key(file, 0, 0, FILE);
  }

  private static PageKey key(FileVersion file, long versionHigh, long versionLow, long page) {
    ByteBuffer named =
        ByteBuffer.allocate(HASHED_BYTES)
            .putLong(file.shareHigh())
            .putLong(file.shareLow())
            .putLong(file.inode())
            .putLong(file.generation())
            .putLong(versionHigh)
            .putLong(versionLow)
            .putLong(page);
    try {
      ByteBuffer digest =
          ByteBuffer.wrap(MessageDigest.getInstance("SHA-256").digest(named.array()));
      return new PageKey(digest.getLong(), digest.getLong());
    } catch (NoSuchAlgorithmException absent) {
      throw new IllegalStateException("every Java platform has SHA-256", absent);
    }
  }
}
