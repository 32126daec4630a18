package io.wormhole.protocol.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ErrorKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SettingsFileTest {
  @TempDir Path home;
  private SettingsFile file;

  @BeforeEach
  void name() {
    file = new SettingsFile(home.resolve("config/config.toml"));
  }

  private void write(String text) throws IOException {
    Files.createDirectories(home.resolve("config"));
    Files.writeString(file.path(), text);
  }

  private String refusal() {
    try {
      file.read();
      throw new AssertionError("not refused");
    } catch (ControlException refused) {
      assertThat(refused.kind()).isEqualTo(ErrorKind.FAILED);
      return refused.error().line();
    }
  }

  /** A changed key or default is a change for people, and belongs into CHANGELOG.md. */
  @Test
  void keysAndDefaultsAreThese() {
    assertThat(Setting.values()).hasSize(5);
    assertThat(Setting.CACHE_SIZE.key()).isEqualTo("cache.size");
    assertThat(Settings.DEFAULTS.cacheBytes()).isEqualTo(10L << 30);
    assertThat(Setting.CACHE_FREE.key()).isEqualTo("cache.free");
    assertThat(Settings.DEFAULTS.freeBytes()).isEmpty();
    assertThat(Setting.NETWORK_TCP.key()).isEqualTo("network.tcp");
    assertThat(Settings.DEFAULTS.tcp()).isTrue();
    assertThat(Setting.MOUNT_FUSE.key()).isEqualTo("mount.fuse");
    assertThat(Settings.DEFAULTS.fuse()).isEqualTo("auto");
    assertThat(Setting.DISCOVERY_MDNS.key()).isEqualTo("discovery.mdns");
    assertThat(Settings.DEFAULTS.mdns()).isTrue();
    for (Setting setting : Setting.values()) {
      assertThat(setting.allows(setting.defaultValue())).as(setting.key()).isTrue();
      assertThat(Setting.of(setting.key())).contains(setting);
    }
  }

  @Test
  void defaultsWhereThereIsNoFileOrAnEmptyOne() throws Exception {
    assertThat(file.read()).isEqualTo(Settings.DEFAULTS);
    write("# nothing yet\n[discovery]\n");
    assertThat(file.read()).isEqualTo(Settings.DEFAULTS);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[discovery]\nmdns = false\n",
        "discovery.mdns = false",
        "discovery = { mdns = false }\n",
        "[discovery] # words\n  \"mdns\"=false # more = words\n"
      })
  void everyWayToWriteItIsRead(String text) throws Exception {
    write(text);
    assertThat(file.read().mdns()).isFalse();
  }

  @Test
  void unknownKeyIsRefusedByName() throws Exception {
    write("[discovery]\nmdsn = false\n");
    assertThat(refusal()).contains(file.path().toString(), "discovery.mdsn", "config list");
    write("colour = 1\n");
    assertThat(refusal()).contains("colour");
    write("[other]\n");
    assertThat(refusal()).contains("other");
    write("\"a\\u001bb\" = 1\n");
    assertThat(refusal()).contains("a?b").doesNotContain("\u001b");
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "\"maybe\"", "[]", "{}", "[true]", "{ on = true }"})
  void badValueIsRefusedWithWhatIsAllowed(String value) throws Exception {
    write("discovery.mdns = " + value + "\n");
    assertThat(refusal()).contains(file.path().toString(), "discovery.mdns").hasLineCount(1);
    if (!value.contains("on")) {
      assertThat(refusal()).contains("true or false");
    }
  }

  @Test
  void whatIsNoTomlIsRefusedWithItsLine() throws Exception {
    write("[discovery]\nmdns = \n");
    assertThat(refusal()).contains(file.path() + ", line 2").hasLineCount(1);
    write("x".repeat(70_000));
    assertThat(refusal()).contains("65536 bytes");
    Files.write(file.path(), new byte[] {'#', (byte) 0xff, '\n'});
    assertThat(refusal()).contains("cannot read");
  }

  @Test
  void fileThatOthersCanWriteIsRefused() throws Exception {
    write("discovery.mdns = false\n");
    Files.setPosixFilePermissions(file.path(), PosixFilePermissions.fromString("rw-rw-r--"));
    assertThat(refusal()).contains("other users can write", "chmod go-w " + file.path());
    Files.setPosixFilePermissions(file.path(), PosixFilePermissions.fromString("rw-r--r--"));
    assertThat(file.read().mdns()).isFalse();
  }

  @Test
  void setMakesTheFile() throws Exception {
    file.set(Setting.DISCOVERY_MDNS, "false");
    assertThat(file.path()).content().isEqualTo("[discovery]\nmdns = false\n");
    assertThat(file.read().mdns()).isFalse();
  }

  @Test
  void setChangesItsLineAndNoOther() throws Exception {
    write("# mine\n\n[discovery]   # how\n  mdns   = true   # at home\n# end\n");
    file.set(Setting.DISCOVERY_MDNS, "false");
    assertThat(file.path())
        .content()
        .isEqualTo("# mine\n\n[discovery]   # how\n  mdns   = false # at home\n# end\n");
    write("# mine\ndiscovery.mdns=false\n");
    file.set(Setting.DISCOVERY_MDNS, "true");
    assertThat(file.path()).content().isEqualTo("# mine\ndiscovery.mdns= true\n");
    write("# mine");
    file.set(Setting.DISCOVERY_MDNS, "false");
    assertThat(file.path()).content().isEqualTo("# mine\n\n[discovery]\nmdns = false\n");
  }

  @Test
  void wordsAreWrittenAsTomlHasThem() throws Exception {
    file.set(Setting.MOUNT_FUSE, "jnr");
    assertThat(file.path()).content().isEqualTo("[mount]\nfuse = \"jnr\"\n");
    file.set(Setting.MOUNT_FUSE, "device");
    assertThat(file.path()).content().isEqualTo("[mount]\nfuse = \"device\"\n");
    assertThat(file.read().fuse()).isEqualTo("device");
  }

  @Test
  void setKeepsALinkedFileLinked() throws Exception {
    Path kept = Files.writeString(home.resolve("kept.toml"), "[discovery]\n");
    Files.createDirectories(home.resolve("config"));
    Files.createSymbolicLink(file.path(), kept);
    file.set(Setting.DISCOVERY_MDNS, "false");
    assertThat(file.path()).isSymbolicLink();
    assertThat(kept).content().isEqualTo("[discovery]\nmdns = false\n");
  }

  @Test
  void setRefusesWhatItCannotDo() throws Exception {
    assertThatThrownBy(() -> file.set(Setting.DISCOVERY_MDNS, "maybe"))
        .isInstanceOfSatisfying(
            ControlException.class,
            refused -> {
              assertThat(refused.kind()).isEqualTo(ErrorKind.USAGE);
              assertThat(refused.error().line()).contains("true or false");
            });
    String inline = "discovery = { mdns = false }\n";
    write(inline);
    assertThatThrownBy(() -> file.set(Setting.DISCOVERY_MDNS, "true"))
        .hasMessageContaining("cannot change");
    assertThat(file.path()).content().isEqualTo(inline);
  }
}
