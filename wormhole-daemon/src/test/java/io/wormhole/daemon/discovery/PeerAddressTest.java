package io.wormhole.daemon.discovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PeerAddressTest {
  @Test
  void namesAndAddressesAreRead() {
    assertThat(PeerAddress.parse("10.0.0.1:4433", false))
        .isEqualTo(new PeerAddress("10.0.0.1", 4433));
    assertThat(PeerAddress.parse("studio.local:1", false))
        .isEqualTo(new PeerAddress("studio.local", 1));
    assertThat(PeerAddress.parse("[fe80::1]:65535", false))
        .isEqualTo(new PeerAddress("fe80::1", 65535));
    assertThat(PeerAddress.parse("0.0.0.0:0", true)).isEqualTo(new PeerAddress("0.0.0.0", 0));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ":",
        "host",
        "host:",
        ":4433",
        "host:0",
        "host:65536",
        "host:-1",
        "host:x",
        "::1:4433",
        "[::1]4433",
        "[::1]",
        "fe80::1",
        " :1"
      })
  void anythingElseIsRefusedInOneLine(String text) {
    assertThatThrownBy(() -> PeerAddress.parse(text, false))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("is no address")
        .hasMessageNotContaining("\n");
  }

  @Test
  void whatIsWrittenIsReadAgain() {
    for (String text : new String[] {"10.0.0.1:4433", "[::1]:7"}) {
      assertThat(PeerAddress.parse(text, false)).hasToString(text);
    }
  }

  @Test
  void literalAddressNeedsNoResolver() throws IOException, InterruptedException {
    assertThat(PeerAddress.parse("127.0.0.1:9", false).resolve(Duration.ofSeconds(5)))
        .containsExactly(
            new InetSocketAddress(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), 9));
  }
}
