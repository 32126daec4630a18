package io.wormhole.daemon.mount;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Set;

/**
 * Which files hold pictures and sound in a container that may have its index at the end: a player
 * reads the beginning, and then goes there.
 */
final class MediaContainer {
  private static final Set<String> EXTENSIONS =
      Set.of("3gp", "avi", "braw", "m4a", "m4v", "mkv", "mov", "mp4", "mxf", "r3d", "wav", "webm");

  private MediaContainer() {}

  /** Whether a file is called like one. */
  static boolean isCalled(byte[] name) {
    int dot = name.length - 1;
    while (dot > 0 && name[dot] != '.') {
      dot--;
    }
    if (dot <= 0) {
      return false;
    }
    String extension =
        new String(name, dot + 1, name.length - dot - 1, StandardCharsets.ISO_8859_1);
    return EXTENSIONS.contains(extension.toLowerCase(Locale.ROOT));
  }
}
