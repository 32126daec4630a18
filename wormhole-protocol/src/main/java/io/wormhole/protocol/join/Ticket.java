package io.wormhole.protocol.join;

import io.wormhole.protocol.join.JoinCodeException.Problem;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.ShareId;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.zip.CRC32;

/**
 * A code that is pasted instead of typed: it names the host's key, which is known beforehand that
 * way, and where the host listens; its secret has 128 bits, which nobody guesses.
 *
 * <pre>
 * "wormhole:1" and, in Crockford's base 32, the last symbol's unused bits 0:
 *   version 1 | flags 0                                     1 byte each
 *   SHA-256 of the host's SubjectPublicKeyInfo              32 bytes
 *   secret                                                  16 bytes
 *   share id                                                16 bytes
 *   nameplate                                               4 bytes, big-endian
 *   number of addresses, 0 to {@value #MAX_ADDRESSES}                      1 byte
 *     each: 4 or 6 | the address | port, big-endian         7 or 19 bytes
 *   CRC-32 of all bytes before                              4 bytes, big-endian
 * </pre>
 *
 * <p>One ticket has one text, but for the case of its letters. {@link #toString} is {@link
 * #masked}.
 */
public final class Ticket implements Invitation {
  /** Addresses a ticket may name. */
  public static final int MAX_ADDRESSES = 8;

  private static final int SECRET_BYTES = 16;
  private static final String SCHEME = "wormhole:";
  private static final String PREFIX = SCHEME + "1";
  private static final byte VERSION = 1;
  private static final byte FLAGS = 0;
  private static final int FAMILY_4 = 4;
  private static final int FAMILY_6 = 6;
  private static final int ADDRESS_4_BYTES = 4;
  private static final int ADDRESS_6_BYTES = 16;
  private static final int MAX_BYTES =
      2
          + Fingerprint.BYTES
          + SECRET_BYTES
          + ShareId.BYTES
          + Integer.BYTES
          + 1
          + MAX_ADDRESSES * (1 + ADDRESS_6_BYTES + Short.BYTES)
          + Integer.BYTES;

  /** Characters of the longest ticket. */
  public static final int MAX_CHARACTERS =
      PREFIX.length() + (MAX_BYTES * Byte.SIZE + Symbols.BITS - 1) / Symbols.BITS;

  private final Fingerprint host;
  private final byte[] secret;
  private final ShareId share;
  private final int nameplate;
  private final List<InetSocketAddress> addresses;

  private Ticket(
      Fingerprint host,
      byte[] secret,
      ShareId share,
      int nameplate,
      List<InetSocketAddress> addresses) {
    this.host = host;
    this.secret = secret;
    this.share = share;
    this.nameplate = nameplate;
    this.addresses = List.copyOf(addresses);
  }

  /**
   * A ticket nobody can foresee.
   *
   * @param nameplate of the code it stands beside
   * @param addresses where the host can be dialled, the likeliest first; what cannot be dialled
   *     from elsewhere, what comes twice and what is too many are left out
   */
  public static Ticket generate(
      Fingerprint host,
      ShareId share,
      int nameplate,
      List<InetSocketAddress> addresses,
      SecureRandom random) {
    byte[] secret = new byte[SECRET_BYTES];
    random.nextBytes(secret);
    return new Ticket(
        host,
        secret,
        share,
        nameplate,
        addresses.stream()
            .filter(address -> !address.isUnresolved())
            .map(address -> new InetSocketAddress(bare(address.getAddress()), address.getPort()))
            .filter(Ticket::canBeDialled)
            .distinct()
            .limit(MAX_ADDRESSES)
            .toList());
  }

  /** Whether a text is meant to be a ticket, well-formed or not. */
  public static boolean looksLike(String text) {
    return text.strip().regionMatches(true, 0, SCHEME, 0, SCHEME.length());
  }

  /**
   * Reads a ticket; white space around it does not count.
   *
   * @throws JoinCodeException with what is wrong, for one line to a person
   */
  public static Ticket parse(String text) throws JoinCodeException {
    String stripped = text.strip();
    if (!looksLike(stripped)) {
      throw new JoinCodeException(Problem.SYMBOL, "a ticket begins with " + PREFIX);
    }
    if (!stripped.regionMatches(true, 0, PREFIX, 0, PREFIX.length())) {
      throw new JoinCodeException(
          Problem.VERSION, "the ticket is of another version than this one: update wormhole");
    }
    if (stripped.length() > MAX_CHARACTERS) {
      throw damaged();
    }
    byte[] bytes = decode(stripped.substring(PREFIX.length()));
    try {
      return read(bytes);
    } catch (BufferUnderflowException cut) {
      throw damaged();
    } finally {
      Arrays.fill(bytes, (byte) 0);
    }
  }

