package io.wormhole.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.wormhole.protocol.control.HttpException;
import io.wormhole.protocol.control.StreamEvent;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** The control API's records as JSON, from the command's side. Made when first needed. */
final class Json {
  private @Nullable ObjectMapper mapper;

  /** A newer daemon may say more than we know. */
  private synchronized ObjectMapper mapper() {
    if (mapper == null) {
      mapper =
          JsonMapper.builder()
              .enable(SerializationFeature.WRITE_ENUMS_USING_TO_STRING)
              .enable(DeserializationFeature.READ_ENUMS_USING_TO_STRING)
              .enable(DeserializationFeature.READ_UNKNOWN_ENUM_VALUES_AS_NULL)
              .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
              .build();
    }
    return mapper;
  }

  String write(Object object) {
    try {
      return mapper().writeValueAsString(object);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a record that is no JSON: " + object.getClass(), e);
    }
  }

  byte[] writeBytes(Object object) {
    try {
      return mapper().writeValueAsBytes(object);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a record that is no JSON: " + object.getClass(), e);
    }
  }

  JsonNode tree(byte[] content) throws IOException {
    JsonNode tree = mapper().readTree(content);
    if (tree == null || !tree.isObject()) {
      throw new HttpException("an answer that is no JSON object");
    }
    return tree;
  }

  <T> T read(JsonNode tree, Class<T> type) throws IOException {
    T value = mapper().treeToValue(tree, type);
    if (value == null) {
      throw new HttpException("an empty answer");
    }
    return value;
  }

  /** The event of a line; null for one that this version does not know. */
  @Nullable StreamEvent event(JsonNode line) throws IOException {
    Class<? extends StreamEvent> type = StreamEvent.typeOf(line.path("event").asText());
    return type == null ? null : read(line, type);
  }
}
