package io.wormhole.daemon.host;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class MountTableTest {
  private static final String TABLE =
      """
      22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
      30 22 0:40 / /data rw master:1 propagate_from:2 - tmpfs tmpfs rw
      31 30 0:41 / /data/a\\040b rw - nfs4 server:/x rw
      32 30 0:42 / /data/caf\u00c3\u00a9 rw - fuse.wormhole wormhole ro
      33 30 0:42 / /data/\u00ff rw - tmpfs tmpfs rw
      34 22 0:43 / /database rw - tmpfs tmpfs rw
      35 30 0:44 / /data/a\\040b rw - tmpfs tmpfs rw
      nonsense
      """;

  private final MountTable table = MountTable.parse(TABLE.getBytes(ISO_8859_1));

  @Test
  void mountsBelowAFolderAreNamedOnce() {
    assertThat(table.below("/data".getBytes(UTF_8))).containsExactly("\\xff", "a b", "caf\u00e9");
    assertThat(table.below("/".getBytes(UTF_8))).contains("data", "data/a b", "database");
    assertThat(table.below("/data/a b".getBytes(UTF_8))).isEmpty();
  }

  @Test
  void typeStandsBehindAnyNumberOfFields() {
    assertThat(table.byId(30)).hasValueSatisfying(m -> assertThat(m.type()).isEqualTo("tmpfs"));
    assertThat(table.byId(32))
        .hasValueSatisfying(m -> assertThat(m.type()).isEqualTo(MountTable.OWN_TYPE));
    assertThat(table.byId(99)).isEmpty();
  }

  @Property(tries = 300)
  void anyPointSurvivesTheKernelsEscapes(@ForAll @Size(min = 1, max = 40) byte[] name) {
    StringBuilder line = new StringBuilder("1 0 0:1 / /m/");
    byte[] expected = new byte[name.length];
    for (int i = 0; i < name.length; i++) {
      int octet = name[i] == 0 ? 1 : Byte.toUnsignedInt(name[i]);
      expected[i] = (byte) octet;
      boolean escaped = octet <= ' ' || octet == '\\' || octet == '#';
      line.append(escaped ? "\\%03o".formatted(octet) : String.valueOf((char) octet));
    }
    line.append(" rw - tmpfs none rw");
    MountTable one = MountTable.parse(line.toString().getBytes(ISO_8859_1));
    assertThat(one.byId(1))
        .hasValueSatisfying(m ->
            assertThat(m.point()).isEqualTo(NativeFiles.below("/m".getBytes(UTF_8), expected)));
  }
}
