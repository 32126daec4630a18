package io.wormhole.daemon;

import io.wormhole.daemon.ShareOpener.Source;
import io.wormhole.daemon.fuse.KernelMount;
import io.wormhole.daemon.fuse.MountPlace;
import io.wormhole.daemon.mount.HostLink;
import io.wormhole.daemon.mount.RemoteShare;
import io.wormhole.daemon.transport.PathFigures;
import io.wormhole.protocol.control.StatusAnswer.MountStatus;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A share that is mounted. Any thread. */
final class RunningMount {
  /**
   * A longer round trip is that of a slow path, most likely. What the kernel reads with what a
   * program has asked for, the program waits for as well: there it reads less.
   */
  private static final double LONG_PATH_MILLIS = 20;

  private static final int LONG_PATH_READ_AHEAD = 256 << 10;
  private static final int SHORT_PATH_READ_AHEAD = 1 << 20;

  private final String name;
  private final Source source;
  private final RemoteShare remote;
  private final KernelMount kernel;
  private final String whyBackend;
  private final Meter received;

  /** What the kernel was told last; for the one thread that ticks. */
  private int readAhead = SHORT_PATH_READ_AHEAD;

  /**
   * @param whyBackend why its backend carries it, for a person
   */
  RunningMount(
      String name,
      Source source,
      RemoteShare remote,
      KernelMount kernel,
      String whyBackend,
      long nowNanos) {
    this.name = name;
    this.source = source;
    this.remote = remote;
    this.kernel = kernel;
    this.whyBackend = whyBackend;
    this.received = new Meter(remote.link()::bytesReceived, nowNanos);
  }

  String name() {
    return name;
  }

  /** Where it is to be found now. */
  String directory() {
    return place().map(MountPlace::directory).orElse(kernel.directory()).toString();
  }

  /** Whether it is meant by a folder: where it was mounted, or where it has been moved to. */
  boolean isAt(@Nullable Path directory) {
    return kernel.directory().equals(directory)
        || place().filter(place -> place.directory().equals(directory)).isPresent();
  }

  private Optional<MountPlace> place() {
    try {
      return kernel.place();
    } catch (IOException untold) {
      return Optional.empty();
    }
  }

  /** What keeps programs from it here, whatever its host does; empty if nothing does. */
  private Optional<String> obstacle() {
    Optional<MountPlace> place = place();
    if (place.isEmpty()) {
      return Optional.of(
          "it was unmounted while in use, and lives as long as that; unmount --force ends it");
    }
    Path now = place.get().directory();
    return place
        .get()
        .cover()
        .map(cover -> cover + " is mounted over it; unmount that first: umount " + now);
  }

  KernelMount kernel() {
    return kernel;
  }

  RemoteShare remote() {
    return remote;
  }

  Source source() {
    return source;
  }

  void tick(long nowNanos) {
    received.tick(nowNanos);
    if (received.perSecond() > 0) {
      remote.link().path().ifPresent(this::fitReadAhead);
      // So that a status tells of the path as it is: to look has it looked at again.
      var _ = remote.link().bulkPath();
    }
  }

  private void fitReadAhead(PathFigures path) {
    int fitting =
        path.rttMillis() < LONG_PATH_MILLIS ? SHORT_PATH_READ_AHEAD : LONG_PATH_READ_AHEAD;
    if (fitting != readAhead) {
      readAhead = fitting;
      kernel.readAhead(fitting);
    }
  }

  MountStatus status() {
    HostLink link = remote.link();
    HostLink.State state = link.state();
    Optional<PathFigures> path = state == HostLink.State.CONNECTED ? link.path() : Optional.empty();
    Optional<PathFigures> bulk = path.flatMap(_ -> link.bulkPath());
    return new MountStatus(
        name,
        directory(),
        source.share().toString(),
        source.host().toString(),
        MountStatus.State.valueOf(state.name()),
        path.map(PathFigures::kind).orElse(null),
        path.isPresent() ? link.carrier().orElse(null) : null,
        path.map(PathFigures::rttMillis).filter(millis -> millis >= 0).orElse(null),
        path.map(PathFigures::lossPercent).orElse(0.0),
        bulk.flatMap(PathFigures::knownController).orElse(null),
        bulk.flatMap(PathFigures::knownWindowBytes).orElse(null),
        Math.round(received.perSecond()),
        kernel.backend(),
        whyBackend,
        0,
        obstacle().or(link::trouble).orElse(null));
  }
}
