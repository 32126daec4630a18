package io.wormhole.daemon.fuse;

import java.nio.file.Path;
import java.util.Optional;

/**
 * Where a mount stands.
 *
 * @param directory its mount point, which is another one after a folder above it was renamed
 * @param cover what is mounted over it, in words; empty if programs get at it
 */
public record MountPlace(Path directory, Optional<String> cover) {}
