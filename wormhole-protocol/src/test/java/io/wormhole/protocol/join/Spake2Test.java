package io.wormhole.protocol.join;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.wormhole.protocol.join.Spake2.Role;
import io.wormhole.protocol.wire.Fingerprint;
import java.math.BigInteger;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class Spake2Test {
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final byte[] NO_DATA = new byte[0];
  private static final HexFormat HEX = HexFormat.of();

  /** RFC 9382, appendix B: the four of SPAKE2-P256-SHA256-HKDF-HMAC. */
  record Vector(
      String idA,
      String idB,
      String w,
      String x,
      String y,
      String pA,
      String pB,
      String k,
      String transcriptHash,
      String kcA,
      String kcB,
      String cA,
      String cB) {}

  static Stream<Vector> vectors() {
    return Stream.of(
        new Vector(
            "server",
            "client",
            "2ee57912099d31560b3a44b1184b9b4866e904c49d12ac5042c97dca461b1a5f",
            "43dd0fd7215bdcb482879fca3220c6a968e66d70b1356cac18bb26c84a78d729",
            "dcb60106f276b02606d8ef0a328c02e4b629f84f89786af5befb0bc75b6e66be",
            "04a56fa807caaa53a4d28dbb9853b9815c61a411118a6fe516a8798434751470f9"
                + "010153ac33d0d5f2047ffdb1a3e42c9b4e6be662766e1eeb4116988ede5f912c",
            "0406557e482bd03097ad0cbaa5df82115460d951e3451962f1eaf4367a420676d0"
                + "9857ccbc522686c83d1852abfa8ed6e4a1155cf8f1543ceca528afb591a1e0b7",
            "0412af7e89717850671913e6b469ace67bd90a4df8ce45c2af19010175e37eed69"
                + "f75897996d539356e2fa6a406d528501f907e04d97515fbe83db277b715d3325",
            "0e0672dc86f8e45565d338b0540abe6915bdf72e2b35b5c9e5663168e960a91b",
            "00c12546835755c86d8c0db7851ae86f",
            "a9fa3406c3b781b93d804485430ca27a",
            "58ad4aa88e0b60d5061eb6b5dd93e80d9c4f00d127c65b3b35b1b5281fee38f0",
            "d3e2e547f1ae04f2dbdbf0fc4b79f8ecff2dff314b5d32fe9fcef2fb26dc459b"),
        new Vector(
            "",
            "client",
            "0548d8729f730589e579b0475a582c1608138ddf7054b73b5381c7e883e2efae",
            "403abbe3b1b4b9ba17e3032849759d723939a27a27b9d921c500edde18ed654b",
            "903023b6598908936ea7c929bd761af6039577a9c3f9581064187c3049d87065",
            "04a897b769e681c62ac1c2357319a3d363f610839c4477720d24cbe32f5fd85f44"
                + "fb92ba966578c1b712be6962498834078262caa5b441ecfa9d4a9485720e918a",
            "04e0f816fd1c35e22065d5556215c097e799390d16661c386e0ecc84593974a61b"
                + "881a8c82327687d0501862970c64565560cb5671f696048050ca66ca5f8cc7fc",
            "048f83ec9f6e4f87cc6f9dc740bdc2769725f923364f01c84148c049a39a735ebd"
                + "a82eac03e00112fd6a5710682767cff5361f7e819e53d8d3c3a2922e0d837aa6",
            "642f05c473c2cd79909f9a841e2f30a70bf89b18180af97353ba198789c2b963",
            "c6be376fc7cd1301fd0a13adf3e7bffd",
            "b7243f4ae60440a49b3f8cab3c1fba07",
            "47d29e6666af1b7dd450d571233085d7a9866e4d49d2645e2df975489521232b",
            "3313c5cefc361d27fb16847a91c2a73b766ffa90a4839122a9b70a2f6bd1d6df"),
        new Vector(
            "server",
            "",
            "626e0cdc7b14c9db3e52a0b1b3a768c98e37852d5db30febe0497b14eae8c254",
            "07adb3db6bc623d3399726bfdbfd3d15a58ea776ab8a308b00392621291f9633",
            "b6a4fc8dbb629d4ba51d6f91ed1532cf87adec98f25dd153a75accafafedec16",
            "04f88fb71c99bfffaea370966b7eb99cd4be0ff1a7d335caac4211c4afd855e2e1"
                + "5a873b298503ad8ba1d9cbb9a392d2ba309b48bfd7879aefd0f2cea6009763b0",
            "040c269d6be017dccb15182ac6bfcd9e2a14de019dd587eaf4bdfd353f031101e7"
                + "cca177f8eb362a6e83e7d5e729c0732e1b528879c086f39ba0f31a9661bd34db",
            "0445ee233b8ecb51ebd6e7da3f307e88a1616bae2166121221fdc0dadb986afaf3"
                + "ec8a988dc9c626fa3b99f58a7ca7c9b844bb3e8dd9554aafc5b53813504c1cbe",
            "005184ff460da2ce59062c87733c299c3521297d736598fc0a1127600efa1afb",
            "f3da53604f0aeecea5a33be7bddf6edf",
            "9e3f86848736f159bd92b6e107ec6799",
            "bc9f9bbe99f26d0b2260e6456e05a86196a3307ec6663a18bf6ac825736533b2",
            "c2370e1bf813b086dff0d834e74425a06e6390f48f5411900276dcccc5a297ec"),
        new Vector(
            "",
            "",
            "7bf46c454b4c1b25799527d896508afd5fc62ef4ec59db1efb49113063d70cca",
            "8cef65df64bb2d0f83540c53632de911b5b24b3eab6cc74a97609fd659e95473",
            "d7a66f64074a84652d8d623a92e20c9675c61cb5b4f6a0063e4648a2fdc02d53",
            "04a65b367a3f613cf9f0654b1b28a1e3a8a40387956c8ba6063e8658563890f46c"
                + "a1ef6a676598889fc28de2950ab8120b79a5ef1ea4c9f44bc98f585634b46d66",
            "04589f13218822710d98d8b2123a079041052d9941b9cf88c6617ddb2fcc049466"
                + "2eea8ba6b64692dc318250030c6af045cb738bc81ba35b043c3dcb46adf6f58d",
            "041a3c03d51b452537ca2a1fea6110353c6d5ed483c4f0f86f4492ca3f378d40a9"
                + "94b4477f93c64d928edbbcd3e85a7c709b7ea73ee97986ce3d1438e135543772",
            "fc6374762ba5cf11f4b2caa08b2cd1b9907ae0e26e8d6234318d91583cd74c86",
            "5dbd2f477166b7fb6d61febbd77a5563",
            "7689b4654407a5faeffdc8f18359d8a3",
            "dfb4db8d48ae5a675963ea5e6c19d98d4ea028d8e898dad96ea19a80ade95dca",
            "d0f0609d1613138d354f7e95f19fb556bf52d751947241e8c7118df5ef0ae175"));
  }

  @ParameterizedTest
  @MethodSource("vectors")
  void sharesConfirmationsAndKeysAreThoseOfTheRfc(Vector vector) throws Spake2Exception {
    Spake2 a = side(Role.CLIENT, vector, vector.x());
    Spake2 b = side(Role.HOST, vector, vector.y());
    assertThat(HEX.formatHex(a.share())).isEqualTo(vector.pA());
    assertThat(HEX.formatHex(b.share())).isEqualTo(vector.pB());

    Confirmation ofA = a.finish(b.share(), NO_DATA);
    Confirmation ofB = b.finish(a.share(), NO_DATA);
    assertThat(HEX.formatHex(ofA.own())).isEqualTo(vector.cA());
    assertThat(HEX.formatHex(ofB.own())).isEqualTo(vector.cB());
    assertThat(ofA.matches(ofB.own())).isTrue();
    assertThat(ofB.matches(ofA.own())).isTrue();

    byte[] hash =
        KeySchedule.transcriptHash(side(Role.CLIENT, vector, vector.x()).transcript(b.share()));
    assertThat(HEX.formatHex(hash)).isEqualTo(vector.transcriptHash());
    assertThat(HEX.formatHex(KeySchedule.confirmationKeys(hash, NO_DATA)))
        .isEqualTo(vector.kcA() + vector.kcB());
  }

  @ParameterizedTest
  @MethodSource("vectors")
  void bothSidesWriteTheTranscriptOfTheRfc(Vector vector) throws Spake2Exception {
    byte[] expected =
        KeySchedule.transcript(
            vector.idA().getBytes(US_ASCII),
            vector.idB().getBytes(US_ASCII),
            HEX.parseHex(vector.pA()),
            HEX.parseHex(vector.pB()),
            HEX.parseHex(vector.k()),
            HEX.parseHex(vector.w()));
    assertThat(side(Role.CLIENT, vector, vector.x()).transcript(HEX.parseHex(vector.pB())))
        .isEqualTo(expected)
        .startsWith(vector.idA().length(), 0, 0, 0, 0, 0, 0, 0);
    assertThat(side(Role.HOST, vector, vector.y()).transcript(HEX.parseHex(vector.pA())))
        .isEqualTo(expected);
  }

  @Property(tries = 20)
  void whoeverKnowsTheSecretIsConfirmed(@ForAll @Size(max = 40) byte[] data)
      throws Spake2Exception {
    Pair pair = Pair.of(secret(5), secret(5));
    Confirmation client = pair.client.finish(pair.host.share(), data);
    Confirmation host = pair.host.finish(pair.client.share(), data);
    assertThat(host.matches(client.own())).isTrue();
    assertThat(client.matches(host.own())).isTrue();
    assertThat(client.own()).hasSize(Confirmation.BYTES).isNotEqualTo(host.own());
  }

  @Test
  void anotherSecretIsRefusedByBoth() throws Spake2Exception {
    assertRefused(Pair.of(secret(5), secret(6)), NO_DATA, NO_DATA);
  }

  @Test
  void otherAdditionalDataIsRefusedByBoth() throws Spake2Exception {
    assertRefused(Pair.of(secret(5), secret(5)), new byte[] {1}, new byte[] {2});
  }

  @Test
  void anotherCertificateBetweenIsRefusedByBoth() throws Spake2Exception {
    Fingerprint client = fingerprint(1);
    Fingerprint host = fingerprint(2);
    Fingerprint between = fingerprint(3);
    assertRefused(
        new Pair(
            Spake2.client(secret(5), client, between, RANDOM),
            Spake2.host(secret(5), between, host, RANDOM)),
        NO_DATA,
        NO_DATA);
    assertRefused(
        new Pair(
            Spake2.client(secret(5), client, between, RANDOM),
            Spake2.host(secret(5), client, host, RANDOM)),
        NO_DATA,
        NO_DATA);
  }

  @Test
  void aClientTalkingToItselfIsRefused() throws Spake2Exception {
    Fingerprint one = fingerprint(1);
    Spake2 client = Spake2.client(secret(5), one, one, RANDOM);
    byte[] reflected = client.share();
    Confirmation confirmation = client.finish(reflected, NO_DATA);
    assertThat(confirmation.matches(confirmation.own())).isFalse();
  }

  @Property(tries = 100)
  void aShareWithOneBitChangedIsNoPoint(
      @ForAll @IntRange(max = Spake2.SHARE_BYTES * 8 - 1) int bit) {
    Pair pair = Pair.of(secret(5), secret(5));
    byte[] share = pair.client.share();
    share[bit / 8] ^= (byte) (1 << bit % 8);
    assertThatThrownBy(() -> pair.host.finish(share, NO_DATA)).isInstanceOf(Spake2Exception.class);
  }

  @Test
  void whatIsNoUncompressedPointIsRefused() {
    byte[] point = Curve.encode(Curve.G);
    byte[] compressed = Curve.G.getEncoded(true);
    byte[] hybrid = point.clone();
    hybrid[0] = (byte) (6 + (point[64] & 1));
    byte[] zero = new byte[65];
    byte[] zeroPoint = zero.clone();
    zeroPoint[0] = 4;
    byte[] coordinatePastField = new byte[65];
    Arrays.fill(coordinatePastField, (byte) 0xff);
    coordinatePastField[0] = 4;
    for (byte[] bad :
        List.of(
            NO_DATA,
            new byte[1],
            new byte[] {4},
            compressed,
            hybrid,
            zero,
            zeroPoint,
            coordinatePastField,
            Arrays.copyOf(point, 64),
            Arrays.copyOf(point, 66))) {
      Pair pair = Pair.of(secret(5), secret(5));
      assertThatThrownBy(() -> pair.host.finish(bad, NO_DATA)).isInstanceOf(Spake2Exception.class);
    }
  }

  @Test
  void aShareThatIsTheMaskAloneIsRefused() {
    Pair pair = Pair.of(secret(5), secret(5));
    byte[] mask = Curve.encode(Curve.multiply(Curve.M, BigInteger.valueOf(5)));
    assertThatThrownBy(() -> pair.host.finish(mask, NO_DATA)).isInstanceOf(Spake2Exception.class);
  }

  @Test
  void anAttemptIsUsedOnceEvenWhenItFailed() throws Spake2Exception {
    Pair pair = Pair.of(secret(5), secret(5));
    byte[] good = pair.host.share();
    assertThatThrownBy(() -> pair.client.finish(NO_DATA, NO_DATA))
        .isInstanceOf(Spake2Exception.class);
    assertThatThrownBy(() -> pair.client.finish(good, NO_DATA))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void everyAttemptHasAShareOfItsOwn() {
    assertThat(Pair.of(secret(5), secret(5)).client.share())
        .isNotEqualTo(Pair.of(secret(5), secret(5)).client.share());
  }

  @Test
  void aWipedConfirmationConfirmsNobody() throws Spake2Exception {
    Pair pair = Pair.of(secret(5), secret(5));
    Confirmation confirmation = pair.client.finish(pair.host.share(), NO_DATA);
    confirmation.close();
    assertThatThrownBy(() -> confirmation.matches(new byte[Confirmation.BYTES]))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(confirmation::own).isInstanceOf(IllegalStateException.class);
  }

  private static void assertRefused(Pair pair, byte[] clientData, byte[] hostData)
      throws Spake2Exception {
    Confirmation client = pair.client.finish(pair.host.share(), clientData);
    Confirmation host = pair.host.finish(pair.client.share(), hostData);
    assertThat(host.matches(client.own())).isFalse();
    assertThat(client.matches(host.own())).isFalse();
  }

  private static Spake2 side(Role role, Vector vector, String scalar) {
    return new Spake2(
        role,
        vector.idA().getBytes(US_ASCII),
        vector.idB().getBytes(US_ASCII),
        PakeSecret.ofScalar(new BigInteger(vector.w(), 16)),
        new BigInteger(scalar, 16));
  }

  private static PakeSecret secret(int w) {
    return PakeSecret.ofScalar(BigInteger.valueOf(w));
  }

  private static Fingerprint fingerprint(int seed) {
    byte[] bytes = new byte[Fingerprint.BYTES];
    Arrays.fill(bytes, (byte) seed);
    return Fingerprint.of(bytes);
  }

  private record Pair(Spake2 client, Spake2 host) {
    static Pair of(PakeSecret atClient, PakeSecret atHost) {
      Fingerprint client = fingerprint(1);
      Fingerprint host = fingerprint(2);
      return new Pair(
          Spake2.client(atClient, client, host, RANDOM), Spake2.host(atHost, client, host, RANDOM));
    }
  }
}
