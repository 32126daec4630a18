package io.wormhole.daemon.discovery;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A message of multicast DNS (RFC 6762, RFC 1035 section 4), as much of it as concerns us. Whoever
 * is on the network writes these, so every length, count and name is checked, and one that breaks a
 * rule is no message at all.
 *
 * @param asked the names it asks for, lower case; only of a plain query
 * @param plainQuery whether it is a query with questions alone, no records
 * @param hosts the Wormhole hosts it announces; of a query none
 */
record MulticastMessage(boolean plainQuery, List<String> asked, List<Host> hosts) {
  /** What hosts publish, and guests ask for. */
  static final String SERVICE = "_wormhole._udp.local";

  static final int BYTES_MAX = 9000;
  private static final int HOSTS_MAX = 8;
  private static final int QUESTIONS_MAX = 16;
  private static final int RECORDS_MAX = 64;
  private static final int NAME_BYTES_MAX = 255;
  private static final int RESPONSE = 0x8000;
  private static final int OPCODE = 0x7800;
  private static final int RESULT = 0x000f;
  private static final int POINTER = 0xc0;
  private static final int LABEL = 0x3f;
  private static final int TYPE_PTR = 12;
  private static final int TYPE_TXT = 16;
  private static final int TYPE_SRV = 33;
  private static final int CLASS_IN = 1;
  private static final int CLASS_MASK = 0x7fff;
  private static final int PRIORITY_AND_WEIGHT_BYTES = 4;

  /**
   * A host that is announced.
   *
   * @param instance its random name within the service
   * @param port 1 to 65,535
   */
  record Host(String instance, int port, Advertisement advertisement) {}

  /** A query for all hosts. */
  static byte[] query() {
    ByteBuffer query = ByteBuffer.allocate(64);
    query.putShort((short) 0).putShort((short) 0).putShort((short) 1);
    query.putShort((short) 0).putShort((short) 0).putShort((short) 0);
    for (String label : SERVICE.split("\\.", -1)) {
      query.put((byte) label.length()).put(label.getBytes(StandardCharsets.US_ASCII));
    }
    query.put((byte) 0).putShort((short) TYPE_PTR).putShort((short) CLASS_IN);
    byte[] bytes = new byte[query.position()];
    query.get(0, bytes);
    return bytes;
  }

  /** Reads the first {@code length} bytes; nothing if they break a rule. */
  static Optional<MulticastMessage> parse(byte[] packet, int length) {
    if (length > BYTES_MAX) {
      return Optional.empty();
    }
    try {
      return new Reader(ByteBuffer.wrap(packet, 0, length)).message();
    } catch (BufferUnderflowException | IllegalArgumentException broken) {
      return Optional.empty();
    }
  }

  /** Reads one message; every failure is one of the two that {@link #parse} takes for none. */
  private static final class Reader {
    private final ByteBuffer in;
    private final Map<String, Integer> ports = new HashMap<>();
    private final Map<String, Advertisement> texts = new HashMap<>();

    Reader(ByteBuffer in) {
      this.in = in;
    }

    Optional<MulticastMessage> message() {
      in.getShort();
      int flags = in.getShort();
      if ((flags & (OPCODE | RESULT)) != 0) {
        return Optional.empty();
      }
      boolean response = (flags & RESPONSE) != 0;
      int questions = in.getShort() & 0xffff;
      int records = (in.getShort() & 0xffff) + (in.getShort() & 0xffff) + (in.getShort() & 0xffff);
      if (questions > QUESTIONS_MAX || records > RECORDS_MAX) {
        return Optional.empty();
      }
      List<String> asked = new ArrayList<>();
      for (int i = 0; i < questions; i++) {
        asked.add(name());
        in.getInt();
      }
      if (!response) {
        return Optional.of(new MulticastMessage(records == 0, asked, List.of()));
      }
      for (int i = 0; i < records; i++) {
        record();
      }
      return Optional.of(new MulticastMessage(false, List.of(), hosts()));
    }

    private void record() {
      String owner = name();
      int type = in.getShort();
      int dnsClass = in.getShort() & CLASS_MASK;
      int lifeSeconds = in.getInt();
      ByteBuffer content = data(in.getShort() & 0xffff);
      // A life of nothing is a goodbye (RFC 6762, section 10.1).
      if (dnsClass != CLASS_IN || lifeSeconds <= 0 || !owner.endsWith("." + SERVICE)) {
        return;
      }
      if (type == TYPE_SRV) {
        content.position(content.position() + PRIORITY_AND_WEIGHT_BYTES);
        ports.put(owner, content.getShort() & 0xffff);
      } else if (type == TYPE_TXT) {
        byte[] text = new byte[content.remaining()];
        content.get(text);
        Advertisement.parse(text).ifPresent(said -> texts.put(owner, said));
      }
    }

    private ByteBuffer data(int bytes) {
      ByteBuffer data = in.duplicate();
      data.limit(in.position() + bytes);
      in.position(in.position() + bytes);
      return data;
    }

    private List<Host> hosts() {
      List<Host> hosts = new ArrayList<>();
      Set<String> instances = texts.keySet();
      for (String instance : instances) {
        Integer port = ports.get(instance);
        Advertisement said = texts.get(instance);
        if (port != null && port != 0 && said != null && hosts.size() < HOSTS_MAX) {
          hosts.add(new Host(instance, port, said));
        }
      }
      return hosts;
    }

    /** A name in lower case; pointers lead strictly backwards, and so come to an end. */
    private String name() {
      StringBuilder name = new StringBuilder();
      ByteBuffer at = in;
      int before = in.position();
      while (true) {
        int length = at.get() & 0xff;
        if (length == 0) {
          return name.toString();
        }
        if ((length & POINTER) == POINTER) {
          int target = (length & LABEL) << 8 | (at.get() & 0xff);
          if (target >= before) {
            throw new IllegalArgumentException("a pointer that does not lead back");
          }
          before = target;
          at = in.duplicate();
          at.position(target);
        } else if ((length & POINTER) != 0 || name.length() + length > NAME_BYTES_MAX) {
          throw new IllegalArgumentException("a label that is none");
        } else {
          byte[] label = new byte[length];
          at.get(label);
          name.append(name.isEmpty() ? "" : ".")
              .append(new String(label, StandardCharsets.ISO_8859_1).toLowerCase(Locale.ROOT));
        }
      }
    }
  }
}
