package io.wormhole.daemon.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class TransportSettingsTest {
  @Test
  void defaultsAreTheMeasuredOnes() {
    assertThat(TransportSettings.DEFAULTS)
        .isEqualTo(
            new TransportSettings(
                Duration.ofSeconds(30),
                Duration.ofSeconds(10),
                Duration.ofSeconds(10),
                Duration.ofSeconds(10),
                256,
                16,
                4_194_304,
                1452,
                65_527,
                10,
                32,
                67_108_864,
                16_777_216,
                65_536,
                65_536,
                16,
                32,
                true));
  }

  @Test
  void aKeepAliveThatDoesNotKeepALaneAliveIsRefused() {
    assertThatThrownBy(() ->
            TransportSettings.DEFAULTS.withTimes(
                Duration.ofSeconds(5), Duration.ofSeconds(5), Duration.ofSeconds(5)))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
