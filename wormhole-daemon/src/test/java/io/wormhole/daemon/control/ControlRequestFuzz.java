package io.wormhole.daemon.control;

import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ControlSocket;
import io.wormhole.protocol.control.Deadline;
import io.wormhole.protocol.control.HostRequest;
import io.wormhole.protocol.control.HttpHead;
import io.wormhole.protocol.control.HttpMessages;
import io.wormhole.protocol.control.MountRequest;
import io.wormhole.protocol.control.UnmountRequest;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

/** What comes over the control socket: an HTTP message, and the JSON in it. */
public final class ControlRequestFuzz {
  /** What a socket takes without a reader. */
  private static final int MOST_BYTES = 32 << 10;

  private static final ControlJson JSON = new ControlJson();
  private static final ServerSocketChannel SERVER = listen();

  private ControlRequestFuzz() {}

  /** The first byte: a whole message, a chunked body, or JSON alone. */
  public static void fuzzerTestOneInput(byte[] input) throws IOException {
    if (input.length == 0 || input.length > MOST_BYTES) {
      return;
    }
    byte[] rest = Arrays.copyOfRange(input, 1, input.length);
    if ((input[0] & 1) != 0) {
      json(rest);
      return;
    }
    try (SocketChannel sender = SocketChannel.open(SERVER.getLocalAddress());
        ControlSocket socket = new ControlSocket(SERVER.accept())) {
      ByteBuffer bytes = ByteBuffer.wrap(rest);
      while (bytes.hasRemaining()) {
        sender.write(bytes);
      }
      sender.shutdownOutput();
      HttpMessages messages = new HttpMessages(socket);
      Deadline deadline = Deadline.in(Duration.ofSeconds(20));
      HttpHead head = messages.readHead(deadline);
      if (head == null) {
        return;
      }
      if (head.field(HttpHead.ENCODING) != null) {
        while (messages.readChunk(deadline) != null) {
          // On to the next one.
        }
      } else {
        json(messages.readBody(head, deadline));
      }
    } catch (java.net.SocketTimeoutException hangs) {
      throw new AssertionError("waits for what cannot come", hangs);
    } catch (IOException refused) {
      if (refused.getMessage() == null) {
        throw new AssertionError("refused without words", refused);
      }
    }
  }

  private static void json(byte[] body) {
    for (Class<?> type : List.of(HostRequest.class, MountRequest.class, UnmountRequest.class)) {
      try {
        JSON.read(body, type);
      } catch (ControlException refused) {
        if (refused.getMessage() == null) {
          throw new AssertionError("refused without words", refused);
        }
      }
    }
  }

  public static List<byte[]> seeds() {
    String json =
        "{\"directory\":\"/x\",\"once\":false,\"excludes\":[\"*.key\"],\"onlyNew\":false,\"detached\":true}";
    return List.of(
        ("\0POST /v1/shares HTTP/1.1\r\nhost: wormhole\r\ncontent-length: "
                + json.length()
                + "\r\n\r\n"
                + json)
            .getBytes(StandardCharsets.UTF_8),
        "\0GET /v1/status HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
            .getBytes(StandardCharsets.UTF_8),
        ("\1" + json).getBytes(StandardCharsets.UTF_8),
        "\1{\"code\":\"7KQ2-M4XR-9TDG\",\"peer\":null,\"ramBytes\":1e99}"
            .getBytes(StandardCharsets.UTF_8));
  }

  private static ServerSocketChannel listen() {
    try {
      Path folder = Files.createTempDirectory("fuzz");
      Path at = folder.resolve("s");
      ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
      server.bind(UnixDomainSocketAddress.of(at));
      folder.toFile().deleteOnExit();
      at.toFile().deleteOnExit();
      return server;
    } catch (IOException full) {
      throw new java.io.UncheckedIOException(full);
    }
  }
}
