package io.wormhole.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.wormhole.protocol.control.ControlError;
import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ControlSocket;
import io.wormhole.protocol.control.Deadline;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.HttpMessages;
import io.wormhole.protocol.control.StreamEvent;
import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The lines of a streamed answer. One thread reads; any thread may end or close it. */
final class EventStream implements Closeable {
  private final ControlSocket socket;
  private final HttpMessages messages;
  private final Json json;

  EventStream(ControlSocket socket, HttpMessages messages, Json json) {
    this.socket = socket;
    this.messages = messages;
    this.json = json;
  }

  /**
   * A line.
   *
   * @param event what it says; null for what this version does not know
   * @param text as it came, without its end
   */
  record Line(@Nullable StreamEvent event, String text) {}

  /**
   * Waits for the next line.
   *
   * @return null after the last
   * @throws ControlException the failure that the daemon ends the stream with, or that it has gone
   */
  @Nullable Line next(Duration limit) throws ControlException {
    try {
      byte[] chunk = messages.readChunk(Deadline.in(limit));
      if (chunk == null) {
        return null;
      }
      JsonNode line = json.tree(chunk);
      if (line.has("error")) {
        throw new ControlException(json.read(line.path("error"), ControlError.class));
      }
      String text = new String(chunk, StandardCharsets.UTF_8).strip();
      return new Line(json.event(line), text);
    } catch (IOException e) {
      throw new ControlException(
          ErrorKind.DAEMON_UNAVAILABLE,
          "the daemon does not go on: " + e.getMessage(),
          "wormhole daemon status",
          e);
    }
  }

  /** Says that we have gone; the lines that are still to come can be read. */
  void leave() throws IOException {
    socket.endOutput();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
