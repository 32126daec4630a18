package io.wormhole;

import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.TwoMachines.Outcome;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** Two network namespaces with nothing between them but a cable, which can be cut. Needs root. */
final class Cable implements AutoCloseable {
  static final String SHARING = "10.93.0.1";
  private static final String MOUNTING = "10.93.0.2";
  private static final String MOUNTING_ELSEWHERE = "10.93.0.3";

  private static final AtomicInteger CABLES = new AtomicInteger();

  private final String own = ProcessHandle.current().pid() + "-" + CABLES.incrementAndGet();
  private final String sharing = "wh-test-s-" + own;
  private final String mounting = "wh-test-m-" + own;

  Cable() throws IOException, InterruptedException {
    ip("netns", "add", sharing);
    ip("netns", "add", mounting);
    ip("-n", sharing, "link", "add", "v0", "type", "veth", "peer", "name", "v0", "netns", mounting);
    ip("-n", sharing, "addr", "add", SHARING + "/24", "dev", "v0");
    ip("-n", mounting, "addr", "add", MOUNTING + "/24", "dev", "v0");
    for (String end : List.of(sharing, mounting)) {
      ip("-n", end, "link", "set", "lo", "up");
      ip("-n", end, "link", "set", "v0", "up");
    }
  }

  /** What a command is begun with to run at one end; it shares every mount with the other. */
  List<String> at(boolean sharingEnd) {
    return List.of("nsenter", "--net=/run/netns/" + (sharingEnd ? sharing : mounting));
  }

  void cut() throws IOException, InterruptedException {
    ip("-n", sharing, "link", "set", "v0", "down");
  }

  void mend() throws IOException, InterruptedException {
    ip("-n", sharing, "link", "set", "v0", "up");
  }

  /** What the sharing end sends over TCP does not arrive any more, as behind a firewall. */
  void swallowTcp() throws IOException, InterruptedException {
    ip("-n", sharing, "rule", "add", "pref", "10", "ipproto", "tcp", "blackhole");
  }

  void letTcpPass() throws IOException, InterruptedException {
    ip("-n", sharing, "rule", "del", "pref", "10");
  }

  /** The mounting end gets another address, and loses the one it had. */
  void moveTheMountingEnd() throws IOException, InterruptedException {
    ip("-n", mounting, "addr", "del", MOUNTING + "/24", "dev", "v0");
    ip("-n", mounting, "addr", "add", MOUNTING_ELSEWHERE + "/24", "dev", "v0");
  }

  private static void ip(String... args) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("ip"));
    command.addAll(List.of(args));
    Outcome outcome = TwoMachines.run(command.toArray(String[]::new));
    assertThat(outcome.exit()).as("%s: %s", command, outcome).isZero();
  }

  @Override
  public void close() throws IOException {
    try {
      ip("netns", "del", sharing);
      ip("netns", "del", mounting);
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }
}
