package io.wormhole.protocol.control;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The start line and the fields of an HTTP/1.1 message (RFC 9112), as much of them as the control
 * API uses: one exchange a connection, bodies by length or in chunks, no trailers, no folded lines.
 *
 * @param startLine without its line end
 * @param fields by name in lower case
 */
public record HttpHead(String startLine, Map<String, String> fields) {
  public static final String LENGTH = "content-length";
  public static final String ENCODING = "transfer-encoding";

  public HttpHead {
    fields = Map.copyOf(fields);
  }

  /** A request's head; {@code bodyBytes} of body follow. */
  public static HttpHead request(String method, String path, int bodyBytes) {
    return new HttpHead(
        method + " " + path + " HTTP/1.1",
        Map.of("host", "wormhole", "content-type", "application/json", LENGTH, "" + bodyBytes));
  }

  /** An answer's head; {@code bodyBytes} of body follow. */
  public static HttpHead answer(int status, int bodyBytes) {
    return new HttpHead(
        statusLine(status),
        Map.of("content-type", "application/json", "connection", "close", LENGTH, "" + bodyBytes));
  }

  /** The head of an answer whose chunks are lines of JSON. */
  public static HttpHead stream() {
    return new HttpHead(
        statusLine(200),
        Map.of("content-type", "application/x-ndjson", "connection", "close", ENCODING, "chunked"));
  }

  public @Nullable String field(String name) {
    return fields.get(name);
  }

  /** A part of the start line, divided at blanks, or an empty string where there is none. */
  public String part(int index) {
    String[] parts = startLine.split(" ", 3);
    return index < parts.length ? parts[index] : "";
  }

  /** As on the wire, the empty line after it too. */
  public ByteBuffer encode() {
    StringBuilder text = new StringBuilder(startLine).append("\r\n");
    fields.forEach((name, value) -> text.append(name).append(": ").append(value).append("\r\n"));
    return ByteBuffer.wrap(text.append("\r\n").toString().getBytes(StandardCharsets.US_ASCII));
  }

  /**
   * Reads the lines of a head, without the empty one.
   *
   * @throws HttpException if it is none
   */
  static HttpHead parse(String text) throws HttpException {
    String[] lines = text.split("\r?\n", -1);
    if (lines[0].isBlank()) {
      throw new HttpException("a message without a start line");
    }
    Map<String, String> fields = new LinkedHashMap<>();
    for (int i = 1; i < lines.length; i++) {
      int colon = lines[i].indexOf(':');
      if (colon <= 0 || lines[i].substring(0, colon).chars().anyMatch(c -> c <= ' ')) {
        throw new HttpException("a malformed field");
      }
      String name = lines[i].substring(0, colon).toLowerCase(Locale.ROOT);
      if (fields.put(name, lines[i].substring(colon + 1).strip()) != null) {
        throw new HttpException("the field " + name + " twice");
      }
    }
    return new HttpHead(lines[0], fields);
  }

  private static String statusLine(int status) {
    return "HTTP/1.1 " + status + " " + (status < 400 ? "OK" : "Failed");
  }
}
