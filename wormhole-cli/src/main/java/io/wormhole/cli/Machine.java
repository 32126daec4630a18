package io.wormhole.cli;

import io.wormhole.protocol.settings.ByteSize;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What the kernel must have and grant. Changes nothing. */
final class Machine {
  private static final Path FUSE = Path.of("/dev/fuse");
  private static final Path SYSCTL = Path.of("/proc/sys/net/core");
  private static final Path FUSE_CONFIGURATION = Path.of("/etc/fuse.conf");
  private static final String HELPER = "fusermount3";
  private static final int SET_UID = 04000;
  private static final int CAP_SYS_ADMIN = 21;
  private static final int DIGITS_MAX = 64;
  private static final int HEXADECIMAL = 16;

  /** What a lane's socket asks the kernel for, in each direction. */
  private static final long SOCKET_BUFFER_BYTES = 4L << 20;

  private static final int KERNEL_MAJOR = 5;
  private static final int KERNEL_MINOR = 8;

  private Machine() {}

  /**
   * @param carrier what is set to carry mounts: {@code auto}, {@code device} or {@code jnr}
   */
  static List<Check> checks(String carrier) {
    Check fuse = fuse();
    Check mountRight = mountRight();
    return List.of(
        kernel(),
        fuse,
        mountRight,
        backend(carrier, isOk(fuse) && isOk(mountRight)),
        socketBuffer("rmem_max"),
        socketBuffer("wmem_max"));
  }

  private static boolean isOk(Check check) {
    return check.state() == Check.State.OK;
  }

  /** Which backend would carry a mount. */
  private static Check backend(String carrier, boolean device) {
    boolean jnr = has("libfuse.so.2");
    String set = carrier.equals("auto") ? "" : ", as mount.fuse says";
    if (device && !carrier.equals("jnr")) {
      return Check.ok("backend", "mounts go by device" + set);
    }
    if (jnr && !carrier.equals("device")) {
      return Check.ok("backend", "mounts go by jnr" + set);
    }
    return carrier.equals("jnr")
        ? Check.missing(
            "backend",
            "mount.fuse is jnr, and libfuse 2 is missing",
            "install it: apt install libfuse2; or wormhole config set mount.fuse auto")
        : Check.warn("backend", "nothing can be mounted here", "see fuse and mount-right");
  }

  private static Check kernel() {
    String version = System.getProperty("os.version", "");
    Matcher numbers = Pattern.compile("(\\d{1,4})\\.(\\d{1,4}).*").matcher(version);
    boolean linux = System.getProperty("os.name", "").equals("Linux");
    if (linux && numbers.matches()) {
      int major = Integer.parseInt(numbers.group(1));
      int minor = Integer.parseInt(numbers.group(2));
      if (major > KERNEL_MAJOR || (major == KERNEL_MAJOR && minor >= KERNEL_MINOR)) {
        return Check.ok("kernel", "Linux " + version);
      }
    }
    return Check.missing(
        "kernel",
        System.getProperty("os.name") + " " + version + " cannot keep peers inside a folder",
        "sharing needs Linux %d.%d or newer".formatted(KERNEL_MAJOR, KERNEL_MINOR));
  }

  private static Check fuse() {
    if (!Files.exists(FUSE)) {
      return Check.missing(
          "fuse",
          FUSE + " is missing, so nothing can be mounted",
          "modprobe fuse; in a container, start it with --device /dev/fuse");
    }
    try (RandomAccessFile _ = new RandomAccessFile(FUSE.toFile(), "rw")) {
      return Check.ok("fuse", FUSE + " can be opened");
    } catch (IOException refused) {
      return Check.missing(
          "fuse",
          FUSE + " cannot be opened: " + refused.getMessage(),
          "as root: chmod 666 /dev/fuse; in a container, start it with --device /dev/fuse");
    }
  }

