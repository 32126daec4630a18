package io.wormhole.daemon.discovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.wormhole.daemon.discovery.TwoNetworks.Program;
import io.wormhole.protocol.join.Nameplate;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Locale;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Hosts and guests in network namespaces of their own, over a real cable of the kernel's. */
@Timeout(120)
class MdnsTest {
  private static final String HOST = "11".repeat(32);
  private static final String GUEST = "22".repeat(32);
  private static final String OTHER = "33".repeat(32);
  private static final int PLATE = 0x7cafe;

  private TwoNetworks networks;
  private Program host;
  private Program guest;

  @BeforeEach
  void connect() throws IOException, InterruptedException {
    String lack = TwoNetworks.lack();
    if (!lack.isEmpty()) {
      System.err.println("SKIPPED, nothing was proved: multicast DNS (" + lack + ")");
    }
    assumeTrue(lack.isEmpty(), lack);
    networks = new TwoNetworks();
    host = networks.neighbour(networks.hosting, HOST);
    guest = networks.neighbour(networks.mounting, GUEST);
  }

  @AfterEach
  void disconnect() throws IOException, InterruptedException {
    if (networks != null) {
      networks.end();
    }
  }

  private static String at(int port) {
    return "/" + TwoNetworks.HOST_ADDRESS + ":" + port;
  }

  @Test
  void guestFindsWhoClaimsANameplateAndNobodyElse() throws Exception {
    host.ask("publish 0.0.0.0:4747 17 " + PLATE);

    assertThat(guest.ask("find " + PLATE + " 20")).isEqualTo(at(4747));
    assertThat(guest.ask("find 17 20")).isEqualTo(at(4747));
    assertThat(guest.ask("find 18 2")).isEqualTo("nobody");
    assertThat(guest.ask("all 17 2")).isEqualTo("1 [" + at(4747) + "]");
  }

  @Test
  void guestThatSearchesHearsOfAHostThatComesLater() throws Exception {
    guest.tell("find " + PLATE + " 25");
    host.ask("publish 0.0.0.0:4747 " + PLATE);
    assertThat(guest.next()).isEqualTo(at(4747));
  }

  @Test
  void hostIsFoundByItsKeyWithoutALiveCode() throws Exception {
    host.ask("publish 0.0.0.0:4747");

    assertThat(guest.ask("key " + HOST + " 20")).isEqualTo(at(4747));
    assertThat(guest.ask("key " + OTHER + " 2")).isEqualTo("nobody");
  }

  @Test
  void codesThatComeAndGoAreSeen() throws Exception {
    host.ask("publish 0.0.0.0:4747 17");
    assertThat(guest.ask("find 17 20")).isEqualTo(at(4747));

    host.ask("publish 0.0.0.0:4747 18");

    assertThat(guest.ask("find 18 20")).isEqualTo(at(4747));
    assertThat(guest.ask("find 17 2")).isEqualTo("nobody");

    host.ask("withdraw");

    assertThat(guest.ask("find 18 2")).isEqualTo("nobody");
    assertThat(guest.ask("key " + HOST + " 2")).isEqualTo("nobody");

    host.ask("publish 0.0.0.0:4748 19");

    assertThat(guest.ask("find 19 20")).isEqualTo(at(4748));
  }

  @Test
  void nameplateOfAnotherHostIsTakenAndOnesOwnIsNot() throws Exception {
    host.ask("publish 0.0.0.0:4747 " + PLATE);
    assertThat(guest.ask("find " + PLATE + " 20")).isEqualTo(at(4747));

    assertThat(guest.ask("taken " + PLATE)).isEqualTo("true");
    assertThat(guest.ask("taken 5")).isEqualTo("false");
    assertThat(host.ask("taken " + PLATE)).isEqualTo("false");
  }

  @Test
  void twoHostsOfOneMachineAreTwoHosts() throws Exception {
    Program second = networks.neighbour(networks.hosting, OTHER);
    host.ask("publish 0.0.0.0:4747 " + PLATE);
    second.ask("publish 0.0.0.0:4749 " + PLATE);
    assertThat(guest.ask("key " + HOST + " 20")).isEqualTo(at(4747));
    assertThat(guest.ask("key " + OTHER + " 20")).isEqualTo(at(4749));

    assertThat(guest.ask("all " + PLATE + " 3")).startsWith("2 ").contains(at(4747), at(4749));
    assertThat(second.ask("taken " + PLATE)).isEqualTo("true");
  }