  private static Ticket read(byte[] bytes) throws JoinCodeException {
    if (bytes.length < Integer.BYTES) {
      throw damaged();
    }
    int end = bytes.length - Integer.BYTES;
    ByteBuffer in = ByteBuffer.wrap(bytes);
    if (crc(bytes, end) != in.getInt(end)) {
      throw damaged();
    }
    in.limit(end);
    if (in.get() != VERSION || in.get() != FLAGS) {
      throw new JoinCodeException(
          Problem.VERSION, "the ticket asks for what this version cannot do: update wormhole");
    }
    Fingerprint host = Fingerprint.of(take(in, Fingerprint.BYTES));
    byte[] secret = take(in, SECRET_BYTES);
    ShareId share = ShareId.of(take(in, ShareId.BYTES));
    int nameplate = in.getInt();
    if (nameplate < 0 || nameplate >= JoinCode.NAMEPLATES) {
      throw damaged();
    }
    int count = Byte.toUnsignedInt(in.get());
    if (count > MAX_ADDRESSES) {
      throw damaged();
    }
    List<InetSocketAddress> addresses = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      addresses.add(readAddress(in));
    }
    if (in.hasRemaining() || new HashSet<>(addresses).size() != count) {
      throw damaged();
    }
    return new Ticket(host, secret, share, nameplate, addresses);
  }

  private static InetSocketAddress readAddress(ByteBuffer in) throws JoinCodeException {
    int bytes =
        switch (in.get()) {
          case FAMILY_4 -> ADDRESS_4_BYTES;
          case FAMILY_6 -> ADDRESS_6_BYTES;
          default -> throw damaged();
        };
    InetAddress address;
    try {
      address = InetAddress.getByAddress(take(in, bytes));
    } catch (UnknownHostException length) {
      throw new IllegalStateException("an address of " + bytes + " bytes", length);
    }
    InetSocketAddress read = new InetSocketAddress(address, Short.toUnsignedInt(in.getShort()));
    // An IPv4 address in IPv6's clothes would be a second way to write the same ticket.
    if (address.getAddress().length != bytes || !canBeDialled(read)) {
      throw damaged();
    }
    return read;
  }

  /** The key of the host, which nothing is to be said to before it is compared. */
  public Fingerprint host() {
    return host;
  }

  /** Which share it opens. */
  public ShareId share() {
    return share;
  }

  /** Where the host listened when it made the ticket; literal addresses, perhaps none. */
  public List<InetSocketAddress> addresses() {
    return addresses;
  }

  @Override
  public int nameplate() {
    return nameplate;
  }

  @Override
  public byte[] secret() {
    return secret.clone();
  }

  @Override
  public String format() {
    ByteBuffer out = ByteBuffer.allocate(MAX_BYTES);
    out.put(VERSION).put(FLAGS).put(host.bytes()).put(secret).put(share.bytes()).putInt(nameplate);
    out.put((byte) addresses.size());
    for (InetSocketAddress address : addresses) {
      byte[] bytes = address.getAddress().getAddress();
      out.put((byte) (bytes.length == ADDRESS_4_BYTES ? FAMILY_4 : FAMILY_6));
      out.put(bytes).putShort((short) address.getPort());
    }
    out.putInt(crc(out.array(), out.position()));
    String text = PREFIX + encode(out.array(), out.position());
    Arrays.fill(out.array(), (byte) 0);
    return text;
  }

  /** The kind and the nameplate: {@code the ticket of 7KQ2}. */
  @Override
  public String masked() {
    return "the ticket of " + JoinCode.nameplateText(nameplate);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Ticket that
        && host.equals(that.host)
        && MessageDigest.isEqual(secret, that.secret)
        && share.equals(that.share)
        && nameplate == that.nameplate
        && addresses.equals(that.addresses);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(secret);
  }

  /** {@link #masked}. */
  @Override
  public String toString() {
    return masked();
  }

  private static boolean canBeDialled(InetSocketAddress address) {
    InetAddress ip = address.getAddress();
    return address.getPort() != 0 && !ip.isAnyLocalAddress() && !ip.isMulticastAddress();
  }

  /** Without a name and without an interface of this machine. */
  private static InetAddress bare(InetAddress address) {
    try {
      return InetAddress.getByAddress(address.getAddress());
    } catch (UnknownHostException length) {
      throw new IllegalStateException("an address of a strange length", length);
    }
  }

  private static byte[] take(ByteBuffer in, int count) {
    byte[] bytes = new byte[count];
    in.get(bytes);
    return bytes;
  }

  private static int crc(byte[] bytes, int count) {
    CRC32 crc = new CRC32();
    crc.update(bytes, 0, count);
    return (int) crc.getValue();
  }

  private static String encode(byte[] bytes, int count) {
    StringBuilder text = new StringBuilder();
    int held = 0;
    int bits = 0;
    for (int i = 0; i < count; i++) {
      held = (held << Byte.SIZE) | Byte.toUnsignedInt(bytes[i]);
      for (bits += Byte.SIZE; bits >= Symbols.BITS; bits -= Symbols.BITS) {
        text.append(Symbols.symbol((held >> (bits - Symbols.BITS)) & Symbols.MASK));
      }
      held &= (1 << bits) - 1;
    }
    if (bits > 0) {
      text.append(Symbols.symbol((held << (Symbols.BITS - bits)) & Symbols.MASK));
    }
    return text.toString();
  }

  private static byte[] decode(String text) throws JoinCodeException {
    byte[] bytes = new byte[text.length() * Symbols.BITS / Byte.SIZE];
    int held = 0;
    int bits = 0;
    int count = 0;
    for (int i = 0; i < text.length(); i++) {
      int value = Symbols.value(text.charAt(i));
      if (value < 0 || Symbols.symbol(value) != Character.toUpperCase(text.charAt(i))) {
        throw damaged();
      }
      held = (held << Symbols.BITS) | value;
      bits += Symbols.BITS;
      if (bits >= Byte.SIZE) {
        bits -= Byte.SIZE;
        bytes[count++] = (byte) (held >> bits);
        held &= (1 << bits) - 1;
      }
    }
    if (bits >= Symbols.BITS || held != 0) {
      throw damaged();
    }
    return bytes;
  }

  private static JoinCodeException damaged() {
    return new JoinCodeException(
        Problem.CHECK, "the ticket is damaged or not whole; copy all of it, in one piece");
  }
}
