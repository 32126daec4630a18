package io.wormhole.protocol.name;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.google.protobuf.ByteString;
import io.wormhole.protocol.wire.message.FailureCode;
import io.wormhole.protocol.wire.message.Path;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.From;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EntryNameTest {
  @ParameterizedTest
  @ValueSource(strings = {"a", "...", "..a", ".a", "a.", " ", "\n", "-rf", "a\\b", "ü", "con:"})
  void oddNamesAreNames(String name) throws Exception {
    assertThat(EntryName.isValid(bytes(name))).isTrue();
    assertThat(EntryName.check(bytes(name))).isEqualTo(bytes(name));
  }

  @Test
  void bytesThatAreNoUtf8AreAName() {
    assertThat(EntryName.isValid(new byte[] {(byte) 0xff, (byte) 0xc0, (byte) 0x80})).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ".", "..", "/", "a/b", "a/", "/a", "\0", "a\0", "../a"})
  void whatIsNoNameIsABadName(String name) {
    assertRefused(bytes(name), FailureCode.FAILURE_CODE_BAD_NAME);
  }

  @Test
  void aNameEndsAt255Bytes() {
    assertThat(EntryName.isValid(bytes("n".repeat(255)))).isTrue();
    assertRefused(bytes("n".repeat(256)), FailureCode.FAILURE_CODE_NAME_TOO_LONG);
    assertRefused(bytes("/".repeat(256)), FailureCode.FAILURE_CODE_NAME_TOO_LONG);
  }

  private static void assertRefused(byte[] name, FailureCode code) {
    assertThat(EntryName.isValid(name)).isFalse();
    assertThat(EntryName.isValid(ByteString.copyFrom(name))).isFalse();
    assertThatExceptionOfType(BadNameException.class)
        .isThrownBy(() -> EntryName.check(name))
        .satisfies(e -> assertThat(e.code()).isEqualTo(code));
    assertThatExceptionOfType(BadNameException.class)
        .isThrownBy(() -> EntryName.check(path(bytes("a"), name)))
        .satisfies(e -> assertThat(e.code()).isEqualTo(code));
  }

  @Test
  void noNamesAreTheRoot() throws Exception {
    assertThat(EntryName.check(Path.getDefaultInstance())).isEmpty();
  }

  @Test
  void aPathEndsAt128Names() throws Exception {
    assertThat(EntryName.checkPath(Collections.nCopies(128, name(1)))).hasSize(128);
    assertTooLong(Collections.nCopies(129, name(1)));
  }

  @Test
  void aPathEndsAt4096BytesWithItsSeparators() throws Exception {
    List<ByteString> full = Collections.nCopies(16, name(255));
    assertThat(EntryName.checkPath(full)).hasSize(16);
    List<ByteString> longest = new ArrayList<>(Collections.nCopies(15, name(255)));
    longest.add(name(128));
    longest.add(name(127));
    assertThat(EntryName.checkPath(longest)).hasSize(17);
    longest.set(16, name(128));
    assertTooLong(longest);
  }

  private static void assertTooLong(List<ByteString> names) {
    assertThatExceptionOfType(BadNameException.class)
        .isThrownBy(() -> EntryName.checkPath(names))
        .satisfies(e -> assertThat(e.code()).isEqualTo(FailureCode.FAILURE_CODE_NAME_TOO_LONG));
  }

  @Property
  void aNameIsValidUnlessARuleSaysOtherwise(
      @ForAll @Size(max = 300) List<@From("nameBytes") Byte> sample) {
    byte[] name = new byte[sample.size()];
    for (int i = 0; i < name.length; i++) {
      name[i] = sample.get(i);
    }
    String text = new String(name, StandardCharsets.ISO_8859_1);
    boolean expected =
        !text.isEmpty()
            && text.length() <= 255
            && !text.contains("/")
            && !text.contains("\0")
            && !List.of(".", "..").contains(text);
    assertThat(EntryName.isValid(name)).isEqualTo(expected);
  }

  @Provide
  Arbitrary<Byte> nameBytes() {
    return Arbitraries.frequencyOf(
        Tuple.of(50, Arbitraries.bytes().filter(b -> b != '/' && b != 0)),
        Tuple.of(2, Arbitraries.of((byte) '.')),
        Tuple.of(1, Arbitraries.of((byte) '/', (byte) 0)));
  }

  private static ByteString name(int bytes) {
    return ByteString.copyFromUtf8("n".repeat(bytes));
  }

  private static Path path(byte[]... names) {
    Path.Builder path = Path.newBuilder();
    for (byte[] name : names) {
      path.addNames(ByteString.copyFrom(name));
    }
    return path.build();
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
