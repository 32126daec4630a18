package io.wormhole.protocol.join;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.wormhole.protocol.join.JoinCodeException.Problem;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.ShareId;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.zip.CRC32;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TicketTest {
  private static final String ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final int HEAD_BYTES = 2 + 32 + 16 + 16;

  @Property(tries = 200)
  void whatIsFormattedIsReadBack(@ForAll("tickets") Ticket ticket) throws JoinCodeException {
    String text = ticket.format();
    assertThat(text).matches("wormhole:1[" + ALPHABET + "]+");
    assertThat(text.length()).isLessThanOrEqualTo(Ticket.MAX_CHARACTERS);
    for (String written : List.of(text, text.toLowerCase(Locale.ROOT), " " + text + "\r\n")) {
      Ticket read = Ticket.parse(written);
      assertThat(read).isEqualTo(ticket).hasSameHashCodeAs(ticket);
      assertThat(read.host()).isEqualTo(ticket.host());
      assertThat(read.share()).isEqualTo(ticket.share());
      assertThat(read.nameplate()).isEqualTo(ticket.nameplate());
      assertThat(read.addresses()).isEqualTo(ticket.addresses());
      assertThat(read.secret()).isEqualTo(ticket.secret()).hasSize(16);
      assertThat(read.format()).isEqualTo(text);
    }
    assertThat(Invitation.parse(text)).isEqualTo(ticket);
  }

  @Property(tries = 300)
  void everyWrongSymbolIsCaught(
      @ForAll("tickets") Ticket ticket, @ForAll int where, @ForAll @IntRange(max = 31) int other) {
    char[] text = ticket.format().toCharArray();
    int prefix = "wormhole:1".length();
    int at = prefix + Math.floorMod(where, text.length - prefix);
    char wrong = ALPHABET.charAt(other);
    if (text[at] != wrong) {
      text[at] = wrong;
      assertRefused(new String(text), Problem.CHECK);
    }
  }

  @Property(tries = 200)
  void aTicketThatIsCutOrLongerIsRefused(@ForAll("tickets") Ticket ticket, @ForAll int where) {
    String text = ticket.format();
    int prefix = "wormhole:1".length();
    assertRefused(
        text.substring(0, prefix + Math.floorMod(where, text.length() - prefix)), Problem.CHECK);
    assertRefused(text + "0", Problem.CHECK);
    assertRefused(text + text.substring(prefix), Problem.CHECK);
  }

  @Property(tries = 500)
  void anyBytesBehindARightSumAreReadOrRefusedAndNeverAFault(
      @ForAll @Size(max = 240) byte[] bytes) {
    if (bytes.length > 1) {
      bytes[0] = 1;
      bytes[1] = 0;
    }
    String text = text(bytes);
    try {
      assertThat(Ticket.parse(text).format()).isEqualTo(text);
    } catch (JoinCodeException refused) {
      assertThat(refused.problem()).isIn(Problem.CHECK, Problem.VERSION);
    }
  }

  @Property(tries = 500)
  void anyTextIsRefusedInOneLineAndNeverAFault(@ForAll String text) {
    JoinCodeException refused =
        catchThrowableOfType(JoinCodeException.class, () -> Ticket.parse("wormhole:1" + text));
    assertThat(refused.getMessage()).doesNotContain("\n", "\u001b");
  }

  @Test
  void aTextThatOnlyLooksTheSameIsRefused() {
    String text = ticket(new InetSocketAddress("192.0.2.1", 4433)).format();
    // Long s is S in capital letters; I, L and O stand for digits in a code, not in a ticket.
    assertRefused(text.replace("S", "\u017f") + "\u017f", Problem.CHECK);
    assertRefused(text.replaceFirst("(?<=:1.*)0", "O"), Problem.CHECK);
    assertRefused(text.substring(0, 40) + " " + text.substring(40), Problem.CHECK);
    assertRefused(text.substring(0, 40) + "-" + text.substring(40), Problem.CHECK);
  }

  @Test
  void whatALaterVersionMadeIsToldFromDamage() {
    assertRefused("wormhole:2ABC", Problem.VERSION);
    byte[] bytes = new byte[HEAD_BYTES + 5];
    bytes[0] = 2;
    assertRefused(text(bytes), Problem.VERSION);
    bytes[0] = 1;
    bytes[1] = 1;
    assertRefused(text(bytes), Problem.VERSION);
  }

  @Test
  void theBytesAreThoseOfTheDescription() throws Exception {
    byte[] bytes = new byte[HEAD_BYTES + 4 + 1 + 7 + 19];
    ByteBuffer out = ByteBuffer.wrap(bytes).put((byte) 1).put((byte) 0);
    for (int i = 0; i < 32; i++) {
      out.put((byte) i);
    }
    out.put(filled(16, 1)).put(filled(16, 2)).putInt(0x12345).put((byte) 2);
    out.put((byte) 4).put(new byte[] {(byte) 192, 0, 2, 1}).putShort((short) 4433);
    out.put((byte) 6).put(InetAddress.getByName("2001:db8::1").getAddress());
    out.putShort((short) 65_535);
    Ticket ticket = Ticket.parse(text(bytes));
    assertThat(ticket.host().bytes()).startsWith(0, 1, 2, 3).endsWith(30, 31);
    assertThat(ticket.secret()).isEqualTo(filled(16, 1));
    assertThat(ticket.share()).isEqualTo(ShareId.of(filled(16, 2)));
    assertThat(ticket.nameplate()).isEqualTo(0x12345);
    assertThat(ticket.addresses())
        .containsExactly(
            new InetSocketAddress("192.0.2.1", 4433), new InetSocketAddress("2001:db8::1", 65_535));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "01 03 c0000201 1151", // no such family
        "01 04 c0000201 0000", // port 0
        "01 04 00000000 1151", // everybody
        "01 04 e0000001 1151", // multicast
        "01 06 00000000000000000000ffffc0000201 1151", // IPv4 in IPv6's clothes
        "02 04 c0000201 1151 04 c0000201 1151", // twice the same
        "02 04 c0000201 1151", // fewer than told
        "00 04 c0000201 1151", // more than told
        "09" // more than there may be
      })
  void addressesThatNobodyCanDialAreRefused(String hex) {
    byte[] tail = new BigInteger("01" + hex.replace(" ", ""), 16).toByteArray();
    byte[] addresses = Arrays.copyOfRange(tail, 1, tail.length);
    byte[] bytes = new byte[HEAD_BYTES + 4 + addresses.length];
    bytes[0] = 1;
    System.arraycopy(addresses, 0, bytes, HEAD_BYTES + 4, addresses.length);
    assertRefused(text(bytes), Problem.CHECK);
  }

  @Test
  void aNameplatePastTwentyBitsIsRefused() {
    byte[] bytes = new byte[HEAD_BYTES + 5];
    bytes[0] = 1;
    bytes[HEAD_BYTES + 1] = 0x10;
    assertRefused(text(bytes), Problem.CHECK);
    bytes[HEAD_BYTES] = (byte) 0x80;
    assertRefused(text(bytes), Problem.CHECK);
  }

  @Test
  void onlyAddressesThatCanBeDialledAreWritten() throws Exception {
    List<InetSocketAddress> addresses = new ArrayList<>();
    addresses.add(InetSocketAddress.createUnresolved("host", 1));
    addresses.add(new InetSocketAddress("0.0.0.0", 1));
    addresses.add(new InetSocketAddress("192.0.2.1", 0));
    addresses.add(new InetSocketAddress("192.0.2.1", 1));
    addresses.add(
        new InetSocketAddress(InetAddress.getByAddress("named", new byte[] {127, 0, 0, 1}), 2));
    for (int i = 1; i < 20; i++) {
      addresses.add(new InetSocketAddress("192.0.2.1", i));
    }
    Ticket ticket = ticket(addresses.toArray(InetSocketAddress[]::new));
    assertThat(ticket.addresses()).hasSize(Ticket.MAX_ADDRESSES);
    assertThat(ticket.addresses().getFirst()).isEqualTo(new InetSocketAddress("192.0.2.1", 1));
    assertThat(Ticket.parse(ticket.format())).isEqualTo(ticket);
  }

  @Test
  void showsNothingOfItsSecret() throws JoinCodeException {
    Ticket ticket = ticket(new InetSocketAddress("192.0.2.1", 4433));
    assertThat(ticket).hasToString(ticket.masked());
    assertThat(ticket.masked()).isEqualTo("the ticket of 004J");
    assertThat(ticket.format()).doesNotContain(ticket.masked());
    byte[] secret = ticket.secret();
    Arrays.fill(secret, (byte) 0);
    assertThat(ticket.secret()).isNotEqualTo(secret);
    assertThat(Ticket.looksLike(" WORMHOLE:9")).isTrue();
    assertThat(Ticket.looksLike("7KQ2-M4XR-9TD2")).isFalse();
    assertThat(Invitation.parse("7KQ2-M4XR-9TD2")).isInstanceOf(JoinCode.class);
  }

  private static Ticket ticket(InetSocketAddress... addresses) {
    return Ticket.generate(
        Fingerprint.of(new byte[32]), ShareId.random(RANDOM), 0x92, List.of(addresses), RANDOM);
  }

  private static void assertRefused(String text, Problem problem) {
    JoinCodeException refused =
        catchThrowableOfType(JoinCodeException.class, () -> Ticket.parse(text));
    assertThat(refused).as(text).isNotNull();
    assertThat(refused.problem()).isEqualTo(problem);
  }

  /** The text of these bytes and their check sum, by another way than the product's. */
  private static String text(byte[] bytes) {
    CRC32 crc = new CRC32();
    crc.update(bytes);
    byte[] whole =
        ByteBuffer.allocate(bytes.length + 4).put(bytes).putInt((int) crc.getValue()).array();
    int bits = (whole.length * 8 + 4) / 5 * 5;
    BigInteger number = new BigInteger(1, whole).shiftLeft(bits - whole.length * 8);
    StringBuilder text = new StringBuilder("wormhole:1");
    for (int shift = bits - 5; shift >= 0; shift -= 5) {
      text.append(ALPHABET.charAt(number.shiftRight(shift).intValue() & 31));
    }
    return text.toString();
  }

  private static byte[] filled(int count, int value) {
    byte[] bytes = new byte[count];
    Arrays.fill(bytes, (byte) value);
    return bytes;
  }

  @Provide
  Arbitrary<Ticket> tickets() {
    return Combinators.combine(
            Arbitraries.bytes().array(byte[].class).ofSize(32),
            Arbitraries.longs(),
            Arbitraries.integers().between(0, JoinCode.NAMEPLATES - 1),
            addresses().list().ofMaxSize(Ticket.MAX_ADDRESSES + 2))
        .as((host, share, nameplate, addresses) ->
            Ticket.generate(
                Fingerprint.of(host), new ShareId(share, ~share), nameplate, addresses, RANDOM));
  }

  private static Arbitrary<InetSocketAddress> addresses() {
    Arbitrary<byte[]> four = Arbitraries.bytes().array(byte[].class).ofSize(4);
    Arbitrary<byte[]> six = Arbitraries.bytes().array(byte[].class).ofSize(16);
    return Combinators.combine(
            Arbitraries.oneOf(four, six), Arbitraries.integers().between(0, 65_535))
        .as((address, port) -> {
          try {
            return new InetSocketAddress(InetAddress.getByAddress(address), port);
          } catch (UnknownHostException length) {
            throw new AssertionError(length);
          }
        });
  }
}
