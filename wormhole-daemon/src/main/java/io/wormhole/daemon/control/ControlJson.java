package io.wormhole.daemon.control;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.StreamEvent;
import java.io.IOException;
import java.util.Arrays;

/** The control API's records as JSON, from the daemon's side. Any thread. */
final class ControlJson {
  /** A request with a key that is not known asks for something this daemon does not do. */
  private final ObjectMapper mapper =
      JsonMapper.builder()
          .enable(SerializationFeature.WRITE_ENUMS_USING_TO_STRING)
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .build();

  byte[] write(Object answer) {
    try {
      return mapper.writeValueAsBytes(answer);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a record that is no JSON: " + answer.getClass(), e);
    }
  }

  /** A line of a stream, its end included. */
  byte[] writeLine(StreamEvent event) {
    ObjectNode line = JsonNodeFactory.instance.objectNode().put("event", event.event());
    line.setAll((ObjectNode) mapper.valueToTree(event));
    byte[] json = write(line);
    byte[] ended = Arrays.copyOf(json, json.length + 1);
    ended[json.length] = '\n';
    return ended;
  }

  <T> T read(byte[] body, Class<T> type) throws ControlException {
    try {
      T value = mapper.readValue(body, type);
      if (value == null) {
        throw new ControlException(ErrorKind.USAGE, "the request is empty", null);
      }
      return value;
    } catch (IOException e) {
      String reason =
          e instanceof JsonProcessingException json ? json.getOriginalMessage() : e.toString();
      throw new ControlException(
          ErrorKind.USAGE,
          "the daemon does not understand the request: " + reason,
          "if command and daemon are of different versions: wormhole daemon stop",
          e);
    }
  }
}
