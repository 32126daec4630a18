package io.wormhole.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ControlPaths;
import io.wormhole.protocol.control.Folders;
import io.wormhole.protocol.control.OwnFile;
import io.wormhole.protocol.control.PrivateFolder;
import io.wormhole.protocol.settings.ByteSize;
import io.wormhole.protocol.settings.Settings;
import io.wormhole.protocol.settings.SettingsFile;
import java.io.IOException;
import java.net.BindException;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** What this machine and this home must have, looked at one by one. Starts and changes nothing. */
final class Checkup {
  private static final long DISK_WARN_BYTES = 256L << 20;
  private static final long DISK_FAIL_BYTES = 4L << 20;
  private static final int MULTICAST_DNS_PORT = 5353;
  private static final Duration ANSWER_LIMIT = Duration.ofSeconds(3);
  private static final Duration CLOCK_SLACK = Duration.ofHours(1);

  /** No clock that is right says less: the first version is younger. */
  private static final Instant BEGAN = Instant.parse("2026-01-01T00:00:00Z");

  private final Folders folders;
  private final ControlClient client;

  Checkup(Folders folders, ControlClient client) {
    this.folders = folders;
    this.client = client;
  }

  List<Check> all() {
    List<Check> all = new ArrayList<>(Machine.checks(carrier()));
    all.addAll(List.of(clock(), disk(), port(), runtimeFolder(), config(), identity(), mdns()));
    return all;
  }

  /** What is set to carry mounts; a file that cannot be read is another check's. */
  private String carrier() {
    try {
      return SettingsFile.of(folders).read().fuse();
    } catch (ControlException saidLater) {
      return Settings.DEFAULTS.fuse();
    }
  }

  private Check clock() {
    Instant now = Instant.now();
    if (now.isBefore(BEGAN)) {
      return Check.fail("clock", "the clock says " + now + ", which is past", "set the clock");
    }
    Path written = identityFile();
    try {
      Instant then = Files.getLastModifiedTime(written).toInstant();
      if (then.isAfter(now.plus(CLOCK_SLACK))) {
        return Check.warn(
            "clock",
            "%s was written at %s, and it is %s".formatted(written, then, now),
            "set the clock");
      }
    } catch (NoSuchFileException none) {
      return Check.ok("clock", now.toString());
    } catch (IOException unreadable) {
      return Check.warn("clock", "cannot look at " + written + ": " + unreadable, null);
    }
    return Check.ok("clock", now.toString());
  }

  private Check disk() {
    Path there = folders.state();
    while (!Files.exists(there) && there.getParent() != null) {
      there = there.getParent();
    }
    try {
      long free = Files.getFileStore(there).getUsableSpace();
      String message = ByteSize.text(free) + " free for " + folders.state();
      if (free >= DISK_WARN_BYTES) {
        return Check.ok("disk", message);
      }
      return free >= DISK_FAIL_BYTES
          ? Check.warn("disk", message, "make room")
          : Check.fail("disk", message, "make room, or set WORMHOLE_HOME to another disk");
    } catch (IOException untold) {
      return Check.warn("disk", "cannot tell what is free at " + there + ": " + untold, null);
    }
  }

  /**
   * The port that shares are served at; a daemon that serves some has it, another program must not.
   */
  private Check port() {
    Path file = folders.state().resolve("port");
    int port;
    try {
      port = Integer.parseInt(Files.readString(file).strip());
    } catch (NoSuchFileException none) {
      return Check.ok("port", "none is kept yet; the first share chooses one");
    } catch (IOException | NumberFormatException damaged) {
      return Check.warn("port", file + " holds no port", "remove it: another is chosen");
    }
    try (DatagramSocket socket = new DatagramSocket(null)) {
      socket.bind(new InetSocketAddress(port));
      return Check.ok("port", "UDP port " + port + " is kept for shares, and free");
    } catch (BindException taken) {
      return servedHere(port)
          ? Check.ok("port", "UDP port " + port + " is this home's daemon's")
          : Check.fail(
              "port",
              "UDP port " + port + ", kept for shares, is taken by another program",
              "find it: ss -lunp 'sport = :%d'; or choose another: rm %s".formatted(port, file));
    } catch (SocketException | IllegalArgumentException failed) {
      return Check.warn("port", "UDP port " + port + " cannot be tried: " + failed, null);
    }
  }

  private boolean servedHere(int port) {
    try {
      Optional<byte[]> answer = client.get(ControlPaths.STATUS, ANSWER_LIMIT);
      if (answer.isPresent()) {
        for (JsonNode share : new ObjectMapper().readTree(answer.get()).path("shares")) {
          if (share.path("address").asText().endsWith(":" + port)) {
            return true;
          }
        }
      }
      return false;
    } catch (ControlException | IOException silent) {
      return false;
    }
  }

  private Check runtimeFolder() {
    Path run = folders.run();
    if (!Files.exists(run, LinkOption.NOFOLLOW_LINKS)) {
      return Check.ok("runtime-folder", run + " is made when the daemon starts");
    }
    try {
      PrivateFolder.check(run);
      boolean listens = client.daemonListens();
      return Check.ok(
          "runtime-folder", run + (listens ? ", where the daemon listens" : ", no daemon runs"));
    } catch (ControlException refused) {
      return Check.refused("runtime-folder", refused);
    }
  }

  private Check config() {
    SettingsFile file = SettingsFile.of(folders);
    try {
      file.read();
      return Check.ok(
          "config", file.path() + (Files.exists(file.path()) ? "" : " is not there: defaults"));
    } catch (ControlException refused) {
      return Check.refused("config", refused);
    }
  }

  private Path identityFile() {
    return folders.state().resolve("identity.p8");
  }

  private Check identity() {
    Path file = identityFile();
    try {
      OwnFile.refuseWritable(file);
      Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(file);
      if (permissions.contains(PosixFilePermission.GROUP_READ)
          || permissions.contains(PosixFilePermission.OTHERS_READ)) {
        return Check.fail("identity", "other users can read " + file, "chmod 600 " + file);
      }
      return Check.ok("identity", file.toString());
    } catch (NoSuchFileException none) {
      return Check.ok("identity", file + " is made when the daemon first starts");
    } catch (ControlException refused) {
      return Check.refused("identity", refused);
    } catch (IOException unreadable) {
      return Check.fail("identity", "cannot look at " + file + ": " + unreadable, null);
    }
  }

  private Check mdns() {
    try {
      if (!SettingsFile.of(folders).read().mdns()) {
        return Check.ok("mdns", "is off (discovery.mdns); hosts are found by --peer");
      }
    } catch (ControlException saidAlready) {
      return Check.warn("mdns", "the settings cannot be read", null);
    }
    String without = "hosts on this network are found by --peer only";
    try (DatagramSocket socket = new DatagramSocket(null)) {
      if (NetworkInterface.networkInterfaces().noneMatch(Checkup::takesMulticast)) {
        return Check.warn("mdns", "no network that is up takes multicast; " + without, null);
      }
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(MULTICAST_DNS_PORT));
      return Check.ok("mdns", "hosts on this network can be found");
    } catch (SocketException refused) {
      return Check.warn(
          "mdns",
          "UDP port " + MULTICAST_DNS_PORT + " is not to be had; " + without,
          "find who keeps it: ss -lunp 'sport = :" + MULTICAST_DNS_PORT + "'");
    }
  }

  private static boolean takesMulticast(NetworkInterface network) {
    try {
      return network.isUp() && network.supportsMulticast() && !network.isLoopback();
    } catch (SocketException gone) {
      return false;
    }
  }
}
