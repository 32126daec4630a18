package io.wormhole.daemon.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.wormhole.daemon.transport.SourceQuota.Place;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SourceQuotaTest {
  @ParameterizedTest
  @CsvSource({
    "192.0.2.1, 192.0.2.1, true",
    "192.0.2.1, 192.0.2.2, false",
    "2001:db8:1:2::1, 2001:db8:1:2:ffff::9, true",
    "2001:db8:1:2::1, 2001:db8:1:3::1, false",
    "0.0.0.1, ::, false"
  })
  void aSourceIsAnAddressOfIpv4OrSixtyFourBitsOfIpv6(String one, String other, boolean same)
      throws Exception {
    SourcePrefix first = SourcePrefix.of(new InetSocketAddress(InetAddress.getByName(one), 1));
    SourcePrefix second = SourcePrefix.of(new InetSocketAddress(InetAddress.getByName(other), 2));
    assertThat(first.equals(second)).isEqualTo(same);
  }

  @Test
  void ipv4OnASocketOfBothFamiliesIsStillManySources() throws Exception {
    byte[] mapped = new byte[16];
    mapped[10] = -1;
    mapped[11] = -1;
    mapped[12] = (byte) 192;
    mapped[14] = 2;
    mapped[15] = 7;
    InetAddress six = Inet6Address.getByAddress(null, mapped, 0);
    assertThat(six).isInstanceOf(Inet6Address.class);
    assertThat(SourcePrefix.of(new InetSocketAddress(six, 1)))
        .isEqualTo(SourcePrefix.of(new InetSocketAddress("192.0.2.7", 1)))
        .isNotEqualTo(SourcePrefix.of(new InetSocketAddress("192.0.2.8", 1)));
  }

  @Test
  void aPeerWithoutAnAddressIsAFault() {
    InetSocketAddress nobody = InetSocketAddress.createUnresolved("nobody", 1);
    assertThatThrownBy(() -> SourcePrefix.of(nobody)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void thereAreSoManyPlacesInAllAndForEachSource() {
    SourceQuota quota = new SourceQuota(5, 2);
    List<Place> taken = new ArrayList<>();
    for (int source = 0; source < 3; source++) {
      for (int i = 0; i < 3; i++) {
        Optional<Place> place = quota.take(new SourcePrefix(source, false));
        boolean room = i < 2 && taken.size() < 5;
        assertThat(place.isPresent()).isEqualTo(room);
        place.ifPresent(taken::add);
      }
    }
    assertThat(quota.taken()).isEqualTo(5);
    assertThat(quota.hasRoom(new SourcePrefix(9, true))).isFalse();

    taken.getFirst().leave();
    taken.getFirst().leave();
    assertThat(quota.taken()).isEqualTo(4);
    assertThat(quota.hasRoom(new SourcePrefix(0, false))).isTrue();
    assertThat(quota.hasRoom(new SourcePrefix(1, false))).isFalse();
    taken.forEach(Place::leave);
    assertThat(quota.taken()).isZero();
  }
}
