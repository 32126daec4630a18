package io.wormhole.daemon.fuse;

import java.nio.file.Path;

/**
 * What a mount is to be like; that it is read-only, {@code nosuid}, {@code nodev} and that the
 * kernel checks permissions is not a choice.
 *
 * @param directory the mount point: a folder that exists and is empty
 * @param name what the table of mounts shows as the source; any text, made harmless by the backend
 * @param allowOther whether users other than the one who mounts may enter; else they get EACCES
 */
public record MountOptions(Path directory, String name, boolean allowOther) {
  /** A mount for the user alone who makes it. */
  public MountOptions(Path directory, String name) {
    this(directory, name, false);
  }
}
