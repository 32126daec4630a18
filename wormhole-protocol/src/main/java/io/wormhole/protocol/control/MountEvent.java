package io.wormhole.protocol.control;

/** What whoever asked for a mount is told. */
public sealed interface MountEvent extends StreamEvent {
  /** Where it has got to, for a person: {@code joining}, {@code mounting}. */
  record Progress(String text) implements MountEvent {}

  /**
   * The mount answers.
   *
   * @param name of the mount
   * @param directory absolute
   * @param shareId hexadecimal
   * @param backend what carries it: {@code device}
   * @param offline whether its host is away, so that it shows what was seen of it before
   */
  record Mounted(String name, String directory, String shareId, String backend, boolean offline)
      implements MountEvent {}

  /** A mount that was asked for in the foreground is gone; {@code reason} is for a person. */
  record Unmounted(String reason) implements MountEvent {}
}
