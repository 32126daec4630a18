package io.wormhole.daemon.fuse.jnr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.fuse.MemoryFileSystem;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the file system gave out is held as long as it is needed, and given back once. */
class PathTableTest {
  private final MemoryFileSystem files = new MemoryFileSystem();
  private final List<Long> changed = new ArrayList<>();
  private final AtomicInteger replaced = new AtomicInteger();
  private final PathTable table = new PathTable(files, 10, changed::add, replaced::incrementAndGet);

  @AfterEach
  void everythingIsGivenBack() {
    table.clear();
    assertThat(files.heldByKernel()).isZero();
    assertThat(files.violations).isEmpty();
  }

  @Test
  void aPathIsLookedUpNameByName() throws Exception {
    var file = files.root.directory("a").directory("b").file("c", new byte[3]);
    assertThat(table.lookup("/a/b/c").size()).isEqualTo(3);
    assertThat(files.lookups).hasValue(3);
    assertThat(table.getattr("/a/b/c").inode()).isEqualTo(file.attr().inode());
    assertThat(files.lookups).as("getattr asks for no name").hasValue(3);
    assertThat(table.lookup("/a/b/c").size()).isEqualTo(3);
    assertThat(files.lookups).as("lookup asks for the last one").hasValue(4);
    assertThat(table.lookup("/").inode()).isEqualTo(files.root.attr().inode());
  }

  @Test
  void theLongestUnusedPathsAreGivenBackAndFoundAgain() throws Exception {
    IntStream.range(0, 30).forEach(i -> files.root.file("file " + i, new byte[i]));
    for (int i = 0; i < 30; i++) {
      assertThat(table.lookup("/file " + i).size()).isEqualTo(i);
    }
    assertThat(files.heldByKernel()).isEqualTo(10);
    assertThat(table.getattr("/file 0").size()).isZero();
    assertThat(table.getattr("/file 29").size()).isEqualTo(29);
    assertThat(files.lookups).hasValue(31);
  }

  @Test
  void whatIsOpenStaysHowManyOthersCome() throws Exception {
    IntStream.range(0, 100).forEach(i -> files.root.file("file " + i, new byte[i]));
    Place open = table.hold("/file 5");
    assertThat(table.opened(open, 77)).as("pages from before").isFalse();
    for (int i = 0; i < 100; i++) {
      table.lookup("/file " + i);
    }
    Place again = table.hold("/file 5");
    assertThat(again).isSameAs(open);
    assertThat(table.opened(again, 77)).as("pages are of the same version").isTrue();
    for (int i = 0; i < 2; i++) {
      table.closed(open);
      table.drop(open);
    }
  }

  @Test
  void aFileThatIsReplacedWhileOpenIsToldFromTheNewOne() throws Exception {
    files.root.file("file", new byte[1]);
    Place old = table.hold("/file");
    table.opened(old, 77);
    files.root.unlink("file");
    files.root.file("file", new byte[2]);
    assertThat(table.getattr("/file").size()).as("until the name is asked for").isEqualTo(1);
    assertThat(table.lookup("/file").size()).isEqualTo(2);
    assertThat(replaced).hasValue(1);
    Place current = table.hold("/file");
    assertThat(current).isNotSameAs(old);
    assertThat(table.opened(current, 78)).as("pages are the old one's").isFalse();
    assertThat(table.lookup("/file").size()).isEqualTo(2);
    assertThat(replaced).as("once").hasValue(1);
    for (Place place : List.of(old, current)) {
      table.closed(place);
      table.drop(place);
    }
  }

  @Test
  void callsOnTheFormerInodeGoOnWhileItIsReplaced() throws Exception {
    MemoryFileSystem.Node old = files.root.directory("folder");
    old.file("file", new byte[1]);
    List<Long> meanwhile = new ArrayList<>();
    PathTable[] own = new PathTable[1];
    own[0] =
        new PathTable(
            files,
            10,
            changed::add,
            () -> {
              try {
                meanwhile.add(own[0].lookup("/folder/file").size());
              } catch (ErrnoException | InterruptedException e) {
                throw new AssertionError(e);
              }
            });
    assertThat(own[0].lookup("/folder").inode()).isEqualTo(old.attr().inode());
    files.root.unlink("folder");
    files.root.directory("folder").file("file", new byte[2]);
    own[0].lookup("/folder");
    assertThat(meanwhile).containsExactly(1L);
    own[0].clear();
  }

  @Test
  void aFileThatIsRemovedWhileOpenStaysKnownByItsPath() throws Exception {
    files.root.file("file", new byte[4]);
    Place open = table.hold("/file");
    table.opened(open, 77);
    files.root.unlink("file");
    assertThatThrownBy(() -> table.lookup("/file")).isInstanceOf(ErrnoException.class);
    assertThat(table.getattr("/file").size()).isEqualTo(4);
    table.closed(open);
    table.drop(open);
    assertThatThrownBy(() -> table.lookup("/file")).isInstanceOf(ErrnoException.class);
    assertThat(files.heldByKernel()).isZero();
  }

  @Test
  void aChangeOfAnOpenFileIsToldOnceByWhatTheKernelCallsIt() throws Exception {
    var file = files.root.file("file", new byte[4]);
    Place open = table.hold("/file");
    table.opened(open, 77);
    table.getattr("/file");
    assertThat(changed).isEmpty();
    file.size = 5;
    table.getattr("/file");
    table.lookup("/file");
    assertThat(changed).containsExactly(77L);
    table.closed(open);
    table.drop(open);
    file.size = 6;
    table.getattr("/file");
    assertThat(changed).as("nobody has it open").containsExactly(77L);
  }

  @Test
  void namesPast255BytesAreTooLong() {
    assertThatThrownBy(() -> table.lookup("/" + "x".repeat(256))).hasMessage("ENAMETOOLONG");
  }
}
