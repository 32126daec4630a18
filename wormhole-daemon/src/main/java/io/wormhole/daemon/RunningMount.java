package io.wormhole.daemon;

import io.wormhole.daemon.fuse.KernelMount;
import io.wormhole.daemon.mount.HostLink;
import io.wormhole.daemon.mount.RemoteShare;
import io.wormhole.daemon.transport.PathFigures;
import io.wormhole.daemon.trust.Joined;
import io.wormhole.protocol.control.StatusAnswer.MountStatus;
import java.util.Optional;

/** A share that is mounted. Any thread. */
final class RunningMount {
  private final String name;
  private final Joined joined;
  private final RemoteShare remote;
  private final KernelMount kernel;
  private final String whyBackend;
  private final Meter received;

  /**
   * @param whyBackend why its backend carries it, for a person
   */
  RunningMount(
      String name,
      Joined joined,
      RemoteShare remote,
      KernelMount kernel,
      String whyBackend,
      long nowNanos) {
    this.name = name;
    this.joined = joined;
    this.remote = remote;
    this.kernel = kernel;
    this.whyBackend = whyBackend;
    this.received = new Meter(remote.link()::bytesReceived, nowNanos);
  }

  String name() {
    return name;
  }

  String directory() {
    return kernel.directory().toString();
  }

  KernelMount kernel() {
    return kernel;
  }

  RemoteShare remote() {
    return remote;
  }

  Joined joined() {
    return joined;
  }

  void tick(long nowNanos) {
    received.tick(nowNanos);
  }

  MountStatus status() {
    HostLink link = remote.link();
    HostLink.State state = link.state();
    Optional<PathFigures> path = state == HostLink.State.CONNECTED ? link.path() : Optional.empty();
    return new MountStatus(
        name,
        directory(),
        joined.share().toString(),
        joined.host().toString(),
        MountStatus.State.valueOf(state.name()),
        path.map(PathFigures::kind).orElse(null),
        path.map(PathFigures::rttMillis).filter(millis -> millis >= 0).orElse(null),
        path.map(PathFigures::lossPercent).orElse(0.0),
        Math.round(received.perSecond()),
        kernel.backend(),
        whyBackend,
        0,
        link.trouble().orElse(null));
  }
}
