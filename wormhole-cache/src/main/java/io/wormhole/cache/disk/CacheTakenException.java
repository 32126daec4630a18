package io.wormhole.cache.disk;

import java.io.IOException;
import java.nio.file.Path;

/** Another process has the cache. */
public final class CacheTakenException extends IOException {
  private static final long serialVersionUID = 1L;

  CacheTakenException(Path folder, String process) {
    super("the cache in " + folder + " is in use by process " + process);
  }
}
