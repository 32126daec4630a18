package io.wormhole.daemon.mount;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.ShareId;
import org.junit.jupiter.api.Test;

class CachedShareTest {
  private static Fingerprint host(int number) {
    byte[] bytes = new byte[Fingerprint.BYTES];
    bytes[Fingerprint.BYTES - 1] = (byte) number;
    return Fingerprint.of(bytes);
  }

  @Test
  void aShareOfAnotherHostIsAnotherWhateverIdItClaims() {
    CachedShare ours = CachedShare.of(host(1), new ShareId(1, 2));
    assertThat(CachedShare.of(host(1), new ShareId(1, 2))).isEqualTo(ours);
    assertThat(CachedShare.of(host(2), new ShareId(1, 2))).isNotEqualTo(ours);
    assertThat(CachedShare.of(host(1), new ShareId(1, 3))).isNotEqualTo(ours);
  }
}
