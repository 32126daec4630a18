package io.wormhole.daemon.host;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

/** What is excluded is what git would ignore. */
class ExcludeGlobsPropertyTest {
  private static final List<String> FOLDERS = List.of("a", "b", "ab", "\u00c3\u00a9");
  private static final List<String> FILES =
      List.of("aa", "ba", "a.b", ".b", "f\u00ff", "[a]", "a-", "B", "a b", "*", "\\a", "!a");
  private static final int DEPTH = 3;
  private static final String ELSEWHERE = "outcome";

  private static final Path work = newFolder();
  private static final Path tree = work.resolve("tree");

  /** Paths in bytes that stand as characters, and whether a folder is there. */
  private static final Map<String, Boolean> paths = new LinkedHashMap<>();

  private static Path newFolder() {
    try {
      return Files.createTempDirectory("globs");
    } catch (IOException noRoom) {
      throw new UncheckedIOException(noRoom);
    }
  }

  @BeforeContainer
  static void makeTree() throws Exception {
    Files.createDirectory(tree);
    make("", DEPTH);
    assertThat(git("init", "--quiet")).isZero();
  }

  private static void make(String above, int depth) {
    byte[] root = NativeFiles.bytes(tree);
    List<String> files = new ArrayList<>(FILES);
    (depth == 1 ? files : new ArrayList<String>()).addAll(FOLDERS);
    for (String file : files) {
      paths.put(above + file, false);
      NativeFiles.emptyFile(NativeFiles.below(root, (above + file).getBytes(ISO_8859_1)));
    }
    if (depth > 1) {
      for (String folder : FOLDERS) {
        paths.put(above + folder, true);
        NativeFiles.folder(NativeFiles.below(root, (above + folder).getBytes(ISO_8859_1)));
        make(above + folder + "/", depth - 1);
      }
    }
  }

  @AfterContainer
  static void removeTree() throws Exception {
    Process remove = new ProcessBuilder("rm", "-rf", work.toString()).inheritIO().start();
    assertThat(remove.waitFor(60, TimeUnit.SECONDS)).isTrue();
  }

  /** Names, wildcards and slashes in any order; most make some sense. */
  @Provide
  Arbitrary<List<String>> patterns() {
    Arbitrary<String> part =
        Arbitraries.of(
            "a",
            "b",
            "ab",
            "a",
            "b",
            "\u00e9",
            ".",
            "-",
            "B",
            " a",
            "*",
            "*",
            "?",
            "**",
            "[ab]",
            "[!a]",
            "[^b]",
            "[a-b]",
            "[]a]",
            "[[:upper:]]",
            "[[:alpha:].]",
            "[\\]a-]",
            "\\*",
            "\\a",
            "\\\\",
            "\\[",
            "[\\\\]",
            "!",
            "/",
            "/",
            "**/",
            "/**/",
            "/**",
            "/a",
            "b/",
            "a/b");
    Arbitrary<String> pattern =
        part.list()
            .ofMinSize(1)
            .ofMaxSize(5)
            .map(parts -> String.join("", parts))
            .flatMap(body ->
                Arbitraries.of("", "", "", "!", "/")
                    .flatMap(front -> Arbitraries.of("", "", "/").map(b -> front + body + b)));
    return pattern.filter(ExcludeGlobsPropertyTest::meansTheSame).list().ofMinSize(1).ofMaxSize(6);
  }

  /**
   * Leaves out what is no pattern here (git takes it and matches nothing), what a file of patterns
   * reads differently from an argument, and {@code a**}{@code /b}: git's manual says that such
   * stars are single ones, and git itself forgets it behind letters, a {@code !} among them that is
   * not in front.
   */
  private static boolean meansTheSame(String pattern) {
    if (pattern.endsWith(" ") || pattern.startsWith("#")) {
      return false;
    }
    String body = pattern.replaceFirst("^!", "").replaceFirst("/$", "");
    if (body.contains("/") && body.matches(".*([^/]\\*\\*|\\*\\*[^/*]).*")) {
      return false;
    }
    try {
      ExcludeGlob.parse(pattern);
      return true;
    } catch (ShareException refused) {
      return false;
    }
  }

  @Property(tries = 300)
  void excludedIsWhatGitIgnores(@ForAll("patterns") List<String> patterns) throws Exception {
    Files.write(tree.resolve(".gitignore"), String.join("\n", patterns).getBytes(UTF_8));
    ExcludeGlobs globs = ExcludeGlobs.of(patterns);
    Set<String> excluded = new TreeSet<>();
    paths.forEach((path, folder) -> {
      if (globs.excludes(path.getBytes(ISO_8859_1), folder)) {
        excluded.add(path);
      }
    });
    assertThat(excluded).isEqualTo(ignoredByGit());
    assertThat(listed(globs, "")).isEqualTo(difference(paths.keySet(), excluded));
  }

  /** What is found by listing folder after folder. */
  private static Set<String> listed(ExcludeGlobs globs, String folder) {
    Set<String> found = new TreeSet<>();
    byte[] path = folder.getBytes(ISO_8859_1);
    ExcludeGlobs.Walk walk = globs.below(Arrays.copyOf(path, Math.max(0, path.length - 1)));
    paths.forEach((each, isFolder) -> {
      String name = each.startsWith(folder) ? each.substring(folder.length()) : "/";
      if (name.indexOf('/') < 0 && !walk.excludes(name.getBytes(ISO_8859_1), isFolder)) {
        found.add(each);
        if (isFolder) {
          found.addAll(listed(globs, each + "/"));
        }
      }
    });
    return found;
  }

  private static Set<String> difference(Set<String> all, Set<String> without) {
    Set<String> rest = new TreeSet<>(all);
    rest.removeAll(without);
    return rest;
  }

  private static Set<String> ignoredByGit() throws Exception {
    int exit = git("check-ignore", "--no-index", "-z", "--stdin");
    assertThat(exit).as("0 some, 1 none").isBetween(0, 1);
    Set<String> ignored = new TreeSet<>();
    String outcome = Files.readString(work.resolve(ELSEWHERE), ISO_8859_1);
    for (String path : outcome.split("\0", -1)) {
      if (!path.isEmpty()) {
        ignored.add(path);
      }
    }
    return ignored;
  }

  private static int git(String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of("git", "-c", "core.ignorecase=false"));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).directory(tree.toFile());
    builder.environment().put("GIT_CONFIG_GLOBAL", "/dev/null");
    builder.environment().put("GIT_CONFIG_NOSYSTEM", "1");
    builder.environment().put("GIT_TEMPLATE_DIR", "");
    builder.environment().put("XDG_CONFIG_HOME", work.toString());
    builder.redirectOutput(work.resolve(ELSEWHERE).toFile());
    builder.redirectError(ProcessBuilder.Redirect.INHERIT);
    Process git = builder.start();
    try (OutputStream input = git.getOutputStream()) {
      input.write(String.join("\0", paths.keySet()).getBytes(ISO_8859_1));
    } catch (IOException hasEnough) {
      assertThat(arguments[0]).isEqualTo("init");
    }
    assertThat(git.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return git.exitValue();
  }
}
