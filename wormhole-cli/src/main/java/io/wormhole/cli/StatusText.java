package io.wormhole.cli;

import io.wormhole.protocol.control.StatusAnswer;
import io.wormhole.protocol.control.StatusAnswer.CacheStatus;
import io.wormhole.protocol.control.StatusAnswer.DaemonStatus;
import io.wormhole.protocol.control.StatusAnswer.DiskStatus;
import io.wormhole.protocol.control.StatusAnswer.MountStatus;
import io.wormhole.protocol.control.StatusAnswer.PeerStatus;
import io.wormhole.protocol.control.StatusAnswer.ShareStatus;
import io.wormhole.protocol.settings.ByteSize;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A status for people. */
final class StatusText {
  private StatusText() {}

  static List<String> lines(StatusAnswer status) {
    List<String> lines = new ArrayList<>();
    DaemonStatus daemon = status.daemon();
    if (daemon != null) {
      lines.add(daemon(daemon));
    }
    lines.add("");
    lines.add(status.shares().isEmpty() ? "no shares" : "shares");
    for (ShareStatus share : status.shares()) {
      addShare(lines, share);
    }
    lines.add(status.mounts().isEmpty() ? "no mounts" : "mounts");
    for (MountStatus mount : status.mounts()) {
      addMount(lines, mount);
    }
    CacheStatus cache = status.cache();
    if (cache != null) {
      lines.addAll(cache(cache));
    }
    return lines;
  }

  static String daemon(DaemonStatus daemon) {
    return "daemon %s, process %d, up %s, %s of memory"
        .formatted(
            daemon.version(),
            daemon.pid(),
            Figures.duration(daemon.uptimeSeconds()),
            ByteSize.text(daemon.rssBytes()));
  }

  private static void addShare(List<String> lines, ShareStatus share) {
    lines.add(
        "  %s  %s  %s  %s"
            .formatted(
                SafeText.name(share.name()),
                SafeText.name(share.directory()),
                share.address(),
                (share.writable() ? "writable" : "read-only")
                    + (share.detached() ? ", left to the daemon" : "")));
    for (PeerStatus peer : share.peers()) {
      lines.add(
          "    %s (%s)  %s  %s, %.0f requests/s"
              .formatted(
                  SafeText.name(peer.name()),
                  brief(peer.fingerprint()),
                  path(peer.path(), peer.rttMillis(), peer.lossPercent())
                      + window(peer.windowBytes(), peer.controller()),
                  Figures.rate(peer.bytesPerSecond()),
                  peer.requestsPerSecond()));
    }
  }

  private static void addMount(List<String> lines, MountStatus mount) {
    lines.add(
        "  %s  %s  %s"
            .formatted(
                SafeText.name(mount.name()), SafeText.name(mount.directory()), mount.state()));
    lines.add(
        "    host %s  %s  %s  by %s (%s)"
            .formatted(
                brief(mount.fingerprint()),
                path(mount.path(), mount.rttMillis(), mount.lossPercent())
                    + (mount.carrier() == null ? "" : " over " + mount.carrier())
                    + window(mount.windowBytes(), mount.controller()),
                Figures.rate(mount.bytesPerSecond()),
                mount.backend(),
                SafeText.name(mount.backendReason())));
    String lastError = mount.lastError();
    if (lastError != null) {
      lines.add("    last trouble: " + SafeText.name(lastError));
    }
  }

  static List<String> cache(CacheStatus cache) {
    List<String> lines = new ArrayList<>();
    lines.add("cache");
    lines.add(
        "  RAM      %s of %s, %d chunks, %s"
            .formatted(
                ByteSize.text(cache.ram().usedBytes()),
                ByteSize.text(cache.ram().limitBytes()),
                cache.ram().chunks(),
                hits(cache.ram().hits(), cache.ram().misses())));
    DiskStatus disk = cache.disk();
    if (disk != null) {
      lines.add(
          "  disk     %s of %s, %d chunks, %s"
                  .formatted(
                      ByteSize.text(disk.usedBytes()),
                      ByteSize.text(disk.limitBytes()),
                      disk.chunks(),
                      hits(disk.hits(), disk.misses()))
              + (disk.pinnedBytes() == 0
                  ? ""
                  : ", " + ByteSize.text(disk.pinnedBytes()) + " pinned"));
    }
    lines.add(
        "  network  %s in %d chunks, %d rejected"
            .formatted(
                ByteSize.text(cache.network().bytes()),
                cache.network().chunks(),
                cache.network().rejected()));
    return lines;
  }

  private static String hits(long hits, long misses) {
    long all = hits + misses;
    return all == 0 ? "not asked yet" : "%.0f %% hits".formatted(100.0 * hits / all);
  }

  private static String path(@Nullable String path, @Nullable Double rttMillis, double loss) {
    String way = path == null ? "no path" : path;
    String rtt = rttMillis == null ? "" : " " + Figures.millis(rttMillis);
    return way + rtt + (loss > 0 ? String.format(Locale.ROOT, " %.1f %% lost", loss) : "");
  }

  private static String window(@Nullable Long bytes, @Nullable String controller) {
    return bytes == null || controller == null
        ? ""
        : ", window %s (%s)".formatted(ByteSize.text(bytes), controller);
  }

  /** Enough of a fingerprint to tell a few peers apart. */
  private static String brief(String fingerprint) {
    return fingerprint.substring(0, Math.min(12, fingerprint.length()));
  }
}
