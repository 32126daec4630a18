package io.wormhole.daemon.fuse.jnr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.fuse.KernelFileSystem;
import io.wormhole.daemon.fuse.MemoryFileSystem;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the file system gave out is held as long as it is needed, and given back once. */
class PathTableTest {
  private static final long ROOT_KERNEL_NODE = 1;

  private final MemoryFileSystem files = new MemoryFileSystem();
  private final List<Notice> changed = new ArrayList<>();
  private final AtomicInteger replaced = new AtomicInteger();
  private final PathTable table = new PathTable(files, 10, this::told, replaced::incrementAndGet);
  private boolean full;

  /** Whether the kernel will hear of it. */
  private boolean told(Notice notice) {
    changed.add(notice);
    return !full;
  }

  @AfterEach
  void everythingIsGivenBack() {
    table.clear();
    assertThat(files.heldByKernel()).isZero();
    assertThat(files.violations).isEmpty();
  }

  @Test
  void aPathIsLookedUpNameByName() throws Exception {
    var file = files.root.directory("a").directory("b").file("c", new byte[3]);
    assertThat(table.lookup("/a/b/c", 0).size()).isEqualTo(3);
    assertThat(files.lookups).hasValue(3);
    assertThat(table.getattr("/a/b/c", 0).inode()).isEqualTo(file.attr().inode());
    assertThat(files.lookups).as("getattr asks for no name").hasValue(3);
    assertThat(table.lookup("/a/b/c", 0).size()).isEqualTo(3);
    assertThat(files.lookups).as("lookup asks for the last one").hasValue(4);
    assertThat(table.lookup("/", 0).inode()).isEqualTo(files.root.attr().inode());
  }

  @Test
  void theLongestUnusedPathsAreGivenBackAndFoundAgain() throws Exception {
    IntStream.range(0, 30).forEach(i -> files.root.file("file " + i, new byte[i]));
    for (int i = 0; i < 30; i++) {
      assertThat(table.lookup("/file " + i, 0).size()).isEqualTo(i);
    }
    assertThat(files.heldByKernel()).isEqualTo(10);
    assertThat(table.getattr("/file 0", 0).size()).isZero();
    assertThat(table.getattr("/file 29", 0).size()).isEqualTo(29);
    assertThat(files.lookups).hasValue(31);
  }

  @Test
  void whatIsOpenStaysHowManyOthersCome() throws Exception {
    IntStream.range(0, 100).forEach(i -> files.root.file("file " + i, new byte[i]));
    Place open = table.hold("/file 5", 0);
    assertThat(table.opened(open)).as("pages from before").isFalse();
    for (int i = 0; i < 100; i++) {
      table.lookup("/file " + i, 0);
    }
    Place again = table.hold("/file 5", 0);
    assertThat(again).isSameAs(open);
    assertThat(table.opened(again)).as("pages are of the same version").isTrue();
    for (int i = 0; i < 2; i++) {
      table.closed(open);
      table.drop(open);
    }
  }

