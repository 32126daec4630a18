package io.wormhole.daemon.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * Two network namespaces with a cable between them, and the programs that run there. Needs root;
 * everything is gone after {@link #end}.
 */
final class TwoNetworks {
  static final String HOST_ADDRESS = "10.213.7.1";
  static final String GUEST_ADDRESS = "10.213.7.2";

  /** What each of the machines is called. */
  static final String MACHINE = "whdisc-machine";

  private static final long SECONDS = 30;

  final String hosting = "whdisc-h" + ProcessHandle.current().pid();
  final String mounting = "whdisc-g" + ProcessHandle.current().pid();
  private final List<Program> programs = new ArrayList<>();

  TwoNetworks() throws IOException, InterruptedException {
    run("ip", "netns", "add", hosting);
    run("ip", "netns", "add", mounting);
    run(
        "ip", "-n", hosting, "link", "add", "wh0", "type", "veth", "peer", "name", "wh0", "netns",
        mounting);
    up(hosting, HOST_ADDRESS);
    up(mounting, GUEST_ADDRESS);
  }

  private static void up(String namespace, String address)
      throws IOException, InterruptedException {
    run("ip", "-n", namespace, "address", "add", address + "/24", "dev", "wh0");
    run("ip", "-n", namespace, "link", "set", "lo", "up");
    run("ip", "-n", namespace, "link", "set", "wh0", "up");
  }

  /** Why there can be none on this machine; empty where there can. */
  static String lack() {
    try {
      if (!"root".equals(System.getProperty("user.name"))) {
        return "not root";
      }
      String probe = "whdisc-p" + ProcessHandle.current().pid();
      run("ip", "netns", "add", probe);
      run("ip", "netns", "delete", probe);
      return "";
    } catch (IOException | AssertionError none) {
      return "no network namespace can be made: " + none.getMessage();
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      return "interrupted";
    }
  }

  static void run(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(SECONDS, TimeUnit.SECONDS)).as(said).isTrue();
    assertThat(process.exitValue()).as(said).isZero();
  }

  /** A program that answers a line with a line. */
  static final class Program {
    private final Process process;
    private final PrintStream in;
    private final BlockingQueue<String> out = new ArrayBlockingQueue<>(1000);

    private Program(Process process) {
      this.process = process;
      this.in = new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8);
      Thread.ofVirtual()
          .start(() -> {
            try (BufferedReader lines =
                new BufferedReader(
                    new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
              for (String line; (line = lines.readLine()) != null; ) {
                out.add(line);
              }
            } catch (IOException ended) {
              out.add("ended: " + ended);
            }
          });
    }

    void tell(String line) {
      in.println(line);
    }

    String next() throws InterruptedException {
      String line = out.poll(SECONDS, TimeUnit.SECONDS);
      assertThat(line).as("an answer").isNotNull();
      return line;
    }

    String ask(String line) throws InterruptedException {
      tell(line);
      return next();
    }

    long pid() {
      return process.pid();
    }

    /** Ends it in order: everything it publishes is taken back. */
    void end() throws InterruptedException {
      in.close();
      assertThat(process.waitFor(SECONDS, TimeUnit.SECONDS)).isTrue();
    }
  }

  /** Starts a {@link Neighbour} in one of the namespaces. */
  Program neighbour(String namespace, String fingerprint) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                "ip",
                "netns",
                "exec",
                namespace,
                "unshare",
                "--uts",
                "sh",
                "-c",
                "hostname " + MACHINE + " && exec \"$@\"",
                "sh",
                System.getProperty("java.home") + "/bin/java",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xmx64m",
                "-cp",
                System.getProperty("java.class.path"),
                Neighbour.class.getName(),
                fingerprint)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    Program program = new Program(process);
    programs.add(program);
    while (!program.next().equals("ready")) {
      // The logger says how it was set up.
    }
    return program;
  }

  void end() throws IOException, InterruptedException {
    for (Program program : programs) {
      program.process.destroyForcibly();
      program.process.waitFor(SECONDS, TimeUnit.SECONDS);
    }
    run("ip", "netns", "delete", hosting);
    run("ip", "netns", "delete", mounting);
  }
}
