package io.wormhole;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.TwoMachines.Outcome;
import io.wormhole.TwoMachines.Shared;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who may come, who was sent away, and what is there again after a restart. */
@RealMount
class PeersMountTest {
  private static final long SECONDS = 60;

  @TempDir Path temp;
  private Path folder;
  private TwoMachines machines;

  @BeforeEach
  void makeFolder() throws IOException {
    folder = Files.createDirectory(temp.resolve("films"));
    Files.writeString(folder.resolve("file"), "hello");
    Files.write(folder.resolve("large"), new byte[1 << 20]);
    machines = new TwoMachines(temp.resolve("machines"));
  }

  @AfterEach
  void end() throws IOException, InterruptedException {
    machines.close();
    assertThat(Files.readString(Path.of("/proc/self/mountinfo"))).doesNotContain(temp.toString());
  }

  @Test
  void whoIsRevokedReadsNothingMore() throws IOException, InterruptedException {
    Shared shared = machines.host(folder);
    Path mounted = machines.mount(shared, "mnt");
    assertThat(mounted.resolve("file")).hasContent("hello");
    assertThat(shell("cat " + mounted + "/large | wc -c").out().strip()).isEqualTo("1048576");
    String key = good(machines.onSharing("peers", "list", "--json")).json("fingerprint");
    assertThat(machines.onSharing("peers", "list").out()).contains("connected", "\"films\"");

    Outcome revoked = good(machines.onSharing("peers", "revoke", key.substring(0, 8)));
    assertThat(revoked.out()).contains("may not come to \"films\" any more");

    // Opening needs the host; what was read before is not shown from memory either.
    awaitOutput("cat " + mounted + "/file 2>&1", "Permission denied");
    assertThat(shell("ls " + mounted + " 2>&1; cat " + mounted + "/large 2>&1").out())
        .contains("Permission denied");
    Outcome status = good(machines.onMounting("status", "--json"));
    assertThat(status.json("state")).isEqualTo("offline");
    assertThat(status.json("lastError")).contains("took our right to the share away");
    assertThat(status.out()).contains("\"usedBytes\":0");
    assertThat(machines.onSharing("peers", "list").out())
        .contains("nobody may come without a code");

    Path again = Files.createDirectory(temp.resolve("again"));
    Outcome refused =
        machines.onMounting("mount", shared.code(), again.toString(), "--peer", shared.address());
    assertThat(refused.exit()).as(refused.toString()).isEqualTo(3);
    Outcome byName = machines.onMounting("mount", "films", again.toString());
    assertThat(byName.exit()).as(byName.toString()).isEqualTo(3);

    Shared anew = machines.host(folder);
    assertThat(
            good(machines.onMounting(
                    "mount", anew.code(), again.toString(), "--peer", anew.address()))
                .exit())
        .isZero();
    assertThat(again.resolve("file")).hasContent("hello");
  }

  @Test
  void detachedShareComesBackWithTheDaemonAndItsPeersWithoutACode()
      throws IOException, InterruptedException {
    Outcome hosted =
        good(
            machines.onSharing("host", folder.toString(), "-d", "--bind", "127.0.0.1:0", "--json"));
    String address = hosted.json("address");
    Path first = Files.createDirectory(temp.resolve("first"));
    good(machines.onMounting("mount", hosted.json("code"), first.toString(), "--peer", address));
    good(machines.onMounting("unmount", first.toString()));

    good(machines.onSharing("daemon", "stop"));
    Outcome away = machines.onMounting("mount", "films", first.toString());
    assertThat(away.exit()).as(away.toString()).isEqualTo(4);

    good(machines.onSharing("daemon", "start"));
    awaitOutput(
        () -> machines.onSharing("status", "--json").out(), "\"address\":\"" + address + "\"");
    good(machines.onMounting("mount", "films", first.toString()));
    assertThat(first.resolve("file")).hasContent("hello");

    Outcome stopped = good(machines.onSharing("host", folder.toString(), "--stop"));
    assertThat(stopped.out()).contains("is not shared any more");
    assertThat(machines.onSharing("status").out()).contains("no shares");
    good(machines.onSharing("daemon", "stop"));
    good(machines.onSharing("daemon", "start"));
    assertThat(machines.onSharing("host", folder.toString(), "--stop").exit()).isEqualTo(1);
  }