  @Test
  void aFileThatIsReplacedWhileOpenIsToldFromTheNewOne() throws Exception {
    files.root.file("file", new byte[1]);
    Place old = table.hold("/file", 0);
    table.opened(old);
    files.root.unlink("file");
    files.root.file("file", new byte[2]);
    assertThat(table.getattr("/file", 0).size()).as("until the name is asked for").isEqualTo(1);
    assertThat(table.lookup("/file", 0).size()).isEqualTo(2);
    assertThat(replaced).hasValue(1);
    Place current = table.hold("/file", 0);
    assertThat(current).isNotSameAs(old);
    assertThat(table.opened(current)).as("pages are the old one's").isFalse();
    assertThat(table.lookup("/file", 0).size()).isEqualTo(2);
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
            this::told,
            () -> {
              try {
                meanwhile.add(own[0].lookup("/folder/file", 0).size());
              } catch (ErrnoException | InterruptedException e) {
                throw new AssertionError(e);
              }
            });
    assertThat(own[0].lookup("/folder", 0).inode()).isEqualTo(old.attr().inode());
    files.root.unlink("folder");
    files.root.directory("folder").file("file", new byte[2]);
    own[0].lookup("/folder", 0);
    assertThat(meanwhile).containsExactly(1L);
    own[0].clear();
  }

  @Test
  void aFileThatIsRemovedWhileOpenStaysKnownByItsPath() throws Exception {
    files.root.file("file", new byte[4]);
    Place open = table.hold("/file", 0);
    table.opened(open);
    files.root.unlink("file");
    assertThatThrownBy(() -> table.lookup("/file", 0)).isInstanceOf(ErrnoException.class);
    assertThat(table.getattr("/file", 0).size()).isEqualTo(4);
    table.closed(open);
    table.drop(open);
    assertThatThrownBy(() -> table.lookup("/file", 0)).isInstanceOf(ErrnoException.class);
    assertThat(files.heldByKernel()).isZero();
  }

  @Test
  void aChangeOfAnOpenFileIsToldOnceByWhatTheKernelCallsIt() throws Exception {
    var file = files.root.file("file", new byte[4]);
    Place open = table.hold("/file", 77);
    table.opened(open);
    table.getattr("/file", 77);
    assertThat(changed).isEmpty();
    file.size = 5;
    table.getattr("/file", 77);
    table.lookup("/file", ROOT_KERNEL_NODE);
    assertThat(changed).containsExactly(Notice.ofInode(77));
    table.closed(open);
    table.drop(open);
    file.size = 6;
    table.getattr("/file", 77);
    assertThat(changed).as("nobody has it open").containsExactly(Notice.ofInode(77));
  }

  @Test
  void aChangeThatTheKernelWasNotToldOfIsToldAgainAndItsPagesAreNotKept() throws Exception {
    var file = files.root.file("file", new byte[4]);
    Place open = table.hold("/file", 77);
    table.opened(open);
    table.getattr("/file", 77);
    file.size = 5;
    full = true;
    table.getattr("/file", 77);
    Place again = table.hold("/file", 77);
    assertThat(table.opened(again)).as("pages may be of before").isFalse();
    file.size = 6;
    table.getattr("/file", 77);
    full = false;
    table.getattr("/file", 77);
    assertThat(changed).containsExactly(Notice.ofInode(77), Notice.ofInode(77), Notice.ofInode(77));
    for (Place place : List.of(open, again)) {
      table.closed(place);
      table.drop(place);
    }
  }

  @Test
  void aChangeIsToldByWhatTheKernelHasAskedFor() throws Exception {
    MemoryFileSystem.Node folder = files.root.directory("folder");
    MemoryFileSystem.Node file = folder.file("file", new byte[4]);
    files.root.link("second name", file);
    assertThat(table.noticesOfInode(file.id)).as("nothing is known of it").isEmpty();
    assertThat(table.noticesOfName(folder.id, "file")).isEmpty();
    assertThat(table.noticesOfName(KernelFileSystem.ROOT, "folder"))
        .containsExactly(Notice.ofName(ROOT_KERNEL_NODE, "folder"));
    table.lookup("/folder", ROOT_KERNEL_NODE);
    assertThat(table.noticesOfName(folder.id, "file")).as("it has no number yet").isEmpty();
    table.lookup("/folder/file", 5);
    assertThat(table.noticesOfInode(file.id)).containsExactly(new Notice(0, 5, "file"));
    assertThat(table.noticesOfName(folder.id, "other")).containsExactly(Notice.ofName(5, "other"));
    table.getattr("/folder/file", 6);
    table.lookup("/second name", ROOT_KERNEL_NODE);
    assertThat(table.noticesOfInode(file.id))
        .containsExactly(new Notice(6, 5, "file"), new Notice(0, ROOT_KERNEL_NODE, "second name"));
    table.lookup("/folder/file", 7);
    assertThat(table.noticesOfName(folder.id, "file"))
        .as("it was forgotten, and has another number")
        .containsExactly(Notice.ofName(7, "file"));
    files.root.unlink("second name");
    assertThatThrownBy(() -> table.lookup("/second name", ROOT_KERNEL_NODE))
        .isInstanceOf(ErrnoException.class);
    assertThat(table.noticesOfInode(file.id)).containsExactly(new Notice(6, 7, "file"));
    assertThat(table.noticesOfInode(KernelFileSystem.ROOT))
        .containsExactly(Notice.ofInode(ROOT_KERNEL_NODE));
  }

  @Test
  void whatWasGivenBackIsNotTold() throws Exception {
    MemoryFileSystem.Node first = files.root.file("file 0", new byte[0]);
    IntStream.range(1, 30).forEach(i -> files.root.file("file " + i, new byte[i]));
    table.lookup("/file 0", ROOT_KERNEL_NODE);
    assertThat(table.noticesOfInode(first.id)).hasSize(1);
    for (int i = 1; i < 30; i++) {
      table.lookup("/file " + i, ROOT_KERNEL_NODE);
    }
    assertThat(table.noticesOfInode(first.id)).isEmpty();
  }

  @Test
  void namesPast255BytesAreTooLong() {
    assertThatThrownBy(() -> table.lookup("/" + "x".repeat(256), 0)).hasMessage("ENAMETOOLONG");
  }
}
