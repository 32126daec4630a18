package io.wormhole;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.TwoMachines.Outcome;
import io.wormhole.TwoMachines.Shared;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a mount's bytes come over, and that a firewall changes this and nothing else. */
@RealMount
class CarrierMountTest {
  private static final long SEED = 11;

  @TempDir Path temp;
  private Cable cable;
  private TwoMachines machines;
  private Path folder;
  private Shared shared;

  @BeforeEach
  void share() throws IOException, InterruptedException {
    folder = Files.createDirectory(temp.resolve("shared"));
    Random random = new Random(SEED);
    for (String name : new String[] {"one", "two", "three"}) {
      byte[] content = new byte[12_345_678];
      random.nextBytes(content);
      Files.write(folder.resolve(name), content);
    }
    cable = new Cable();
    machines = new TwoMachines(temp.resolve("machines"), cable);
    shared = machines.host(folder);
  }

  @AfterEach
  void end() throws IOException {
    try {
      machines.close();
    } finally {
      cable.close();
    }
  }

  private void requireSame(Path mounted, String name) throws IOException, InterruptedException {
    Outcome compared =
        TwoMachines.run("cmp", folder.resolve(name).toString(), mounted.resolve(name).toString());
    assertThat(compared.exit()).as(compared.toString()).isZero();
  }

  private String carrier() throws IOException, InterruptedException {
    return machines.onMounting("status", "--json").json("carrier");
  }

  @Test
  void aShortPathIsTcpsUntilAFirewallSwallowsIt() throws Exception {
    Path mounted = machines.mount(shared, "mnt");
    requireSame(mounted, "one");
    assertThat(carrier()).isEqualTo("tcp");

    cable.swallowTcp();
    requireSame(mounted, "two");
    assertThat(carrier()).isEqualTo("quic");

    assertThat(machines.onMounting("unmount", mounted.toString()).exit()).isZero();
    Outcome again = machines.onMounting("mount", "shared", mounted.toString());
    assertThat(again.exit()).as(again.toString()).isZero();
    requireSame(mounted, "three");
    assertThat(carrier()).isEqualTo("quic");

    cable.letTcpPass();
    assertThat(machines.onMounting("unmount", mounted.toString()).exit()).isZero();
    again = machines.onMounting("mount", "shared", mounted.toString());
    assertThat(again.exit()).as(again.toString()).isZero();
    assertThat(carrier()).isEqualTo("tcp");
  }

  @Test
  void theSettingOfEitherEndLeavesAllToQuic() throws Exception {
    Path mounted = machines.mount(shared, "mnt");
    assertThat(carrier()).isEqualTo("tcp");
    assertThat(machines.onMounting("config", "set", "network.tcp", "false").exit()).isZero();
    assertThat(machines.onMounting("unmount", mounted.toString()).exit()).isZero();
    assertThat(machines.onMounting("daemon", "stop").exit()).isZero();
    mounted = machines.mount(shared, "mnt");
    assertThat(carrier()).isEqualTo("quic");
    requireSame(mounted, "one");
    assertThat(machines.onMounting("status").out()).contains("over quic");

    assertThat(machines.onMounting("config", "set", "network.tcp", "true").exit()).isZero();
    assertThat(machines.onSharing("config", "set", "network.tcp", "false").exit()).isZero();
    for (boolean mounting : new boolean[] {true, false}) {
      Outcome stopped =
          mounting ? machines.onMounting("daemon", "stop") : machines.onSharing("daemon", "stop");
      assertThat(stopped.exit()).as(stopped.toString()).isZero();
    }
    shared = machines.host(folder);
    mounted = machines.mount(shared, "again");
    assertThat(carrier()).isEqualTo("quic");
    requireSame(mounted, "two");
  }
}
