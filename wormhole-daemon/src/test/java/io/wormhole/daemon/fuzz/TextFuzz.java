package io.wormhole.daemon.fuzz;

import com.google.protobuf.ByteString;
import io.wormhole.daemon.discovery.PeerAddress;
import io.wormhole.daemon.host.ExcludeGlobs;
import io.wormhole.daemon.host.ShareException;
import io.wormhole.protocol.join.JoinCode;
import io.wormhole.protocol.join.JoinCodeException;
import io.wormhole.protocol.join.Ticket;
import io.wormhole.protocol.name.DisplayName;
import io.wormhole.protocol.name.EntryName;
import io.wormhole.protocol.name.LinkTarget;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.Limits;
import io.wormhole.protocol.wire.ShareId;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.List;

/** Codes, tickets, names, link targets, addresses and patterns; the first byte says which. */
public final class TextFuzz {
  private static final int KINDS = 7;

  private static final String TICKET =
      Ticket.generate(
              Fingerprint.of(new byte[Fingerprint.BYTES]),
              new ShareId(1, 2),
              3,
              List.of(new InetSocketAddress(InetAddress.getLoopbackAddress(), 4747)),
              new SecureRandom())
          .format();

  private TextFuzz() {}

  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length == 0) {
      return;
    }
    byte[] rest = Arrays.copyOfRange(input, 1, input.length);
    String text = new String(rest, StandardCharsets.UTF_8);
    switch (Byte.toUnsignedInt(input[0]) % KINDS) {
      case 0 -> code(text);
      case 1 -> displayName(text);
      case 2 -> entryName(rest);
      case 3 -> linkTarget(rest);
      case 4 -> address(text);
      case 5 -> pattern(text);
      default -> ticket(text);
    }
  }

  static List<byte[]> seeds() {
    return List.of(
        seed(0, "7KQ2-M4XR-9TDG"),
        seed(1, "ann's laptop\u202e\ud83d\ude00"),
        seed(2, "name"),
        seed(3, "../../a/./b"),
        seed(4, "[fe80::1%lo]:4747"),
        seed(4, "host:1"),
        seed(6, TICKET),
        seed(5, "!/a*/**/[!b-d[:alpha:]]?\\*/"));
  }

  private static byte[] seed(int kind, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    byte[] seed = new byte[bytes.length + 1];
    seed[0] = (byte) kind;
    System.arraycopy(bytes, 0, seed, 1, bytes.length);
    return seed;
  }

  private static void code(String text) {
    try {
      JoinCode code = JoinCode.parse(text);
      require(JoinCode.parse(code.format()).format().equals(code.format()), "a code is what it is");
      require(!code.toString().contains(code.format()), "no secret in its text");
    } catch (JoinCodeException mistyped) {
      require(!mistyped.getMessage().isEmpty(), "words");
    }
  }

  private static void ticket(String text) {
    try {
      Ticket ticket = Ticket.parse(text);
      require(Ticket.parse(ticket.format()).equals(ticket), "a ticket is what it is");
      require(ticket.addresses().size() <= Ticket.MAX_ADDRESSES, "few addresses");
      require(!ticket.toString().contains(ticket.format()), "no secret in its text");
    } catch (JoinCodeException mistyped) {
      require(!mistyped.getMessage().isEmpty(), "words");
    }
  }

  private static void displayName(String text) {
    String shown = DisplayName.of(text, "nobody").text();
    require(!shown.isEmpty(), "never empty");
    require(
        shown.getBytes(StandardCharsets.UTF_8).length <= Limits.DISPLAY_NAME_BYTES, "short enough");
    require(shown.codePoints().noneMatch(Character::isISOControl), "no control character");
    require(shown.indexOf('/') < 0 && !shown.equals("..") && !shown.equals("."), "a name");
  }

  private static void entryName(byte[] name) {
    boolean valid = EntryName.isValid(ByteString.copyFrom(name));
    require(valid == EntryName.isValid(name), "one answer");
    if (valid) {
      String text = new String(name, StandardCharsets.ISO_8859_1);
      require(text.indexOf('/') < 0 && text.indexOf('\0') < 0, "one name");
      require(!text.equals(".") && !text.equals("..") && !text.isEmpty(), "an entry");
      require(name.length <= Limits.NAME_BYTES, "short enough");
    }
  }

  /** Followed name by name, no prefix of a link that is shown stands above the root. */
  private static void linkTarget(byte[] target) {
    int depth = target.length == 0 ? 0 : target[0] & 7;
    if (!LinkTarget.isShown(target, depth)) {
      return;
    }
    String text = new String(target, StandardCharsets.ISO_8859_1);
    require(!text.startsWith("/") && text.indexOf('\0') < 0, "relative");
    int at = depth;
    boolean down = false;
    for (String name : text.split("/", -1)) {
      if (name.equals("..")) {
        require(!down, "no way back up through what may be a link");
        at--;
      } else if (!name.isEmpty() && !name.equals(".")) {
        down = true;
      }
      require(at >= 0, "never above the root");
    }
  }

  private static void address(String text) {
    try {
      PeerAddress address = PeerAddress.parse(text, false);
      require(address.port() > 0 && address.port() < 1 << 16, "a port");
    } catch (IllegalArgumentException refused) {
      require(refused.getMessage() != null, "words");
    }
  }

  private static void pattern(String text) {
    try {
      ExcludeGlobs.of(List.of(text, "!a", "*.key"));
    } catch (ShareException refused) {
      require(refused.kind() == ShareException.Kind.BAD_EXCLUDE, "refused as what it is");
    }
  }

  private static void require(boolean holds, String what) {
    if (!holds) {
      throw new AssertionError(what);
    }
  }
}
