package io.wormhole.protocol.control;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Everything {@code status} shows. Holds no secret.
 *
 * @param daemon null where none is running
 * @param cache null where no daemon is running
 */
public record StatusAnswer(
    @Nullable DaemonStatus daemon,
    List<ShareStatus> shares,
    List<MountStatus> mounts,
    @Nullable CacheStatus cache) {
  public StatusAnswer {
    shares = List.copyOf(shares);
    mounts = List.copyOf(mounts);
  }

  /** What there is to say where no daemon runs. */
  public static StatusAnswer none() {
    return new StatusAnswer(null, List.of(), List.of(), null);
  }

  /** The daemon's process. */
  public record DaemonStatus(long pid, String version, long uptimeSeconds, long rssBytes) {}

  /**
   * A folder that is shared.
   *
   * @param expiresAt when the last of its codes ends, ISO-8601; null where no code is live
   * @param detached whether the daemon itself shares it, and does so again after a restart
   */
  public record ShareStatus(
      String name,
      String directory,
      String shareId,
      String address,
      boolean writable,
      @Nullable String expiresAt,
      boolean detached,
      List<PeerStatus> peers) {
    public ShareStatus {
      peers = List.copyOf(peers);
    }
  }

  /**
   * A peer that has joined a share.
   *
   * @param path loopback, lan or direct
   * @param rttMillis null while unknown
   * @param controller which congestion control what is sent to him is under, bbr or kernel; null
   *     while unknown
   * @param windowBytes how many bytes that lets be under way to him; null while unknown
   */
  public record PeerStatus(
      String name,
      String fingerprint,
      String path,
      @Nullable Double rttMillis,
      double lossPercent,
      @Nullable String controller,
      @Nullable Long windowBytes,
      long bytesPerSecond,
      double requestsPerSecond) {}

  /**
   * A share that is mounted.
   *
   * @param fingerprint of the host
   * @param path loopback, lan or direct; null while there is no lane
   * @param carrier what its bytes come over, quic or tcp; null while there is no lane
   * @param rttMillis null while unknown
   * @param controller as of a peer, of what is sent to the host
   * @param windowBytes as of a peer
   * @param backendReason why this backend carries it
   * @param lastError for a person; null where nothing went wrong
   */
  public record MountStatus(
      String name,
      String directory,
      String shareId,
      String fingerprint,
      State state,
      @Nullable String path,
      @Nullable String carrier,
      @Nullable Double rttMillis,
      double lossPercent,
      @Nullable String controller,
      @Nullable Long windowBytes,
      long bytesPerSecond,
      String backend,
      String backendReason,
      long pendingWriteBytes,
      @Nullable String lastError) {
    /** How a mount stands with its host. */
    public enum State {
      CONNECTED("connected"),
      RECONNECTING("reconnecting"),
      OFFLINE("offline");

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

  /**
   * The daemon's cache.
   *
   * @param disk null where there is none
   */
  public record CacheStatus(RamStatus ram, @Nullable DiskStatus disk, NetworkStatus network) {}

  /** Chunks in RAM. */
  public record RamStatus(
      long limitBytes, long usedBytes, long chunks, long hits, long misses, long evictions) {}

  /**
   * Chunks on disk.
   *
   * @param healed chunks that were not what they should be, and were dropped
   * @param sameAnswers chunks of changed files that did not have to come again
   * @param dedupRatio how many places in files have one chunk's content, on the average, since the
   *     daemon began
   * @param pinnedBytes what is pinned takes of the disk
   */
  public record DiskStatus(
      long limitBytes,
      long usedBytes,
      long chunks,
      long hits,
      long misses,
      long evictions,
      long healed,
      long sameAnswers,
      double dedupRatio,
      long pinnedBytes) {}

  /** Chunks that came from hosts; {@code rejected} were not what their hash said. */
  public record NetworkStatus(long chunks, long bytes, long groups, long rejected) {}
}
