package io.wormhole.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.wormhole.protocol.control.ControlError;
import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ControlSocket;
import io.wormhole.protocol.control.Deadline;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.Folders;
import io.wormhole.protocol.control.HttpException;
import io.wormhole.protocol.control.HttpHead;
import io.wormhole.protocol.control.HttpMessages;
import io.wormhole.protocol.control.PrivateFolder;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Optional;

/** Asks the daemon of a home. Each question is a connection of its own, with a deadline. */
final class ControlClient {
  private static final Duration WRITE_LIMIT = Duration.ofSeconds(5);

  private final Folders folders;
  private final Json json;

  ControlClient(Folders folders, Json json) {
    this.folders = folders;
    this.json = json;
  }

  /** Whether a daemon takes connections. */
  boolean daemonListens() throws ControlException {
    try (ControlSocket socket = connect().orElse(null)) {
      return socket != null;
    } catch (IOException e) {
      throw silent(e);
    }
  }

  /** The answer's bytes, a JSON object; empty where no daemon runs. */
  Optional<byte[]> get(String path, Duration limit) throws ControlException {
    return exchange(HttpHead.request("GET", path, 0), new byte[0], limit);
  }

  /**
   * The answer to a request.
   *
   * @throws ControlException also where no daemon runs
   */
  <T> T post(String path, Object request, Class<T> answer, Duration limit) throws ControlException {
    byte[] body = json.writeBytes(request);
    byte[] content =
        exchange(HttpHead.request("POST", path, body.length), body, limit)
            .orElseThrow(ControlClient::noDaemon);
    return read(content, answer);
  }

  <T> T read(byte[] content, Class<T> type) throws ControlException {
    try {
      return json.read(json.tree(content), type);
    } catch (IOException e) {
      throw notUnderstood(e);
    }
  }

  /**
   * Asks for a stream of events; the caller closes it.
   *
   * @param limit for the first line
   * @throws ControlException also where no daemon runs, or the first answer is a failure
   */
  EventStream open(String path, Object request, Duration limit) throws ControlException {
    byte[] body = json.writeBytes(request);
    ControlSocket socket = connect().orElseThrow(ControlClient::noDaemon);
    boolean opened = false;
    try {
      Deadline deadline = Deadline.in(limit);
      send(socket, HttpHead.request("POST", path, body.length), body);
      HttpMessages messages = new HttpMessages(socket);
      HttpHead head = head(messages, deadline);
      if (head.field(HttpHead.ENCODING) == null) {
        throw failure(head, messages.readBody(head, deadline));
      }
      opened = true;
      return new EventStream(socket, messages, json);
    } catch (IOException e) {
      throw silent(e);
    } finally {
      if (!opened) {
        closeQuietly(socket);
      }
    }
  }

  /** A folder that others may enter may hold a socket of theirs. */
  private Optional<ControlSocket> connect() throws ControlException {
    if (Files.notExists(folders.socket())) {
      return Optional.empty();
    }
    PrivateFolder.check(folders.run());
    try {
      return Optional.of(ControlSocket.connect(folders.socket()));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private Optional<byte[]> exchange(HttpHead request, byte[] body, Duration limit)
      throws ControlException {
    try (ControlSocket socket = connect().orElse(null)) {
      if (socket == null) {
        return Optional.empty();
      }
      Deadline deadline = Deadline.in(limit);
      send(socket, request, body);
      HttpMessages messages = new HttpMessages(socket);
      HttpHead head = head(messages, deadline);
      byte[] content = messages.readBody(head, deadline);
      if (!head.part(1).equals("200")) {
        throw failure(head, content);
      }
      return Optional.of(content);
    } catch (IOException e) {
      throw silent(e);
    }
  }

  private static void send(ControlSocket socket, HttpHead head, byte[] body) throws IOException {
    Deadline deadline = Deadline.in(WRITE_LIMIT);
    socket.write(head.encode(), deadline);
    socket.write(ByteBuffer.wrap(body), deadline);
  }

  private static HttpHead head(HttpMessages messages, Deadline deadline) throws IOException {
    HttpHead head = messages.readHead(deadline);
    if (head == null) {
      throw new HttpException("the daemon closed without an answer");
    }
    return head;
  }

  private ControlException failure(HttpHead head, byte[] content) {
    try {
      JsonNode error = json.tree(content).path("error");
      return new ControlException(json.read(error, ControlError.class));
    } catch (IOException e) {
      return notUnderstood(new HttpException(head.startLine()));
    }
  }

  private static void closeQuietly(ControlSocket socket) throws ControlException {
    try {
      socket.close();
    } catch (IOException e) {
      throw notUnderstood(e);
    }
  }

  static ControlException noDaemon() {
    return new ControlException(
        ErrorKind.DAEMON_UNAVAILABLE, "no daemon is running", "start it: wormhole daemon start");
  }

  private static ControlException notUnderstood(IOException e) {
    return new ControlException(
        ErrorKind.DAEMON_UNAVAILABLE,
        "the daemon's answer was not understood: " + e.getMessage(),
        "if command and daemon are of different versions: wormhole daemon stop",
        e);
  }

  private ControlException silent(IOException e) {
    String what = e instanceof SocketTimeoutException ? "does not answer" : "has gone";
    return new ControlException(
        ErrorKind.DAEMON_UNAVAILABLE,
        "the daemon " + what + ": " + e.getMessage(),
        "its log is " + folders.log(),
        e);
  }
}
