package io.wormhole;

import static io.wormhole.SharedFiles.AGES;
import static io.wormhole.SharedFiles.ATTRIBUTES_LIVE;
import static io.wormhole.SharedFiles.passes;
import static io.wormhole.SharedFiles.write;
import static org.assertj.core.api.Assertions.assertThat;

import io.wormhole.TwoMachines.Outcome;
import io.wormhole.TwoMachines.Shared;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What was seen of a share is there while its host is away, and no longer than that. */
@RealMount
class OfflineMountTest {
  private static final int FILM_BYTES = 3 << 20;
  private static final int STILLS = 30;

  @TempDir Path temp;
  private Path folder;
  private TwoMachines machines;
  private Shared shared;
  private Path mounted;

  @BeforeEach
  void shareAndMount() throws IOException, InterruptedException {
    folder = Files.createDirectories(temp.resolve("shared"));
    Path below = Files.createDirectories(folder.resolve("scenes/one"));
    Random random = new Random(1);
    write(folder.resolve("film"), FILM_BYTES, random);
    for (int i = 0; i < STILLS; i++) {
      write(below.resolve("still" + i), 10_000, random);
    }
    Files.createSymbolicLink(folder.resolve("link"), Path.of("film"));
    write(folder.resolve("unread"), FILM_BYTES, random);
    machines = new TwoMachines(temp.resolve("machines"));
    shared = machines.host(folder);
    mounted = machines.mount(shared, "mnt");
    assertThat(machines.onMounting("cache", "gc").exit()).isZero();
    passes(AGES);
  }

  @AfterEach
  void end() throws IOException {
    machines.close();
  }

  private static String shell(String script, Path in) throws IOException, InterruptedException {
    Outcome outcome = TwoMachines.run("sh", "-c", "cd \"$1\" && " + script, "sh", in.toString());
    assertThat(outcome.exit()).as(outcome.toString()).isZero();
    return outcome.out();
  }

  private static String everything(Path root) throws IOException, InterruptedException {
    return shell("find . -printf '%P %y %s %T@ %m %l\\n' | sort", root);
  }

  /** Has the kernel forget what it has of the mount: its host must be asked, or the disk. */
  private void forget() throws IOException, InterruptedException {
    passes(ATTRIBUTES_LIVE);
    shell("find . -type f -exec dd if={} iflag=nocache count=0 status=none \\;", mounted);
  }

  private void hostGoes() throws IOException, InterruptedException {
    assertThat(TwoMachines.run("kill", "-INT", Long.toString(shared.command().pid())).exit())
        .isZero();
    assertThat(shared.command().waitFor(20, TimeUnit.SECONDS)).isTrue();
    var _ = Await.until(TwoMachines.NOBODY_HANGS, this::state, "offline"::equals);
  }

  private String state() throws IOException {
    byte[] state = (byte[]) Files.getAttribute(mounted, "user:wormhole.state");
    return new String(state, StandardCharsets.US_ASCII);
  }

  private Outcome compare(String name) throws IOException, InterruptedException {
    return TwoMachines.run(
        "cmp", folder.resolve(name).toString(), mounted.resolve(name).toString());
  }

  @Test
  void whatWasSeenIsThereWhileTheHostIsAwayAndIsAskedForWhenItIsBack() throws Exception {
    String all = everything(mounted);
    assertThat(all).isEqualTo(everything(folder)).contains("link l").contains("still29 f 10000");
    assertThat(compare("film").exit()).isZero();
    for (int i = 0; i < STILLS; i++) {
      assertThat(compare("scenes/one/still" + i).exit()).isZero();
    }
    assertThat(state()).isEqualTo("connected");

    hostGoes();
    forget();

    assertThat(everything(mounted)).isEqualTo(all);
    assertThat(compare("film").exit()).isZero();
    assertThat(compare("link").exit()).isZero();
    for (int i = 0; i < STILLS; i++) {
      assertThat(compare("scenes/one/still" + i).exit()).isZero();
    }
    assertThat(Files.exists(mounted.resolve("never"))).isFalse();
    assertThat(compare("unread").err()).contains("Input/output error");
    assertThat(TwoMachines.run("df", mounted.toString()).exit()).isZero();
    assertThat(machines.onMounting("status", "--json").json("state")).isEqualTo("offline");

    write(folder.resolve("film"), FILM_BYTES, new Random(2));
    write(folder.resolve("scenes/one/new"), 10_000, new Random(3));
    shared = machines.host(folder, "--bind", shared.address());
    var _ = Await.until(TwoMachines.NOBODY_HANGS, this::state, "connected"::equals);
    assertThat(compare("film").out()).isEmpty();
    assertThat(compare("unread").out()).isEmpty();
    var _ =
        Await.until(
            TwoMachines.NOBODY_HANGS,
            () -> everything(mounted),
            now -> now.contains("still29 f 10000") && now.contains("scenes/one/new f 10000"));
    assertThat(everything(mounted)).isEqualTo(everything(folder));
  }

  @Test
  void aMountComesUpWithoutItsHostWithWhatWasSeen() throws Exception {
    String all = everything(mounted);
    assertThat(compare("film").exit()).isZero();
    hostGoes();
    assertThat(machines.onMounting("daemon", "stop").exit()).isZero();
    assertThat(TwoMachines.mountTable()).doesNotContain(mounted.toString());

    assertThat(machines.onMounting("daemon", "start").exit()).isZero();
    var _ =
        Await.until(
            TwoMachines.NOBODY_HANGS,
            TwoMachines::mountTable,
            table -> table.contains(mounted.toString()));
    assertThat(state()).isEqualTo("offline");
    assertThat(everything(mounted)).isEqualTo(all);
    assertThat(compare("film").exit()).isZero();
    assertThat(compare("unread").err()).contains("Input/output error");

    assertThat(machines.onMounting("unmount", mounted.toString()).exit()).isZero();
    Outcome named = machines.onMounting("mount", "shared", mounted.toString());
    assertThat(named.exit()).as(named.toString()).isZero();
    assertThat(named.out()).contains("Its host is away");
    assertThat(compare("film").exit()).isZero();

    shared = machines.host(folder, "--bind", shared.address());
    var _ = Await.until(TwoMachines.NOBODY_HANGS, this::state, "connected"::equals);
    assertThat(compare("unread").exit()).isZero();
    assertThat(everything(mounted)).isEqualTo(everything(folder));
  }
}
