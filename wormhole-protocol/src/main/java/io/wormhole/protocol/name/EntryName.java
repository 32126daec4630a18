package io.wormhole.protocol.name;

import static io.wormhole.protocol.wire.message.FailureCode.FAILURE_CODE_BAD_NAME;
import static io.wormhole.protocol.wire.message.FailureCode.FAILURE_CODE_NAME_TOO_LONG;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.message.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The one validator of names from the wire, used by both ends before a name is used for anything.
 *
 * <p>A name is bytes in no particular encoding: 1 to 255 of them, none {@code /} or NUL, and
 * neither {@code .} nor {@code ..}. A path is at most 128 names, and at most 4096 bytes with a
 * separator between each two; no name at all is the share's root.
 */
public final class EntryName {
  private EntryName() {}

  /** Whether a folder may have an entry of that name. */
  public static boolean isValid(byte[] name) {
    return isValid(UnsafeByteOperations.unsafeWrap(name));
  }

  /** Whether a folder may have an entry of that name. */
  public static boolean isValid(ByteString name) {
    return fault(name) == null;
  }

  /**
   * Passes a name on.
   *
   * @return {@code name}
   * @throws BadNameException if no entry may have it
   */
  public static byte[] check(byte[] name) throws BadNameException {
    check(UnsafeByteOperations.unsafeWrap(name));
    return name;
  }

  /**
   * Passes a name on.
   *
   * @return {@code name}
   * @throws BadNameException if no entry may have it
   */
  public static ByteString check(ByteString name) throws BadNameException {
    String fault = fault(name);
    if (fault != null) {
      boolean tooLong = name.size() > Limits.NAME_BYTES;
      throw new BadNameException(
          tooLong ? FAILURE_CODE_NAME_TOO_LONG : FAILURE_CODE_BAD_NAME, fault);
    }
    return name;
  }

  /**
   * Passes the names of a path on, from the root down.
   *
   * @throws BadNameException if a name is none, or there are too many or too long ones
   */
  public static List<ByteString> check(Path path) throws BadNameException {
    return checkPath(path.getNamesList());
  }

  /**
   * Passes the names of a path on, from the root down.
   *
   * @return {@code names}
   * @throws BadNameException if a name is none, or there are too many or too long ones
   */
  public static List<ByteString> checkPath(List<ByteString> names) throws BadNameException {
    int depth = names.size();
    if (depth > Limits.PATH_DEPTH) {
      throw new BadNameException(
          FAILURE_CODE_NAME_TOO_LONG,
          "path of %d names, %d allowed".formatted(depth, Limits.PATH_DEPTH));
    }
    int bytes = Math.max(0, depth - 1);
    for (ByteString name : names) {
      bytes += check(name).size();
    }
    if (bytes > Limits.PATH_BYTES) {
      throw new BadNameException(
          FAILURE_CODE_NAME_TOO_LONG,
          "path of %d bytes, %d allowed".formatted(bytes, Limits.PATH_BYTES));
    }
    return names;
  }

  /** What is wrong with a name, or null; the length first, so that the rest is bounded. */
  private static @Nullable String fault(ByteString name) {
    int bytes = name.size();
    if (bytes == 0) {
      return "empty name";
    }
    if (bytes > Limits.NAME_BYTES) {
      return "name of %d bytes, %d allowed".formatted(bytes, Limits.NAME_BYTES);
    }
    if (name.byteAt(0) == '.' && (bytes == 1 || (bytes == 2 && name.byteAt(1) == '.'))) {
      return "name that stands for a folder itself or its parent";
    }
    for (int i = 0; i < bytes; i++) {
      byte b = name.byteAt(i);
      if (b == '/' || b == 0) {
        return b == 0 ? "name with a NUL" : "name with a separator";
      }
    }
    return null;
  }
}
