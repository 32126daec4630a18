package io.wormhole;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.TwoMachines.Outcome;
import io.wormhole.TwoMachines.Shared;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Codes and tickets as people use them: real commands, two daemons, real mounts. */
@RealMount
class InvitationMountTest {
  private static final long WAIT_SECONDS = 60;

  @TempDir Path temp;
  private TwoMachines machines;
  private Path folder;

  @BeforeEach
  void folder() throws IOException {
    machines = new TwoMachines(temp.resolve("machines"));
    folder = Files.createDirectory(temp.resolve("shared"));
    Files.writeString(folder.resolve("file"), "what is shared");
  }

  @AfterEach
  void end() throws IOException {
    machines.close();
  }

  @Test
  void aTicketNeedsNoAddressAndNoSecretIsSeenElsewhere() throws Exception {
    Shared shared = machines.host(folder);
    Path at = Files.createDirectory(temp.resolve("mnt"));
    Path file = Files.writeString(temp.resolve("ticket"), shared.ticket() + "\n");
    Outcome mounted = machines.onMounting("mount", "--code-file", file.toString(), at.toString());
    assertThat(mounted.exit()).as(mounted.toString()).isZero();
    assertThat(at.resolve("file")).hasContent("what is shared");

    Outcome status = machines.onSharing("status", "--json");
    assertThat(status.json("expiresAt")).matches("\\d{4}-.*Z");
    for (String seen :
        new String[] {
          status.out(),
          log(machines.sharing()),
          log(machines.mounting()),
          commandLine(machines.sharing()),
          commandLine(machines.mounting())
        }) {
      assertThat(seen).doesNotContain(shared.code(), shared.ticket());
    }
  }

  @Test
  void aCodeForOneUseIsUsedUp() throws Exception {
    Shared shared = machines.host(folder, "--once", "--expire", "1h");
    machines.mount(shared, "first");
    Outcome second = mountAt("second", shared.code(), "--peer", shared.address());
    assertThat(second.exit()).as(second.toString()).isEqualTo(3);
    assertThat(second.err()).contains("used up").hasLineCount(1);
    Outcome byTicket = mountAt("third", shared.ticket());
    assertThat(byTicket.exit()).as(byTicket.toString()).isEqualTo(3);
  }

  @Test
  void anExpiredCodeOpensNothing() throws Exception {
    Shared shared = machines.host(folder, "--expire", "1s");
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
    while (!machines.onSharing("status", "--json").out().contains("\"expiresAt\":null")) {
      assertThat(System.nanoTime()).as("the code expires").isLessThan(deadline);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
    }
    Outcome late = mountAt("late", shared.code(), "--peer", shared.address());
    assertThat(late.exit()).as(late.toString()).isEqualTo(3);
    assertThat(late.err()).contains("expired").hasLineCount(1);
  }

  @Test
  void aChosenCodeServesAndServesOnceAtATime() throws Exception {
    Shared shared = machines.host(folder, "--code", "0000 0000 0000");
    assertThat(shared.code()).isEqualTo("0000-0000-0000");
    machines.mount(shared, "mnt");
    Outcome again = machines.onSharing("host", temp.toString(), "--code", "000000000000");
    assertThat(again.exit()).as(again.toString()).isEqualTo(1);
    assertThat(again.err()).contains("0000-****-****", "in use").hasLineCount(1);
  }

  @Test
  void toAnotherHostThanATicketsNothingIsSaid() throws Exception {
    Shared shared = machines.host(folder);
    Shared other = machines.hostOn(machines.mounting(), folder);
    Outcome wrong = mountAt("mnt", shared.ticket(), "--peer", other.address());
    assertThat(wrong.exit()).as(wrong.toString()).isEqualTo(3);
    assertThat(wrong.err()).containsPattern("key [0-9a-f]{64}, the ticket is of [0-9a-f]{64}");
    assertThat(wrong.err()).hasLineCount(1);
  }

  private Outcome mountAt(String name, String invitation, String... options) throws Exception {
    Path at = Files.createDirectory(temp.resolve(name));
    String[] args = new String[3 + options.length];
    args[0] = "mount";
    args[1] = invitation;
    args[2] = at.toString();
    System.arraycopy(options, 0, args, 3, options.length);
    return machines.onMounting(args);
  }

  private static String log(Path machine) throws IOException {
    return Files.readString(machine.resolve("state/logs/daemon.log"));
  }

  private static String commandLine(Path machine) throws IOException {
    Path process = Path.of("/proc", Long.toString(TwoMachines.daemonPid(machine)));
    return Files.readString(process.resolve("cmdline"))
        + Files.readString(process.resolve("environ"));
  }
}
