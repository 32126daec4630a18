package io.wormhole.daemon.control;

import io.wormhole.protocol.control.CacheEvent;
import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ControlPaths;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.HostRequest;
import io.wormhole.protocol.control.MountEvent;
import io.wormhole.protocol.control.MountRequest;
import io.wormhole.protocol.control.PeerRequest;
import io.wormhole.protocol.control.PinRequest;
import io.wormhole.protocol.control.PinsAnswer;
import io.wormhole.protocol.control.RenamePeerRequest;
import io.wormhole.protocol.control.ResizeCacheRequest;
import io.wormhole.protocol.control.ShareEvent;
import io.wormhole.protocol.control.StatusAnswer;
import io.wormhole.protocol.control.StopAnswer;
import io.wormhole.protocol.control.StopSharingRequest;
import io.wormhole.protocol.control.UnmountRequest;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The table of what can be asked, and how each question is answered. Any thread. */
final class Routes {
  private static final Logger LOG = LoggerFactory.getLogger(Routes.class);
  private static final Duration SECOND = Duration.ofSeconds(1);
  private static final Duration STATUS_LIMIT = Duration.ofSeconds(5);

  /** A look at files of the state folder, or a change of one. */
  private static final Duration CHANGE_LIMIT = Duration.ofSeconds(10);

  private static final Duration HOST_LIMIT = Duration.ofSeconds(30);

  /** Joining, which has limits of its own, and mounting. */
  private static final Duration MOUNT_LIMIT = Duration.ofSeconds(60);

  /** A disk cache is looked through, or grows smaller. */
  private static final Duration CACHE_LIMIT = Duration.ofMinutes(2);

  /** All of a disk is read. */
  private static final Duration VERIFY_LIMIT = Duration.ofHours(24);

  /** All of a share is fetched. */
  private static final Duration FETCH_LIMIT = Duration.ofDays(7);

  private static final Duration UNMOUNT_LIMIT = Duration.ofSeconds(40);

  private final DaemonServices services;
  private final DaemonStop stop;
  private final OwnProcess process;
  private final List<Route> table =
      List.of(
          new Route("GET", ControlPaths.STATUS, this::status),
          new Route("POST", ControlPaths.SHARES, this::host),
          new Route("POST", ControlPaths.STOP_SHARING, this::stopSharing),
          new Route("GET", ControlPaths.PEERS, this::peers),
          new Route("POST", ControlPaths.FORGET, this::forgetPeer),
          new Route("POST", ControlPaths.REVOKE, this::revokePeer),
          new Route("POST", ControlPaths.RENAME, this::renamePeer),
          new Route("POST", ControlPaths.MOUNTS, this::mount),
          new Route("POST", ControlPaths.UNMOUNT, this::unmount),
          new Route("GET", ControlPaths.CACHE, this::cache),
          new Route("POST", ControlPaths.VERIFY_CACHE, this::verifyCache),
          new Route("POST", ControlPaths.CLEAR_CACHE, this::clearCache),
          new Route("POST", ControlPaths.COLLECT_CACHE, this::collectCache),
          new Route("POST", ControlPaths.RESIZE_CACHE, this::resizeCache),
          new Route("GET", ControlPaths.PINS, this::pins),
          new Route("POST", ControlPaths.PIN, this::pin),
          new Route("POST", ControlPaths.WARM, this::warm),
          new Route("POST", ControlPaths.UNPIN, this::unpin),
          new Route("POST", ControlPaths.STOP, this::stop));

  Routes(DaemonServices services, DaemonStop stop, OwnProcess process) {
    this.services = services;
    this.stop = stop;
    this.process = process;
  }

  /** Answers a question; the answer goes out through the exchange. */
  private interface Handler {
    void handle(Exchange exchange) throws IOException, ControlException;
  }

  private record Route(String method, String path, Handler handler) {}

  void handle(String method, String path, Exchange exchange) throws IOException, ControlException {
    for (Route route : table) {
      if (route.path().equals(path) && route.method().equals(method)) {
        route.handler().handle(exchange);
        return;
      }
    }
    throw new ControlException(
        ErrorKind.USAGE,
        "the daemon does not know this request",
        "if command and daemon are of different versions: wormhole daemon stop");
  }

  private void status(Exchange exchange) throws IOException, ControlException {
    exchange.answer(
        exchange.await(
            () ->
                new StatusAnswer(
                    process.status(), services.shares(), services.mounts(), services.cache()),
            STATUS_LIMIT,
            _ -> {}));
  }

  private void unmount(Exchange exchange) throws IOException, ControlException {
    UnmountRequest request = exchange.request(UnmountRequest.class);
    exchange.answer(exchange.await(() -> services.unmount(request), UNMOUNT_LIMIT, _ -> {}));
  }

  private void stopSharing(Exchange exchange) throws IOException, ControlException {
    StopSharingRequest request = exchange.request(StopSharingRequest.class);
    answer(exchange, () -> services.stopSharing(request));
  }

  private void peers(Exchange exchange) throws IOException, ControlException {
    answer(exchange, services::peers);
  }

  private void forgetPeer(Exchange exchange) throws IOException, ControlException {
    String peer = exchange.request(PeerRequest.class).peer();
    answer(exchange, () -> services.forgetPeer(peer));
  }

  private void revokePeer(Exchange exchange) throws IOException, ControlException {
    String peer = exchange.request(PeerRequest.class).peer();
    answer(exchange, () -> services.revokePeer(peer));
  }

  private void renamePeer(Exchange exchange) throws IOException, ControlException {
    RenamePeerRequest request = exchange.request(RenamePeerRequest.class);
    answer(exchange, () -> services.renamePeer(request.peer(), request.name()));
  }

