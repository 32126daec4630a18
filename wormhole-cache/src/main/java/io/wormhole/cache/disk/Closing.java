package io.wormhole.cache.disk;

import java.io.Closeable;
import java.io.IOException;

/** Closes several things, whatever becomes of each. */
final class Closing {
  private Closing() {}

  /**
   * @throws IOException of the first that could not be closed; all were tried
   */
  static void all(Closeable... things) throws IOException {
    IOException first = null;
    for (Closeable thing : things) {
      try {
        thing.close();
      } catch (IOException failed) {
        if (first == null) {
          first = failed;
        } else {
          first.addSuppressed(failed);
        }
      }
    }
    if (first != null) {
      throw first;
    }
  }
}
