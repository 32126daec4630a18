package io.wormhole.protocol.control;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the owner of a share is told while it lives. */
public sealed interface ShareEvent extends StreamEvent {
  /**
   * Always the first: the folder is shared.
   *
   * @param code joins this share; a secret, shown to its owner only
   * @param ticket the same for pasting, a secret too; null where there is none
   * @param address {@code HOST:PORT} that peers can dial
   * @param share the share's name
   * @param shareId hexadecimal
   * @param directory absolute
   * @param expiresAt when code and ticket end, ISO-8601; null for the life of the share
   * @param hiddenMounts file systems mounted below the folder: they show as empty folders
   * @param knownPeers who may come back without a code
   */
  record Shared(
      String code,
      @Nullable String ticket,
      String address,
      String share,
      String shareId,
      String directory,
      boolean writable,
      @Nullable String expiresAt,
      List<String> hiddenMounts,
      int knownPeers)
      implements ShareEvent {
    public Shared {
      hiddenMounts = List.copyOf(hiddenMounts);
    }

    /** Leaves the code and the ticket out, so that it can stand in a log. */
    @Override
    public String toString() {
      return "Shared[share=" + share + ", directory=" + directory + ", address=" + address + "]";
    }
  }

  /**
   * A peer has joined.
   *
   * @param name as the peer gives it: never trusted, never printed raw
   * @param fingerprint hexadecimal
   * @param address where it comes from
   */
  record PeerConnected(String name, String fingerprint, String address) implements ShareEvent {}

  /** A peer has gone; {@code reason} is for a person. */
  record PeerLeft(String name, String fingerprint, String reason) implements ShareEvent {}

  /**
   * Comes each second.
   *
   * @param peers connected now
   * @param bytesPerSecond served to them all, over the last second
   * @param bytesServed since the share began
   */
  record Throughput(int peers, long bytesPerSecond, long bytesServed) implements ShareEvent {}

  /**
   * The owner's code has ended before its share: it expired, was used up, or was guessed at too
   * often. {@code reason} is for a person. Who has joined stays.
   */
  record CodeEnded(String reason) implements ShareEvent {}

  /** Always the last: the owner is none any more; {@code reason} is for a person. */
  record Ended(String reason) implements ShareEvent {}
}