  private void cache(Exchange exchange) throws IOException, ControlException {
    answer(exchange, services::cache);
  }

  private void clearCache(Exchange exchange) throws IOException, ControlException {
    exchange.answer(exchange.await(services::clearCache, CACHE_LIMIT, _ -> {}));
  }

  private void collectCache(Exchange exchange) throws IOException, ControlException {
    exchange.answer(exchange.await(services::collectCache, CACHE_LIMIT, _ -> {}));
  }

  private void resizeCache(Exchange exchange) throws IOException, ControlException {
    ResizeCacheRequest request = exchange.request(ResizeCacheRequest.class);
    exchange.answer(exchange.await(() -> services.resizeCache(request), CACHE_LIMIT, _ -> {}));
  }

  private void verifyCache(Exchange exchange) throws IOException, ControlException {
    long dropped =
        exchange.await(
            () -> services.verifyCache(part -> exchange.post(new CacheEvent.Verifying(part))),
            VERIFY_LIMIT,
            _ -> {});
    exchange.sendWaiting();
    exchange.send(new CacheEvent.Verified(dropped));
    exchange.end();
  }

  private void pins(Exchange exchange) throws IOException, ControlException {
    answer(exchange, services::pins);
  }

  private void pin(Exchange exchange) throws IOException, ControlException {
    PinRequest request = exchange.request(PinRequest.class);
    fetch(exchange, () -> services.pin(request, exchange::post));
  }

  private void warm(Exchange exchange) throws IOException, ControlException {
    PinRequest request = exchange.request(PinRequest.class);
    fetch(exchange, () -> services.warm(request, exchange::post));
  }

  private static void fetch(Exchange exchange, Callable<PinsAnswer.Pin> work)
      throws IOException, ControlException {
    PinsAnswer.Pin fetched = exchange.await(work, FETCH_LIMIT, _ -> {});
    exchange.sendWaiting();
    exchange.send(new CacheEvent.Fetched(fetched));
    exchange.end();
  }

  private void unpin(Exchange exchange) throws IOException, ControlException {
    PinRequest request = exchange.request(PinRequest.class);
    exchange.answer(exchange.await(() -> services.unpin(request), CACHE_LIMIT, _ -> {}));
  }

  private static void answer(Exchange exchange, Callable<?> work)
      throws IOException, ControlException {
    exchange.answer(exchange.await(work::call, CHANGE_LIMIT, _ -> {}));
  }

  private void stop(Exchange exchange) throws IOException {
    exchange.answer(new StopAnswer(process.pid()));
    stop.request("wormhole daemon stop");
  }

  private void host(Exchange exchange) throws IOException, ControlException {
    HostRequest request = exchange.request(HostRequest.class);
    HostedShare share =
        exchange.await(
            () -> {
              SharedFolder.check(Path.of(request.directory()));
              return services.host(request, exchange::post);
            },
            HOST_LIMIT,
            HostedShare::close);
    if (request.detached()) {
      handOver(exchange, share);
      return;
    }
    String reason;
    try (share) {
      exchange.send(share.answer());
      reason = serve(exchange, share);
    }
    exchange.send(new ShareEvent.Ended(reason));
    exchange.end();
  }

  /** The share is the daemon's, once whoever asked for it knows its code. */
  private static void handOver(Exchange exchange, HostedShare share) throws IOException {
    boolean told = false;
    try {
      exchange.send(share.answer());
      told = true;
    } finally {
      if (!told) {
        share.close();
      }
    }
    exchange.end();
  }

  /** Until the owner or the daemon goes; says which. */
  private String serve(Exchange exchange, HostedShare share) throws IOException {
    CompletableFuture<String> stopped = stop.requested().whenComplete((_, _) -> exchange.wake());
    long next = System.nanoTime() + SECOND.toNanos();
    while (!stopped.isDone()) {
      exchange.sendWaiting();
      long wait = next - System.nanoTime();
      if (wait <= 0) {
        exchange.sendOrDrop(share.throughput());
        next += SECOND.toNanos();
        continue;
      }
      try {
        exchange.listen(Duration.ofNanos(wait));
      } catch (Exchange.GoneException e) {
        LOG.info("{}: the owner has gone", share.answer());
        return "its owner has gone";
      }
    }
    return "the daemon ends";
  }

  private void mount(Exchange exchange) throws IOException, ControlException {
    MountRequest request = exchange.request(MountRequest.class);
    MountedShare mounted =
        exchange.await(
            () -> {
              if (request.directory() != null) {
                var _ = MountPoint.check(Path.of(request.directory()));
              }
              return services.mount(request, text -> exchange.post(new MountEvent.Progress(text)));
            },
            MOUNT_LIMIT,
            this::abandon);
    try {
      exchange.sendWaiting();
      exchange.send(mounted.answer());
      if (request.foreground()) {
        CompletableFuture<String> ended = mounted.ended().whenComplete((_, _) -> exchange.wake());
        while (!ended.isDone()) {
          exchange.listen(SECOND);
        }
        exchange.send(new MountEvent.Unmounted(ended.join()));
      }
    } catch (IOException e) {
      abandon(mounted);
      throw e;
    }
    exchange.end();
  }

  /** Whoever asked for the mount will never know that it is there. */
  private void abandon(MountedShare mounted) {
    String directory = mounted.answer().directory();
    try {
      services.unmount(new UnmountRequest(null, directory, false));
    } catch (ControlException e) {
      LOG.warn("{} stays mounted without its owner: {}", directory, e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
