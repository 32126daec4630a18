package io.wormhole.daemon.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.protocol.wire.Fingerprint;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

/** Messages as a network may bring them. */
class MulticastMessageTest {
  private static final int PTR = 12;
  private static final int TXT = 16;
  private static final int SRV = 33;
  private static final String INSTANCE = "abc." + MulticastMessage.SERVICE;
  private static final Advertisement SAID =
      Advertisement.of(List.of(7), new byte[8], Fingerprint.parse("11".repeat(32)));

  private final ByteArrayOutputStream records = new ByteArrayOutputStream();
  private int count;

  private static byte[] name(String name) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (String label : name.split("\\.", -1)) {
      bytes.write(label.length());
      bytes.writeBytes(label.getBytes(StandardCharsets.ISO_8859_1));
    }
    bytes.write(0);
    return bytes.toByteArray();
  }

  private MulticastMessageTest with(String owner, int type, int life, byte[] content) {
    records.writeBytes(name(owner));
    records.writeBytes(
        ByteBuffer.allocate(10)
            .putShort((short) type)
            .putShort((short) 0x8001)
            .putInt(life)
            .putShort((short) content.length)
            .array());
    records.writeBytes(content);
    count++;
    return this;
  }

  private MulticastMessageTest service(String owner, int port, int life) {
    byte[] target = name("x.local");
    return with(
        owner,
        SRV,
        life,
        ByteBuffer.allocate(6 + target.length)
            .putInt(0)
            .putShort((short) port)
            .put(target)
            .array());
  }

  private byte[] response() {
    return ByteBuffer.allocate(12 + records.size())
        .putInt(0x8400)
        .putShort((short) 0)
        .putShort((short) count)
        .putInt(0)
        .put(records.toByteArray())
        .array();
  }

  private static Optional<MulticastMessage> parse(byte[] message) {
    return MulticastMessage.parse(message, message.length);
  }

  @Test
  void hostIsWhoHasServiceAndText() {
    byte[] message =
        with(MulticastMessage.SERVICE, PTR, 120, name(INSTANCE))
            .service(INSTANCE.toUpperCase(Locale.ROOT), 4747, 120)
            .with(INSTANCE, TXT, 120, SAID.encode())
            .service("other._http._tcp.local", 80, 120)
            .service("textless." + MulticastMessage.SERVICE, 81, 120)
            .response();
    MulticastMessage heard = parse(message).orElseThrow();
    assertThat(heard.plainQuery()).isFalse();
    assertThat(heard.hosts()).hasSize(1);
    assertThat(heard.hosts().getFirst().instance()).isEqualTo(INSTANCE);
    assertThat(heard.hosts().getFirst().port()).isEqualTo(4747);
    assertThat(heard.hosts().getFirst().advertisement().claims(7)).isTrue();
  }

  @Test
  void goodbyeAndPortZeroAreNoHost() {
    byte[] message =
        service(INSTANCE, 4747, 0)
            .with(INSTANCE, TXT, 0, SAID.encode())
            .service("z." + MulticastMessage.SERVICE, 0, 120)
            .with("z." + MulticastMessage.SERVICE, TXT, 120, SAID.encode())
            .response();
    assertThat(parse(message).orElseThrow().hosts()).isEmpty();
  }

  @Test
  void hostsOfAMessageAreBounded() {
    for (int i = 0; i < 30; i++) {
      String instance = "i" + i + "." + MulticastMessage.SERVICE;
      service(instance, 1000 + i, 120).with(instance, TXT, 120, SAID.encode());
    }
    assertThat(parse(response()).orElseThrow().hosts()).hasSize(8);
    for (int i = 0; i < 30; i++) {
      service(INSTANCE, 1, 120);
    }
    assertThat(parse(response())).isEmpty();
  }

  @Test
  void ownQueryIsPlain() {
    MulticastMessage query = parse(MulticastMessage.query()).orElseThrow();
    assertThat(query.plainQuery()).isTrue();
    assertThat(query.asked()).containsExactly(MulticastMessage.SERVICE);
  }

  @Test
  void queryWithRecordsIsNotPlain() {
    byte[] message = service(INSTANCE, 4747, 120).response();
    message[2] = 0;
    assertThat(parse(message).orElseThrow().plainQuery()).isFalse();
  }

  @Test
  void pointerThatDoesNotLeadBackIsRefused() {
    byte[] query = {0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, (byte) 0xc0, 12, 0, 12, 0, 1};
    assertThat(parse(query)).isEmpty();
    query[13] = 14;
    assertThat(parse(query)).isEmpty();
    query[13] = 0;
    assertThat(parse(query)).isPresent();
  }

  @Test
  void labelsAndNamesAreBounded() {
    String label = "a".repeat(63);
    String longest = String.join(".", label, label, label);
    assertThat(parse(service(longest, 1, 1).response())).isPresent();
    assertThat(parse(service(longest + "." + label + "." + label, 1, 1).response())).isEmpty();
  }

  @Test
  void whatIsCutShortIsRefusedWhereverItIsCut() {
    byte[] message =
        service(INSTANCE, 4747, 120).with(INSTANCE, TXT, 120, SAID.encode()).response();
    assertThat(parse(message)).isPresent();
    for (int length = 0; length < message.length; length++) {
      assertThat(MulticastMessage.parse(message, length)).as("%d bytes", length).isEmpty();
    }
    assertThat(MulticastMessage.parse(new byte[10_000], 10_000)).isEmpty();
  }

  @Property
  void anyBytesAreReadOrRefused(@ForAll @Size(max = 600) byte[] message) {
    parse(message).ifPresent(heard -> assertThat(heard.hosts()).hasSizeLessThanOrEqualTo(8));
  }

  @Property
  void oneWrongByteIsReadOrRefused(@ForAll @IntRange(max = 400) int where, @ForAll byte what) {
    byte[] message =
        service(INSTANCE, 4747, 120).with(INSTANCE, TXT, 120, SAID.encode()).response();
    message[where % message.length] = what;
    parse(message).ifPresent(heard -> assertThat(heard.hosts()).hasSizeLessThanOrEqualTo(1));
  }
}
