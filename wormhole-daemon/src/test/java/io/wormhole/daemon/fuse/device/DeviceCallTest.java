package io.wormhole.daemon.fuse.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** One reply, and everybody told of the end. */
class DeviceCallTest {
  private final DeviceCall call = new DeviceCall(1, false);

  @Test
  void onlyOneClaimsTheRightToReply() {
    assertThat(call.claim()).isTrue();
    assertThat(call.claim()).isFalse();
  }

  @Test
  void followersAreToldOfTheEndWheneverTheyCome() {
    AtomicInteger told = new AtomicInteger();
    call.whenOver(told::incrementAndGet);
    assertThat(told).hasValue(0);
    call.end();
    assertThat(told).hasValue(1);
    call.whenOver(told::incrementAndGet);
    assertThat(told).hasValue(2);
  }

  @Test
  void anAnswerMaySayOfItsOwnNodeAndAListingOfAny() {
    assertThat(call.isOn(1)).isTrue();
    assertThat(call.isOn(2)).isFalse();
    assertThat(call.maySayOf(1)).isTrue();
    assertThat(call.maySayOf(2)).isFalse();
    assertThat(new DeviceCall(1, true).maySayOf(2)).isTrue();
  }
}