  @Test
  void shareThatOnlyThisMachineReachesIsToldToNobody() throws Exception {
    host.ask("publish 127.0.0.1:4747 17");
    assertThat(guest.ask("find 17 2")).isEqualTo("nobody");
    host.ask("publish " + TwoNetworks.HOST_ADDRESS + ":4747 17");
    assertThat(guest.ask("find 17 20")).isEqualTo(at(4747));
    host.ask("publish 10.99.99.99:4747 18");
    assertThat(guest.ask("find 18 2")).isEqualTo("nobody");
  }

  @Test
  void networkThatComesLaterIsJoined() throws Exception {
    TwoNetworks.run("ip", "-n", networks.hosting, "link", "set", "wh0", "down");
    host.ask("publish 0.0.0.0:4747 17");
    assertThat(guest.ask("find 17 1")).isEqualTo("nobody");

    TwoNetworks.run("ip", "-n", networks.hosting, "link", "set", "wh0", "up");

    String found = "nobody";
    for (int i = 0; i < 20 && found.equals("nobody"); i++) {
      host.ask("tick");
      found = guest.ask("find 17 1");
    }
    assertThat(found).isEqualTo(at(4747));
  }

  @Test
  void whatLeavesTheMachineNamesNeitherItNorItsUser() throws Exception {
    guest.tell("capture wh0 began");
    assertThat(guest.next()).isEqualTo("began");
    host.ask("publish 0.0.0.0:4747 " + PLATE);
    Program asking = networks.neighbour(networks.mounting, GUEST);
    assertThat(asking.ask("find " + PLATE + " 20")).isEqualTo(at(4747));

    host.end();

    StringBuilder text = new StringBuilder();
    for (String packet : guest.next().strip().split(" ", -1)) {
      text.append(
          new String(HexFormat.of().parseHex(packet), StandardCharsets.ISO_8859_1)
              .toLowerCase(Locale.ROOT));
    }
    assertThat(text)
        .contains("_wormhole", "n=" + Nameplate.format(PLATE).toLowerCase(Locale.ROOT))
        .doesNotContain(TwoNetworks.MACHINE)
        .doesNotContain("root")
        .doesNotContain(networks.hosting)
        .doesNotContain(HOST)
        .doesNotContain("jmdns", "java");
  }

  @Test
  void endOfTheProcessTakesBackWhatWasSaidBeforeItIsOver() throws Exception {
    host.ask("publish 0.0.0.0:4747 " + PLATE);
    assertThat(guest.ask("find " + PLATE + " 20")).isEqualTo(at(4747));
    guest.tell("capture wh0 began");
    assertThat(guest.next()).isEqualTo("began");

    host.tell("withdraw");
    host.end();

    assertThat(guest.next()).contains("000c000100000000");
  }

  @Test
  void hostSurvivesWhateverIsSentAndAnswersNoStranger() throws Exception {
    host.ask("publish 0.0.0.0:4747 " + PLATE);
    assertThat(guest.ask("find " + PLATE + " 20")).isEqualTo(at(4747));
    String header = "000000000001000000000000";
    for (String message :
        new String[] {
          "00",
          "0000840000000001ffffffff",
          header + "c00c000c0001",
          header + "3f",
          "000084000000000100000000" + "0000210001000000780003000000",
          // A record of each type that the library would read, all with data of one byte.
          "000084000000000600000000"
              + "0000010001000000780001ff"
              + "00000c0001000000780001ff"
              + "0000100001000000780001ff"
              + "0000210001000000780001ff"
              + "00000d0001000000780001ff"
              + "0000290001000000780001ff"
        }) {
      guest.ask("send wh0 " + message + " 5353");
      guest.ask("send wh0 " + message + " 6000");
    }

    assertThat(guest.ask("find " + PLATE + " 20")).isEqualTo(at(4747));
  }

  /** What it costs: a process that only has it around, and one that publishes. */
  @Test
  void nothingIsOpenBeforeItIsUsedAndLittleAfter() throws Exception {
    assertThat(host.ask("threads")).doesNotContain("mdns", "JmDNS", "SocketListener");

    host.ask("publish 0.0.0.0:4747 " + PLATE);
    assertThat(guest.ask("find " + PLATE + " 20")).isEqualTo(at(4747));

    String threads = host.ask("threads");
    long ours =
        Arrays.stream(threads.split(",", -1))
            .filter(name -> name.matches(".*(mdns|JmDNS|SocketListener).*"))
            .count();
    assertThat(ours).as(threads).isBetween(1L, 5L);
  }
}
