package io.wormhole.daemon.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.protocol.join.JoinCode;
import io.wormhole.protocol.wire.Fingerprint;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class AdvertisementTest {
  private static final Fingerprint HOST = Fingerprint.parse("ab".repeat(32));
  private static final Fingerprint OTHER = Fingerprint.parse("ac".repeat(32));
  private static final byte[] SALT = {1, 2, 3, 4, 5, 6, 7, 8};

  private static Optional<Advertisement> parse(String... strings) {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    for (String string : strings) {
      text.write(string.length());
      text.writeBytes(string.getBytes(StandardCharsets.ISO_8859_1));
    }
    return Advertisement.parse(text.toByteArray());
  }

  @Property
  void whatIsSaidIsHeard(
      @ForAll @Size(max = Advertisement.NAMEPLATES_MAX)
          List<@IntRange(max = JoinCode.NAMEPLATES - 1) Integer> nameplates,
      @ForAll @Size(Advertisement.SALT_BYTES) byte[] salt) {
    byte[] text = Advertisement.of(nameplates, salt, HOST).encode();
    Advertisement heard = Advertisement.parse(text).orElseThrow();
    assertThat(heard.nameplates())
        .containsExactlyInAnyOrderElementsOf(List.copyOf(Set.copyOf(nameplates)));
    assertThat(nameplates).allMatch(heard::claims);
    assertThat(heard.isOf(HOST)).isTrue();
    assertThat(heard.isOf(OTHER)).isFalse();
  }

  @Property
  void anyBytesAreReadOrRefused(@ForAll byte[] text) {
    Advertisement.parse(text).ifPresent(heard -> assertThat(heard.encode()).isNotEmpty());
  }

  @Test
  void recordIsAsTheProtocolSays() throws Exception {
    MessageDigest hash = MessageDigest.getInstance("SHA-256");
    hash.update(SALT);
    hash.update(HOST.bytes());
    String mark = HexFormat.of().formatHex(Arrays.copyOf(hash.digest(), 8));
    String text =
        new String(
            Advertisement.of(List.of(0, 31), SALT, HOST).encode(), StandardCharsets.ISO_8859_1);
    assertThat(text).isEqualTo("\u0003v=1\nn=0000000Z\u0012s=0102030405060708\u0012h=" + mark);
  }

  @Test
  void nameplatesAreBoundedByWhatAStringHolds() {
    List<Integer> many = IntStream.range(0, 500).boxed().toList();
    Advertisement said = Advertisement.of(many, SALT, HOST);
    assertThat(said.nameplates()).hasSize(Advertisement.NAMEPLATES_MAX);
    assertThat(Advertisement.parse(said.encode())).isPresent();
    assertThat(said.claims(0)).isTrue();
    assertThat(said.claims(499)).isFalse();
  }

  @Test
  void laterKeysAreSkippedAndOtherVersionsAreNotUnderstood() {
    String salt = "s=0102030405060708";
    String mark = "h=0102030405060708";
    assertThat(parse("v=1", "n=7KQ2", salt, mark, "z=what", "flag", "n=0000")).isPresent();
    assertThat(parse("v=1", "n=7KQ2", salt, mark, "n=0000").orElseThrow().claims(0)).isFalse();
    assertThat(parse("v=2", "n=7KQ2", salt, mark)).isEmpty();
    assertThat(parse("n=7KQ2", salt, mark)).isEmpty();
    assertThat(parse("v=1", "n=7KQ", salt, mark)).isEmpty();
    assertThat(parse("v=1", "n=7KU2", salt, mark)).isEmpty();
    assertThat(parse("v=1", "n=7KQ2", "s=01", mark)).isEmpty();
    assertThat(parse("v=1", "n=7KQ2", salt, "h=010203040506070g")).isEmpty();
    assertThat(parse("v=1", "n=7KQ2", salt)).isEmpty();
    assertThat(parse()).isEmpty();
    assertThat(Advertisement.parse(new byte[2000])).isEmpty();
  }
}
