package io.wormhole.protocol.control;

import java.util.List;

/** What was unmounted. */
public record UnmountAnswer(List<Unmounted> unmounted) {
  public UnmountAnswer {
    unmounted = List.copyOf(unmounted);
  }

  /** One mount that is gone. */
  public record Unmounted(String name, String directory) {}
}
