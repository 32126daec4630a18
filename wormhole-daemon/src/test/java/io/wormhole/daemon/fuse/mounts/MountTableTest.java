package io.wormhole.daemon.fuse.mounts;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** The kernel's table of mounts is read as it writes it. */
class MountTableTest {
  private static MountTable parse(String text) {
    return MountTable.parse(text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void fieldsAreReadWithAndWithoutOptionalOnes() {
    MountTable table =
        parse(
            """
            25 1 0:22 / / rw,relatime shared:1 master:2 - ext4 /dev/sda1 rw
            40 25 0:52 / /mnt/a\\040b\\134c ro,nosuid - fuse.wormhole my\\011share ro,user_id=0
            nonsense
            """);
    assertThat(table.mounts())
        .containsExactly(
            new MountTable.Mount(25, 1, "0:22", "/", "ext4", "/dev/sda1"),
            new MountTable.Mount(40, 25, "0:52", "/mnt/a b\\c", "fuse.wormhole", "my\tshare"));
    assertThat(table.find("0:52", "/nowhere")).isPresent();
    assertThat(table.find("0:5", "/nowhere")).isEmpty();
  }

  @Test
  void namesThatAreNotAsciiAreUtf8() {
    assertThat(parse("40 25 0:52 / /mnt/ümlaut ro - fuse.wormhole x ro\n").at("/mnt/ümlaut"))
        .isPresent();
  }

  @Test
  void theTopmostOfStackedMountsIsTheOneSeen() {
    MountTable table =
        parse(
            """
            41 40 0:53 / /mnt ro - tmpfs upper ro
            40 25 0:52 / /mnt ro - tmpfs lower ro
            """);
    assertThat(table.at("/mnt").orElseThrow().source()).isEqualTo("upper");
    assertThat(table.at("/other")).isEmpty();
  }
}
