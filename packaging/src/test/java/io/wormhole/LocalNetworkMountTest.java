package io.wormhole;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.TwoMachines.Outcome;
import io.wormhole.TwoMachines.Shared;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A code is all it takes on one network: the host is found by multicast DNS. */
@RealMount
@Timeout(180)
class LocalNetworkMountTest {
  private static final long SECONDS = 30;

  @TempDir Path temp;
  private Cable cable;
  private TwoMachines machines;
  private Path folder;

  @BeforeEach
  void connect() throws IOException, InterruptedException {
    folder = Files.createDirectory(temp.resolve("shared"));
    Files.writeString(folder.resolve("file"), "content");
    cable = new Cable();
    machines = new TwoMachines(temp.resolve("machines"), cable);
  }

  @AfterEach
  void end() throws IOException {
    machines.close();
    cable.close();
  }

  private void findEachOther() throws IOException, InterruptedException {
    assertThat(machines.onSharing("config", "set", "discovery.mdns", "true").exit()).isZero();
    assertThat(machines.onMounting("config", "set", "discovery.mdns", "true").exit()).isZero();
  }

  private Outcome mount(String code, String name) throws IOException, InterruptedException {
    Path at = Files.createDirectories(temp.resolve(name));
    return machines.onMounting("mount", code, at.toString());
  }

  @Test
  void codeAloneMountsAndIsForgottenWithItsShare() throws IOException, InterruptedException {
    findEachOther();
    Shared shared = machines.host(folder, "--bind", "0.0.0.0:0");

    Outcome mounted = mount(shared.code(), "mnt");

    assertThat(mounted.exit()).as(mounted.toString()).isZero();
    assertThat(temp.resolve("mnt/file")).hasContent("content");

    shared.command().destroy();
    assertThat(shared.command().waitFor(SECONDS, TimeUnit.SECONDS)).isTrue();
    Outcome again = mount(shared.code(), "again");
    assertThat(again.exit()).as(again.toString()).isEqualTo(3);
    assertThat(again.err())
        .contains("no host on this network answers to " + shared.code().substring(0, 4))
        .contains("--peer HOST:PORT")
        .doesNotContain(shared.code())
        .hasLineCount(1);
  }

  @Test
  void machineThatIsSetNotToLookFindsNobody() throws IOException, InterruptedException {
    findEachOther();
    Shared shared = machines.host(folder);
    assertThat(machines.onMounting("config", "set", "discovery.mdns", "false").exit()).isZero();

    Outcome alone = mount(shared.code(), "mnt");

    assertThat(alone.exit()).as(alone.toString()).isEqualTo(3);
    assertThat(machines.onMounting("daemon", "stop").exit()).isZero();
    assertThat(machines.onMounting("config", "set", "discovery.mdns", "true").exit()).isZero();
    Outcome mounted = mount(shared.code(), "mnt");
    assertThat(mounted.exit()).as(mounted.toString()).isZero();
  }

  @Test
  void hostThatIsKilledAndBackAtAnotherPortIsFoundByItsMount() throws Exception {
    findEachOther();
    Shared shared = machines.host(folder, "--bind", "0.0.0.0:0");
    assertThat(mount(shared.code(), "mnt").exit()).isZero();
    long pid = TwoMachines.daemonPid(machines.sharing());
    ProcessHandle daemon = ProcessHandle.of(pid).orElseThrow();
    assertThat(TwoMachines.run("kill", "-KILL", Long.toString(pid)).exit()).isZero();
    Await.end(daemon, Duration.ofSeconds(SECONDS));
    assertThat(shared.command().waitFor(SECONDS, TimeUnit.SECONDS)).isTrue();

    Shared back = machines.host(folder, "--bind", Cable.SHARING + ":0");

    assertThat(back.address()).isNotEqualTo(shared.address());
    long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (!temp.resolve("mnt/file").toFile().exists()) {
      assertThat(System.nanoTime()).isLessThan(end);
      LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
    }
    assertThat(temp.resolve("mnt/file")).hasContent("content");
  }
}
