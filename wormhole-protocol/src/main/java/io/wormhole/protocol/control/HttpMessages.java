package io.wormhole.protocol.control;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Reads HTTP/1.1 messages (RFC 9112) from a control socket, each part within a bound and a
 * deadline. Used by the thread that uses the socket.
 */
public final class HttpMessages {
  /** A line of JSON, a request or an answer is never longer. */
  public static final int BODY_BYTES_MAX = 1 << 20;

  private static final int HEAD_BYTES_MAX = 8 << 10;
  private static final int CHUNK_LINE_BYTES_MAX = 64;

  private final ControlSocket socket;
  private final ByteBuffer buffer = ByteBuffer.allocate(8 << 10).flip();

  public HttpMessages(ControlSocket socket) {
    this.socket = socket;
  }

  /**
   * Reads the head of a message.
   *
   * @return null if the other end closed instead
   * @throws HttpException if it is none, or too long
   */
  public @Nullable HttpHead readHead(Deadline deadline) throws IOException {
    StringBuilder text = new StringBuilder();
    while (true) {
      String line = readLine(HEAD_BYTES_MAX - text.length(), deadline);
      if (line == null) {
        if (text.isEmpty()) {
          return null;
        }
        throw new EOFException("the other end closed within a message");
      }
      if (line.isEmpty()) {
        return HttpHead.parse(text.toString());
      }
      text.append(text.isEmpty() ? "" : "\n").append(line);
    }
  }

  /**
   * Reads the body that the head announces by its length; none is an empty one.
   *
   * @throws HttpException if it comes in chunks, or is too long
   */
  public byte[] readBody(HttpHead head, Deadline deadline) throws IOException {
    if (head.field(HttpHead.ENCODING) != null) {
      throw new HttpException("a body of a length is expected here");
    }
    String announced = head.field(HttpHead.LENGTH);
    return readBytes(announced == null ? 0 : length(announced, 10), deadline);
  }

  /**
   * Reads the next chunk of a chunked body.
   *
   * @return null after the last, or if the other end has closed
   */
  public byte @Nullable [] readChunk(Deadline deadline) throws IOException {
    String line = readLine(CHUNK_LINE_BYTES_MAX, deadline);
    if (line == null) {
      return null;
    }
    int extension = line.indexOf(';');
    int bytes = length((extension < 0 ? line : line.substring(0, extension)).strip(), 16);
    byte[] chunk = readBytes(bytes, deadline);
    String end = readLine(CHUNK_LINE_BYTES_MAX, deadline);
    if (end != null && !end.isEmpty()) {
      throw new HttpException("a chunk longer than it says");
    }
    return bytes == 0 ? null : chunk;
  }

  /** A chunk as on the wire; without bytes it is the last. */
  public static ByteBuffer chunk(byte[] bytes) {
    byte[] size = (Integer.toHexString(bytes.length) + "\r\n").getBytes(StandardCharsets.US_ASCII);
    return ByteBuffer.allocate(size.length + bytes.length + 2)
        .put(size)
        .put(bytes)
        .put((byte) '\r')
        .put((byte) '\n')
        .flip();
  }

  private static int length(String digits, int radix) throws HttpException {
    int length;
    try {
      length = Integer.parseUnsignedInt(digits, radix);
    } catch (NumberFormatException e) {
      throw new HttpException("a malformed length");
    }
    if (length < 0 || length > BODY_BYTES_MAX) {
      throw new HttpException("a body of more than " + BODY_BYTES_MAX + " bytes");
    }
    return length;
  }

  private byte[] readBytes(int count, Deadline deadline) throws IOException {
    byte[] bytes = new byte[count];
    for (int done = 0; done < count; ) {
      if (!fill(deadline)) {
        throw new EOFException("the other end closed within a message");
      }
      int part = Math.min(count - done, buffer.remaining());
      buffer.get(bytes, done, part);
      done += part;
    }
    return bytes;
  }

  private @Nullable String readLine(int bytesMax, Deadline deadline) throws IOException {
    StringBuilder line = new StringBuilder();
    while (line.length() < bytesMax) {
      if (!fill(deadline)) {
        if (line.isEmpty()) {
          return null;
        }
        throw new EOFException("the other end closed within a line");
      }
      char c = (char) (buffer.get() & 0xff);
      if (c == '\n') {
        int end = line.length();
        return line.substring(0, end > 0 && line.charAt(end - 1) == '\r' ? end - 1 : end);
      }
      line.append(c);
    }
    throw new HttpException("a head or a line that is too long");
  }

  /** Whether there is a byte to take; false at the end. */
  private boolean fill(Deadline deadline) throws IOException {
    if (buffer.hasRemaining()) {
      return true;
    }
    buffer.clear();
    try {
      return socket.read(buffer, deadline) > 0;
    } finally {
      buffer.flip();
    }
  }
}