  private static Check mountRight() {
    boolean lent = true;
    try {
      for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
        if (line.startsWith("CapEff:")) {
          long held = Long.parseUnsignedLong(line.substring(7).strip(), HEXADECIMAL);
          if (((held >> CAP_SYS_ADMIN) & 1) == 1) {
            return Check.ok("mount-right", "this user may mount");
          }
        }
        lent &= !line.matches("NoNewPrivs:\\s*1");
      }
    } catch (IOException | NumberFormatException untold) {
      return Check.warn("mount-right", "the kernel does not tell what this user may do", null);
    }
    return helper(lent);
  }

  /**
   * An ordinary user mounts through libfuse3 and its set-uid helper.
   *
   * @param lent whether a set-uid program lends its rights to who starts it from here
   */
  private static Check helper(boolean lent) {
    Path helper = findHelper();
    if (helper == null || !hasLibrary()) {
      return Check.missing(
          "mount-right",
          "this user may not mount without %s (sharing works)"
              .formatted(helper == null ? HELPER : "libfuse3"),
          "install the package fuse3; or run as root, in a container with --cap-add SYS_ADMIN");
    }
    if (!lent) {
      return Check.missing(
          "mount-right",
          helper
              + " is not let work here (no_new_privs), so this user may not mount (sharing works)",
          "in a container, start it without no-new-privileges; in a service, set"
              + " NoNewPrivileges=no; or run as root");
    }
    try {
      int mode = (Integer) Files.getAttribute(helper, "unix:mode");
      int owner = (Integer) Files.getAttribute(helper, "unix:uid");
      if ((mode & SET_UID) != 0 && owner == 0) {
        return Check.ok(
            "mount-right", "this user may mount, through " + helper + "; " + lettingOthersIn());
      }
    } catch (IOException untold) {
      return Check.warn("mount-right", "cannot look at " + helper + ": " + untold, null);
    }
    return Check.missing(
        "mount-right",
        helper + " is not set-uid root, so this user may not mount (sharing works)",
        "as root: chown root %s && chmod u+s %s".formatted(helper, helper));
  }

  /** A remark: most mounts are for who makes them. */
  private static String lettingOthersIn() {
    boolean allowed;
    try {
      allowed =
          Files.readString(FUSE_CONFIGURATION, StandardCharsets.ISO_8859_1)
              .lines()
              .anyMatch(line -> line.strip().equals("user_allow_other"));
    } catch (IOException none) {
      allowed = false;
    }
    return allowed
        ? "--allow-other lets others in"
        : "letting others in needs the line user_allow_other in " + FUSE_CONFIGURATION;
  }

  private static @Nullable Path findHelper() {
    String path = System.getenv().getOrDefault("PATH", "");
    return Stream.concat(Stream.of(path.split(File.pathSeparator, -1)), Stream.of("/usr/bin"))
        .filter(folder -> folder.startsWith("/"))
        .map(folder -> Path.of(folder, HELPER))
        .filter(Files::isExecutable)
        .findFirst()
        .orElse(null);
  }

  private static boolean hasLibrary() {
    return has("libfuse3.so.4") || has("libfuse3.so.3");
  }

  @SuppressWarnings("restricted")
  private static boolean has(String library) {
    try {
      SymbolLookup _ = SymbolLookup.libraryLookup(library, Arena.global());
      return true;
    } catch (IllegalArgumentException absent) {
      return false;
    }
  }

  private static Check socketBuffer(String name) {
    String key = "net.core." + name;
    try {
      long bytes = Long.parseLong(read(SYSCTL.resolve(name)).strip());
      return bytes >= SOCKET_BUFFER_BYTES
          ? Check.ok(name, key + " is " + ByteSize.text(bytes))
          : Check.warn(
              name,
              key + " is " + ByteSize.text(bytes) + ", which a fast network overruns",
              "sysctl -w " + key + "=" + SOCKET_BUFFER_BYTES);
    } catch (NoSuchFileException inNamespace) {
      return Check.ok(name, key + " is the machine's, and cannot be seen from here");
    } catch (IOException | NumberFormatException untold) {
      return Check.warn(name, key + " cannot be read: " + untold, null);
    }
  }

  /** In one read: the kernel gives the rest of such a file to nobody who comes back for it. */
  private static String read(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return new String(in.readNBytes(DIGITS_MAX), StandardCharsets.US_ASCII);
    }
  }
}
