package io.wormhole.daemon.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Listings are whole and repeatable, whatever their length and whatever changes meanwhile. */
@OnEveryBackend
class FoldersMountTest {
  /**
   * Remembers each place with telldir on the way through, then goes back to places here and there
   * and reads on; says how often another name came than the first time.
   */
  private static final String SEEK_BACK =
      """
      opendir(D, $ARGV[0]) or die $!;
      my (@at, @name);
      while (1) { my $here = telldir(D); my $n = readdir(D); last unless defined $n;
          push @at, $here; push @name, $n; }
      my $wrong = 0;
      for (my $i = $#at; $i >= 0; $i -= 997) {
          seekdir(D, $at[$i]);
          for my $j ($i .. $i + 2) { last if $j > $#at; $wrong++ unless readdir(D) eq $name[$j]; }
      }
      print scalar(@name), " ", $wrong;
      """;

  private final TestedBackend backend;
  private final MemoryFileSystem files = new MemoryFileSystem();

  FoldersMountTest(TestedBackend backend) {
    this.backend = backend;
  }

  @Test
  void aHundredThousandNamesAreListedOnceEach() throws Exception {
    MemoryFileSystem.Node folder = files.root.directory("folder");
    IntStream.range(0, 100_000).forEach(i -> folder.file("entry number " + i, new byte[0]));
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      Program.Result listed =
          Program.bash("ls -U \"$1\" | sort -u | wc -l", mounted.path("folder"));
      assertThat(listed.output().strip()).isEqualTo("100000");
      assertThat(Program.run("perl", "-e", SEEK_BACK, mounted.path("folder").toString()).output())
          .isEqualTo("100002 0");
    }
  }

  @Test
  void anEmptyFolderHasItselfAndItsParent() throws Exception {
    files.root.directory("folder");
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      assertThat(Program.run("ls", "-aU", mounted.path("folder").toString()).output())
          .isEqualTo(".\n..\n");
      assertThat(Program.run("ls", "-A", mounted.path("folder").toString()).output()).isEmpty();
    }
  }

  @Test
  void whatStaysIsListedOnceWhileOtherNamesComeAndGo() throws Exception {
    files.validFor = Duration.ZERO;
    MemoryFileSystem.Node folder = files.root.directory("folder");
    IntStream.range(0, 3000).forEach(i -> folder.file("stays " + i, new byte[0]));
    IntStream.range(0, 3000).forEach(i -> folder.file("goes " + i, new byte[0]));
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files);
        DirectoryStream<Path> stream = Files.newDirectoryStream(mounted.path("folder"))) {
      Iterator<Path> entries = stream.iterator();
      Set<String> seen = new HashSet<>();
      for (int i = 0; entries.hasNext(); i++) {
        assertThat(seen.add(entries.next().getFileName().toString())).isTrue();
        if (i < 3000) {
          folder.unlink("goes " + i);
          folder.file("comes " + i, new byte[0]);
        }
      }
      assertThat(seen.stream().filter(name -> name.startsWith("stays "))).hasSize(3000);
    }
    assertThat(folder.children).hasSize(6000);
  }

  @Test
  void aRewoundListingIsMadeAnew() throws Exception {
    files.validFor = Duration.ZERO;
    MemoryFileSystem.Node folder = files.root.directory("folder");
    folder.file("first", new byte[0]);
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      Program perl =
          Program.start(
              "perl",
              "-e",
              """
              $| = 1; opendir(D, $ARGV[0]) or die $!; my @before = readdir(D);
              $SIG{USR1} = sub { $go = 1 }; print "listed\\n"; my $tries = 0;
              select(undef, undef, undef, 0.05) until $go || $tries++ > 300;
              rewinddir(D); print join(" ", sort(readdir(D)));
              """,
              mounted.path("folder").toString());
      assertThat(perl.firstLine()).isEqualTo("listed");
      folder.unlink("first");
      folder.file("second", new byte[0]);
      perl.signal("USR1");
      assertThat(perl.result().output()).isEqualTo("listed\n. .. second");
    }
  }

  @Test
  void aNameThatWentIsGoneAndOneThatCameIsThere() throws Exception {
    files.validFor = Duration.ZERO;
    files.root.file("goes", new byte[1]);
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      assertThat(Files.exists(mounted.path("goes"))).isTrue();
      assertThat(Files.exists(mounted.path("comes"))).isFalse();
      files.root.unlink("goes");
      files.root.file("comes", new byte[2]);
      assertThat(Files.exists(mounted.path("goes"))).isFalse();
      assertThat(Files.size(mounted.path("comes"))).isEqualTo(2);
    }
  }

  @Test
  void aFolderThatIsReplacedShowsWhatTheNewOneHolds() throws Exception {
    files.validFor = Duration.ZERO;
    files.root.directory("folder").file("file", MemoryFileSystem.bytes("old"));
    try (MountedFileSystem mounted = new MountedFileSystem(backend, files)) {
      assertThat(Files.readString(mounted.path("folder/file"))).isEqualTo("old");
      files.root.unlink("folder");
      files.root.directory("folder").file("file", MemoryFileSystem.bytes("newer"));
      assertThat(Files.readString(mounted.path("folder/file"))).isEqualTo("newer");
    }
  }
}
