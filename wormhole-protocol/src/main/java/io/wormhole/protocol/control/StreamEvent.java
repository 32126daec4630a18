package io.wormhole.protocol.control;

import org.jspecify.annotations.Nullable;

/**
 * A line of a streamed answer: a JSON object of the record's components and {@code "event"}, whose
 * value is {@link #event()}. A reader skips events it does not know.
 */
public sealed interface StreamEvent permits ShareEvent, MountEvent, CacheEvent {
  /** The word that tells the events apart. */
  default String event() {
    return switch (this) {
      case ShareEvent.Shared _ -> "shared";
      case ShareEvent.PeerConnected _ -> "peer-connected";
      case ShareEvent.PeerLeft _ -> "peer-left";
      case ShareEvent.Throughput _ -> "throughput";
      case ShareEvent.CodeEnded _ -> "code-ended";
      case ShareEvent.Ended _ -> "ended";
      case MountEvent.Progress _ -> "progress";
      case MountEvent.Mounted _ -> "mounted";
      case MountEvent.Unmounted _ -> "unmounted";
      case CacheEvent.Verifying _ -> "verifying";
      case CacheEvent.Verified _ -> "verified";
      case CacheEvent.Fetching _ -> "fetching";
      case CacheEvent.Fetched _ -> "fetched";
    };
  }

  /** The record that carries an event of this word; null for a word that is not known. */
  static @Nullable Class<? extends StreamEvent> typeOf(String event) {
    return switch (event) {
      case "shared" -> ShareEvent.Shared.class;
      case "peer-connected" -> ShareEvent.PeerConnected.class;
      case "peer-left" -> ShareEvent.PeerLeft.class;
      case "throughput" -> ShareEvent.Throughput.class;
      case "code-ended" -> ShareEvent.CodeEnded.class;
      case "ended" -> ShareEvent.Ended.class;
      case "progress" -> MountEvent.Progress.class;
      case "mounted" -> MountEvent.Mounted.class;
      case "unmounted" -> MountEvent.Unmounted.class;
      case "verifying" -> CacheEvent.Verifying.class;
      case "verified" -> CacheEvent.Verified.class;
      case "fetching" -> CacheEvent.Fetching.class;
      case "fetched" -> CacheEvent.Fetched.class;
      default -> null;
    };
  }
}
