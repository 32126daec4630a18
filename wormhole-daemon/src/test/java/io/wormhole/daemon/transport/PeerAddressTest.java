package io.wormhole.daemon.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.NetworkInterface;
import java.util.List;
import org.junit.jupiter.api.Test;

class PeerAddressTest {
  @Test
  void everyAddressOfThisMachineIsLoopback() throws Exception {
    List<InetAddress> ours =
        NetworkInterface.networkInterfaces().flatMap(NetworkInterface::inetAddresses).toList();
    assertThat(ours).isNotEmpty();
    assertThat(ours).extracting(PeerAddress::pathKind).containsOnly("loopback");
  }

  @Test
  void privateAddressesAreLan() throws Exception {
    for (String address :
        List.of(
            "10.254.3.9", "172.16.200.1", "192.168.253.77", "169.254.9.9", "fd12::7", "fe80::99")) {
      assertThat(PeerAddress.pathKind(InetAddress.getByName(address))).isEqualTo("lan");
    }
  }

  @Test
  void otherAddressesAreDirect() throws Exception {
    for (String address : List.of("203.0.113.5", "172.32.0.1", "2001:db8::1")) {
      assertThat(PeerAddress.pathKind(InetAddress.getByName(address))).isEqualTo("direct");
    }
  }
}
