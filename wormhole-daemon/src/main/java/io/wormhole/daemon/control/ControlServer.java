package io.wormhole.daemon.control;

import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ControlSocket;
import io.wormhole.protocol.control.Deadline;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.HttpException;
import io.wormhole.protocol.control.HttpHead;
import io.wormhole.protocol.control.HttpMessages;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import jdk.net.ExtendedSocketOptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The control socket: HTTP/1.1 and JSON over a Unix socket, one exchange a connection. Connections,
 * their sizes and their times are bounded; only the daemon's own user and root are let in.
 */
public final class ControlServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ControlServer.class);
  private static final int CONNECTIONS_MAX = 64;
  private static final Duration REQUEST_LIMIT = Duration.ofSeconds(5);
  private static final Duration CLOSE_LIMIT = Duration.ofSeconds(2);

  private final Path path;
  private final ServerSocketChannel listener;
  private final UserPrincipal owner;
  private final Routes routes;
  private final ControlJson json = new ControlJson();
  private final ExecutorService connections =
      new ThreadPoolExecutor(
          0,
          CONNECTIONS_MAX,
          10,
          TimeUnit.SECONDS,
          new SynchronousQueue<>(),
          Thread.ofPlatform().daemon().name("control-", 0).factory());

  private ControlServer(Path path, ServerSocketChannel listener, Routes routes) throws IOException {
    this.path = path;
    this.listener = listener;
    this.owner = Files.getOwner(path);
    this.routes = routes;
  }

  /**
   * Listens at a path, where nothing is left from an earlier daemon.
   *
   * @param path in a folder that only its owner may enter: the socket's own mode comes after
   * @param stop what a request to stop is handed to; the owners of shares are told when it comes
   */
  public static ControlServer open(
      Path path, DaemonServices services, DaemonStop stop, InstantSource clock) throws IOException {
    ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    try {
      listener.bind(UnixDomainSocketAddress.of(path), CONNECTIONS_MAX);
      Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
      Routes routes = new Routes(services, stop, new OwnProcess(clock));
      ControlServer server = new ControlServer(path, listener, routes);
      Thread.ofPlatform().daemon().name("control-accept").start(server::accept);
      return server;
    } catch (IOException e) {
      listener.close();
      throw e;
    }
  }

  /** The socket. */
  public Path path() {
    return path;
  }

  /** Takes no more requests and ends those there are; returns within three seconds. */
  @Override
  public void close() throws IOException {
    listener.close();
    Files.deleteIfExists(path);
    connections.shutdown();
    try {
      if (!connections.awaitTermination(CLOSE_LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
        connections.shutdownNow();
      }
    } catch (InterruptedException e) {
      connections.shutdownNow();
      Thread.currentThread().interrupt();
    }
  }

  private void accept() {
    while (true) {
      try {
        SocketChannel channel = listener.accept();
        try {
          connections.execute(() -> serve(channel));
        } catch (RejectedExecutionException e) {
          LOG.warn("a control connection was refused: {} are open", CONNECTIONS_MAX);
          channel.close();
        }
      } catch (ClosedChannelException e) {
        LOG.debug("the control socket is closed");
        return;
      } catch (IOException e) {
        LOG.error("the control socket takes no more connections", e);
        return;
      }
    }
  }

  private void serve(SocketChannel channel) {
    try (ControlSocket socket = new ControlSocket(channel)) {
      HttpMessages messages = new HttpMessages(socket);
      Deadline deadline = Deadline.in(REQUEST_LIMIT);
      HttpHead head = messages.readHead(deadline);
      if (head == null) {
        return;
      }
      Exchange exchange = new Exchange(socket, json, messages.readBody(head, deadline));
      try {
        admit(channel);
        routes.handle(head.part(0), head.part(1), exchange);
      } catch (ControlException e) {
        LOG.info("{} {}: {}", head.part(0), head.part(1), e.getMessage());
        exchange.fail(e.error());
      }
    } catch (HttpException e) {
      LOG.warn("a control connection was closed: {}", e.getMessage());
    } catch (IOException e) {
      LOG.debug("a control connection ended: {}", e.getMessage());
    }
  }

  /** The folder's mode keeps others out already; the kernel's word on who it is costs nothing. */
  private void admit(SocketChannel channel) throws IOException, ControlException {
    if (!channel.supportedOptions().contains(ExtendedSocketOptions.SO_PEERCRED)) {
      return;
    }
    UserPrincipal peer = channel.getOption(ExtendedSocketOptions.SO_PEERCRED).user();
    if (!peer.equals(owner) && !peer.getName().equals("root")) {
      throw new ControlException(
          ErrorKind.NOT_AUTHORISED, "this daemon is another user's: " + owner.getName(), null);
    }
  }
}
