package io.wormhole.protocol.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
class ControlMessagesTest {
  private static final Duration LONG = Duration.ofSeconds(20);
  private static final Duration SHORT = Duration.ofMillis(20);

  @TempDir Path folder;
  private ControlSocket near;
  private ControlSocket far;

  @BeforeEach
  void connect() throws IOException {
    Path path = folder.resolve("socket");
    try (ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      listener.bind(UnixDomainSocketAddress.of(path));
      near = ControlSocket.connect(path);
      far = new ControlSocket(listener.accept());
    }
  }

  @AfterEach
  void close() throws IOException {
    near.close();
    far.close();
  }

  @Test
  void messageArrivesAsItWasSent() throws IOException {
    byte[] body = "{\"a\":\"ü\"}".getBytes(StandardCharsets.UTF_8);
    near.write(HttpHead.request("POST", "/v1/x", body.length).encode(), Deadline.in(LONG));
    near.write(ByteBuffer.wrap(body), Deadline.in(LONG));

    HttpMessages messages = new HttpMessages(far);
    HttpHead head = messages.readHead(Deadline.in(LONG));

    assertThat(head).isNotNull();
    assertThat(List.of(head.part(0), head.part(1))).containsExactly("POST", "/v1/x");
    assertThat(messages.readBody(head, Deadline.in(LONG))).isEqualTo(body);
  }

  @Test
  void chunksArriveOneByOneUntilTheLast() throws IOException {
    byte[] large = new byte[300_000];
    CompletableFuture<Void> sent =
        CompletableFuture.runAsync(() -> {
          try {
            near.write(HttpMessages.chunk(new byte[] {1, 2}), Deadline.in(LONG));
            near.write(HttpMessages.chunk(large), Deadline.in(LONG));
            near.write(HttpMessages.chunk(new byte[0]), Deadline.in(LONG));
          } catch (IOException e) {
            throw new IllegalStateException(e);
          }
        });

    HttpMessages messages = new HttpMessages(far);

    assertThat(messages.readChunk(Deadline.in(LONG))).containsExactly(1, 2);
    assertThat(messages.readChunk(Deadline.in(LONG))).hasSize(large.length);
    assertThat(messages.readChunk(Deadline.in(LONG))).isNull();
    sent.join();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "GET / HTTP/1.1\r\ncontent-length: 2000000\r\n\r\n",
        "GET / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        "GET / HTTP/1.1\r\ncontent-length: x\r\n\r\n",
        "GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\na: 1\r\nA: 2\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\n folded: 1\r\n\r\n",
        "\r\n"
      })
  void whatIsNoMessageIsRefused(String text) throws IOException {
    near.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII)), Deadline.in(LONG));
    HttpMessages messages = new HttpMessages(far);

    assertThatThrownBy(
            () -> {
              HttpHead head = messages.readHead(Deadline.in(LONG));
              assertThat(head).isNotNull();
              messages.readBody(head, Deadline.in(LONG));
            })
        .isInstanceOf(HttpException.class);
  }

  @Test
  void endlessHeadIsRefused() throws IOException {
    near.write(ByteBuffer.wrap(new byte[20_000]), Deadline.in(LONG));

    assertThatThrownBy(() -> new HttpMessages(far).readHead(Deadline.in(LONG)))
        .isInstanceOf(HttpException.class);
  }

  @Test
  void silenceEndsAtTheDeadline() {
    assertThatThrownBy(() -> new HttpMessages(far).readHead(Deadline.in(SHORT)))
        .isInstanceOf(SocketTimeoutException.class);
  }

  @Test
  void closedConnectionIsTheEndBetweenMessages() throws IOException {
    near.close();

    assertThat(new HttpMessages(far).readHead(Deadline.in(LONG))).isNull();
  }

  @Test
  void wakeupIsNoInputEvenAfterEarlierInput() throws IOException {
    near.write(ByteBuffer.wrap(new byte[] {1}), Deadline.in(LONG));
    assertThat(far.awaitInput(LONG)).isTrue();
    assertThat(far.read(ByteBuffer.allocate(10), Deadline.in(LONG))).isEqualTo(1);

    far.wakeup();

    assertThat(far.awaitInput(LONG)).isFalse();
  }

  @Test
  void endOfOutputIsInputOfTheOtherEnd() throws IOException {
    near.endOutput();

    assertThat(far.awaitInput(LONG)).isTrue();
    assertThat(far.read(ByteBuffer.allocate(10), Deadline.in(LONG))).isEqualTo(-1);
  }

  @Test
  void offersToAnEndThatDoesNotReadAreDroppedWhole() throws IOException {
    byte[] line = new byte[10_000];
    int taken = 0;
    while (near.offer(HttpMessages.chunk(line))) {
      taken++;
    }
    assertThat(taken).isPositive();

    HttpMessages messages = new HttpMessages(far);
    for (int i = 0; i < taken; i++) {
      near.awaitInput(Duration.ofMillis(1));
      assertThat(messages.readChunk(Deadline.in(LONG))).hasSize(line.length);
    }
    assertThatThrownBy(() -> messages.readChunk(Deadline.in(SHORT)))
        .isInstanceOf(SocketTimeoutException.class);
  }

  @Test
  void mountTableIsReadWithItsEscapes() {
    assertThat(
            MountTable.parse(
                "36 35 0:53 / /home/a\\040b\\134c ro,nosuid shared:1 - fuse.wormhole my\\040share ro"))
        .contains(new MountTable.Mount("0:53", "/home/a b\\c", "fuse.wormhole", "my share"));
    assertThat(MountTable.parse("36 35 0:53 / /home rw - ext4 /dev/sda rw"))
        .hasValueSatisfying(mount -> assertThat(mount.isOwn()).isFalse());
    assertThat(MountTable.parse("nonsense")).isEmpty();
  }

  @Test
  void exitCodesAreThoseThatScriptsKnow() {
    assertThat(ErrorKind.MISTYPED_CODE.exitCode()).isEqualTo(2);
    assertThat(ErrorKind.UNKNOWN_CODE.exitCode()).isEqualTo(3);
    assertThat(ErrorKind.WRONG_CODE.exitCode()).isEqualTo(3);
    assertThat(ErrorKind.UNREACHABLE.exitCode()).isEqualTo(4);
    assertThat(ErrorKind.MISSING_PREREQUISITE.exitCode()).isEqualTo(5);
    assertThat(ErrorKind.NO_SUCH_FOLDER.exitCode()).isEqualTo(1);
    assertThat(ErrorKind.values()).extracting(ErrorKind::toString).doesNotHaveDuplicates();
  }
}
