package io.wormhole.daemon.host;

import com.google.protobuf.ByteString;
import io.wormhole.protocol.name.BadNameException;
import io.wormhole.protocol.name.EntryName;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.message.Path;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.List;

/** A path below the shared folder: names joined by slashes, in bytes. Immutable. */
final class RelativePath {
  static final RelativePath ROOT = new RelativePath(new byte[0], 0);

  private static final byte SLASH = '/';

  private final byte[] joined;
  private final int depth;

  /**
   * What is not checked here: {@link #of} does that with what a peer sent.
   *
   * @param joined the names, owned by this path
   * @param depth how many they are
   */
  RelativePath(byte[] joined, int depth) {
    this.joined = joined;
    this.depth = depth;
  }

  /**
   * A peer's path, checked.
   *
   * @throws FailureException BAD_NAME for a name that can be none; NAME_TOO_LONG past {@link
   *     Limits#NAME_BYTES}, {@link Limits#PATH_DEPTH} or {@link Limits#PATH_BYTES}
   */
  static RelativePath of(Path path) throws FailureException {
    try {
      List<ByteString> names = EntryName.check(path);
      return names.isEmpty() ? ROOT : new RelativePath(joined(names), names.size());
    } catch (BadNameException refused) {
      throw new FailureException(refused.code());
    }
  }

  boolean isRoot() {
    return depth == 0;
  }

  /** How many names: 0 for the root. */
  int depth() {
    return depth;
  }

  /** Bytes with separators. */
  int bytes() {
    return joined.length;
  }

  /** The names joined by slashes; not to be written to. */
  byte[] joined() {
    return joined;
  }

  /** The last name; the root has none. */
  byte[] name() {
    return Arrays.copyOfRange(joined, lastSlash() + 1, joined.length);
  }

  /** The folder it stands in; the root's is the root. */
  RelativePath parent() {
    int slash = lastSlash();
    return slash <= 0 ? ROOT : new RelativePath(Arrays.copyOf(joined, slash), depth - 1);
  }

  /** Whether a name in this folder is within what either end takes. */
  boolean admits(byte[] name) {
    int before = isRoot() ? 0 : joined.length + 1;
    return depth < Limits.PATH_DEPTH && before + name.length <= Limits.PATH_BYTES;
  }

  private static byte[] joined(List<ByteString> names) {
    ByteArrayOutputStream joined = new ByteArrayOutputStream();
    for (ByteString name : names) {
      if (joined.size() > 0) {
        joined.write(SLASH);
      }
      joined.writeBytes(name.toByteArray());
    }
    return joined.toByteArray();
  }

  private int lastSlash() {
    int at = joined.length - 1;
    while (at >= 0 && joined[at] != SLASH) {
      at--;
    }
    return at;
  }
}