  @Test
  void shareEndsWithItsLastOwner() throws IOException, InterruptedException {
    Shared one = machines.host(folder);
    Outcome two =
        good(
            machines.onSharing("host", folder.toString(), "-d", "--bind", one.address(), "--json"));
    assertThat(two.json("code")).isNotEqualTo(one.code());
    Path mounted = machines.mount(one, "mnt");
    assertThat(TwoMachines.run("kill", "-HUP", "" + one.command().pid()).exit()).isZero();
    assertThat(one.command().waitFor(SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(mounted.resolve("file")).hasContent("hello");
    assertThat(machines.onSharing("status").out()).contains("left to the daemon", "loopback");
    good(machines.onSharing("host", "films", "--stop"));
    assertThat(machines.onSharing("status").out()).contains("no shares");
  }

  @Test
  void hostThatTakesOnlyNewPeersWantsACode() throws IOException, InterruptedException {
    Shared first = machines.host(folder);
    Path mounted = machines.mount(first, "mnt");
    good(machines.onMounting("unmount", mounted.toString()));
    first.command().destroy();
    assertThat(first.command().waitFor(SECONDS, TimeUnit.SECONDS)).isTrue();

    Shared picky = machines.host(folder, "--only-new", "--bind", first.address());
    Outcome refused = machines.onMounting("mount", "films", mounted.toString());
    assertThat(refused.exit()).as(refused.toString()).isEqualTo(3);
    good(machines.onMounting("mount", picky.code(), mounted.toString(), "--peer", picky.address()));
    good(machines.onMounting("unmount", mounted.toString()));
    // It has proved a code of this hosting.
    good(machines.onMounting("mount", "films", mounted.toString()));
  }

  @Test
  void mountsOfADaemonThatEndedComeBackAndUnmountedOnesDoNot()
      throws IOException, InterruptedException {
    Shared shared = machines.host(folder);
    Path kept = machines.mount(shared, "kept");
    Path gone = machines.mount(shared, "gone");
    good(machines.onMounting("unmount", gone.toString()));
    good(machines.onMounting("daemon", "stop"));
    assertThat(kept).isEmptyDirectory();

    good(machines.onMounting("daemon", "start"));
    awaitOutput("cat " + kept + "/file 2>&1", "hello");
    assertThat(gone).isEmptyDirectory();
    good(machines.onMounting("unmount", "films"));
    assertThat(kept).isEmptyDirectory();
  }

  @Test
  void mountOfAHostThatIsAwayWaitsForItAndHoldsNobodyUp() throws IOException, InterruptedException {
    Shared shared = machines.host(folder);
    Path kept = machines.mount(shared, "kept");
    good(machines.onMounting("daemon", "stop"));
    shared.command().destroy();
    assertThat(shared.command().waitFor(SECONDS, TimeUnit.SECONDS)).isTrue();
    good(machines.onSharing("daemon", "stop"));

    good(machines.onMounting("daemon", "start"));
    Outcome status = good(machines.onMounting("status", "--json"));
    assertThat(status.json("state")).isIn("reconnecting", "offline");
    assertThat(status.json("directory")).isEqualTo(kept.toString());

    Shared back = machines.host(folder, "--bind", shared.address());
    assertThat(back.address()).isEqualTo(shared.address());
    awaitOutput("cat " + kept + "/file 2>&1", "hello");

    good(machines.onMounting("daemon", "stop"));
    back.command().destroy();
    assertThat(back.command().waitFor(SECONDS, TimeUnit.SECONDS)).isTrue();
    good(machines.onMounting("daemon", "start"));
    // One that waits can be given up.
    good(machines.onMounting("unmount", kept.toString()));
    assertThat(machines.onMounting("status").out()).contains("no mounts");
  }

  @Test
  void hostWithAnotherKeyIsNamedAndCanBeForgotten() throws IOException, InterruptedException {
    Shared shared = machines.host(folder);
    Path mounted = machines.mount(shared, "mnt");
    good(machines.onMounting("unmount", mounted.toString()));
    shared.command().destroy();
    assertThat(shared.command().waitFor(SECONDS, TimeUnit.SECONDS)).isTrue();
    good(machines.onSharing("daemon", "stop"));
    Files.delete(machines.sharing().resolve("state/identity.p8"));

    Shared changed = machines.host(folder, "--bind", shared.address());
    Outcome byName = machines.onMounting("mount", "films", mounted.toString());
    assertThat(byName.exit()).as(byName.toString()).isEqualTo(3);
    Outcome byCode =
        machines.onMounting(
            "mount", changed.code(), mounted.toString(), "--peer", changed.address());
    assertThat(byCode.exit()).as(byCode.toString()).isEqualTo(3);
    String old = good(machines.onMounting("peers", "list", "--json")).json("fingerprint");
    assertThat(byCode.err()).contains(old, "wormhole peers forget " + old);

    good(machines.onMounting("peers", "forget", old));
    good(
        machines.onMounting(
            "mount", changed.code(), mounted.toString(), "--peer", changed.address()));
    good(machines.onMounting("peers", "rename", "films", "evening"));
    good(machines.onMounting("unmount", mounted.toString()));
    good(machines.onMounting("mount", "evening", mounted.toString()));
    assertThat(mounted.resolve("file")).hasContent("hello");
    assertThat(machines.onMounting("mount", "films").exit()).isEqualTo(2);
  }

  private static void awaitOutput(String script, String expected)
      throws IOException, InterruptedException {
    awaitOutput(() -> shell(script).out(), expected);
  }

  private static void awaitOutput(Await.Look<String> question, String expected)
      throws IOException, InterruptedException {
    var _ = Await.until(Duration.ofSeconds(SECONDS), question, said -> said.contains(expected));
  }

  private static Outcome shell(String script) throws IOException, InterruptedException {
    return TwoMachines.run("sh", "-c", "export LC_ALL=C; " + script);
  }

  private static Outcome good(Outcome outcome) {
    assertThat(outcome.exit()).as(outcome.toString()).isZero();
    return outcome;
  }
}
