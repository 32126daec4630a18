package io.wormhole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The launcher in a checkout whose Maven and whose Java are scripts that say what they were asked.
 */
@Timeout(60)
class LauncherTest {
  private static final long SECONDS = 30;

  @TempDir Path folder;
  private Path checkout;

  @BeforeEach
  void makeCheckout() throws IOException {
    checkout = Files.createDirectories(folder.resolve("a checkout"));
    Files.copy(Path.of("..", "wormhole"), checkout.resolve("wormhole"));
    script(
        checkout.resolve("mvnw"),
        """
        #!/bin/sh
        root=$(dirname "$0")
        [ "$1" = --find-jdk ] && { echo "$root/jdk"; exit 0; }
        echo build >>"$root/builds"
        mkdir -p "$root/packaging/target/lib"
        [ ! -e "$root/broken" ] || { echo '[ERROR] no such thing'; exit 1; }
        """);
    script(
        Files.createDirectories(checkout.resolve("jdk/bin")).resolve("java"),
        """
        #!/bin/sh
        echo "${LC_ALL:-}"
        for argument; do echo "<$argument>"; done
        """);
    Files.createFile(checkout.resolve("pom.xml"));
    source("One.java");
  }

  @Test
  void builtOnceForTwoFirstUsesAtOnce() throws Exception {
    Process one = start(checkout.resolve("wormhole"), "one");
    Process two = start(checkout.resolve("wormhole"), "two");

    assertThat(said(one, 0)).contains("<one>");
    assertThat(said(two, 0)).contains("<two>");
    assertThat(builds()).isEqualTo(1);
  }

  @Test
  void argumentsArriveAsTheyWereGivenThroughALinkToo() throws Exception {
    Path link = Files.createSymbolicLink(folder.resolve("link"), checkout.resolve("wormhole"));

    assertThat(said(start(link, "host", "two words", "", "*"), 0))
        .contains("<io.wormhole.cli.Main>", "<host>", "<two words>", "<>", "<*>")
        .contains("<" + checkout.toRealPath() + "/packaging/target/lib/*>");
  }

  @Test
  void whatIsRunOftenIsRecordedByTheBuildAndReadByEveryCommand() throws Exception {
    Path lib = checkout.toRealPath().resolve("packaging/target/lib");
    assertThat(said(start(checkout.resolve("wormhole"), "status"), 0)).contains("<-Xshare:auto>");
    String log = Files.readString(checkout.resolve("packaging/target/launch.log"));
    assertThat(log).contains("<-XX:AOTCacheOutput=" + lib + "/cli.aot>", "<--one-daemon>");

    Files.createFile(lib.resolve("cli.aot"));
    assertThat(said(start(checkout.resolve("wormhole"), "status"), 0))
        .contains("<-XX:AOTCache=" + lib + "/cli.aot>");
  }

  @Test
  void saysThatTheFolderItWasStartedInIsGone() throws Exception {
    Path gone = Files.createDirectory(folder.resolve("gone"));
    String command =
        "cd '%s' && rmdir '%s' && exec '%s' status"
            .formatted(gone, gone, checkout.resolve("wormhole"));
    assertThat(said(run("/bin/sh", "-c", command), 1))
        .endsWith("wormhole: the folder this was started in is gone; go to another: cd\n");
  }

  @Test
  void localeIsUtf8WhateverItWas() throws Exception {
    assertThat(said(start(checkout.resolve("wormhole")), 0)).startsWith("C.UTF-8");
  }

  @Test
  void newerSourceIsBuiltAnew() throws Exception {
    said(start(checkout.resolve("wormhole")), 0);
    said(start(checkout.resolve("wormhole")), 0);
    assertThat(builds()).isEqualTo(1);

    Files.setLastModifiedTime(source("Two.java"), FileTime.from(Instant.now().plusSeconds(5)));
    said(start(checkout.resolve("wormhole")), 0);

    assertThat(builds()).isEqualTo(2);
  }

  @Test
  void brokenBuildSaysWhereToLook() throws Exception {
    Files.createFile(checkout.resolve("broken"));

    assertThat(said(start(checkout.resolve("wormhole")), 1))
        .contains("no such thing", "the build failed", "launch.log")
        .doesNotContain("<");
  }

  @Test
  void mavenWrapperPrefersAJdkThatIsNewEnough() throws Exception {
    Path old = folder.resolve("jdk 17");
    script(Files.createDirectories(old.resolve("bin")).resolve("javac"), "#!/bin/sh\n");
    Files.writeString(old.resolve("release"), "JAVA_VERSION=\"17.0.1\"\n");
    Path fresh = folder.resolve("jdk 26");
    script(Files.createDirectories(fresh.resolve("bin")).resolve("javac"), "#!/bin/sh\n");
    Files.writeString(fresh.resolve("release"), "JAVA_VERSION=\"26\"\n");

    assertThat(findJdk(fresh)).isEqualTo(fresh.toString());
    assertThat(findJdk(old)).isNotEmpty().isNotEqualTo(old.toString());
  }

  private String findJdk(Path javaHome) throws Exception {
    ProcessBuilder builder = new ProcessBuilder(Path.of("..", "mvnw").toString(), "--find-jdk");
    builder.environment().put("JAVA_HOME", javaHome.toString());
    return said(builder.start(), 0).strip();
  }

  private Path source(String name) throws IOException {
    Path sources = Files.createDirectories(checkout.resolve("wormhole-x/src/main/java"));
    return Files.createFile(sources.resolve(name));
  }

  private static void script(Path path, String text) throws IOException {
    Files.writeString(path, text);
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private Process start(Path launcher, String... args) throws IOException {
    List<String> command = new ArrayList<>(List.of(launcher.toString()));
    command.addAll(List.of(args));
    return run(command.toArray(String[]::new));
  }

  private Process run(String... command) throws IOException {
    ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
    builder.environment().keySet().retainAll(List.of("PATH"));
    builder.environment().put("LC_ALL", "C");
    return builder.redirectErrorStream(true).start();
  }

  private static String said(Process process, int exitCode) throws Exception {
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(said).isEqualTo(exitCode);
    return said;
  }

  private int builds() throws IOException {
    return Files.readAllLines(checkout.resolve("builds")).size();
  }
}
