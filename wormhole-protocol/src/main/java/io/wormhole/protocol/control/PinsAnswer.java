package io.wormhole.protocol.control;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** What is pinned: all of it, or what was until now. */
public record PinsAnswer(List<Pin> pins) {
  public PinsAnswer {
    pins = List.copyOf(pins);
  }

  /**
   * A file or folder of a mount that is kept on this disk.
   *
   * @param path where it was when it was pinned
   * @param files that were seen when it was looked at last
   * @param bytesDone of those, what is here
   * @param lastError for a person; null where nothing went wrong
   */
  public record Pin(
      String path,
      State state,
      long files,
      long bytesDone,
      long bytesTotal,
      @Nullable String lastError) {}

  /** How it stands with a pin. */
  public enum State {
    /** All of it is here, as it was on the host less than some minutes ago. */
    CURRENT("current"),
    /** Some of it is not here yet. */
    FETCHING("fetching"),
    /** Its host is away, or it is not mounted: what is here stays. */
    WAITING("waiting"),
    /** Some of it is not here: there is no room for it, or it cannot be read. */
    INCOMPLETE("incomplete");

    private final String word;

    State(String word) {
      this.word = word;
    }

    /** The word in JSON. */
    @Override
    public String toString() {
      return word;
    }
  }
}
