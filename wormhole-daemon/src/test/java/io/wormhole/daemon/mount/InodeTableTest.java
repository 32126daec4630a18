package io.wormhole.daemon.mount;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.wormhole.daemon.fuse.Attr;
import io.wormhole.daemon.fuse.ErrnoException;
import io.wormhole.daemon.fuse.FileType;
import io.wormhole.daemon.fuse.KernelFileSystem;
import io.wormhole.daemon.mount.HostAttributes.HostIdentity;
import io.wormhole.daemon.mount.Inode.Seen;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class InodeTableTest {
  private final InodeTable table = new InodeTable(folder(1), _ -> {});
  private long clock;

  private Seen folder(long inode) {
    return seen(FileType.DIRECTORY, inode, 0, 0, Optional.empty());
  }

  private Seen file(long inode, long size, long mtime, long version) {
    return seen(FileType.REGULAR, inode, size, mtime, Optional.of(new VersionToken(0, version)));
  }

  private Seen seen(
      FileType type, long inode, long size, long mtime, Optional<VersionToken> version) {
    Attr.Time time = new Attr.Time(mtime, 0);
    return new Seen(
        new HostAttributes(
            type,
            new HostIdentity(inode, 7),
            0644,
            1,
            size,
            0,
            time,
            time,
            time,
            version,
            false,
            new byte[0]),
        ++clock);
  }

  private static byte[] name(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void twoNamesOfOneFileAreOneNode() {
    Inode first = table.lookedUp(table.root(), name("a"), file(2, 1, 1, 1));
    Inode second = table.lookedUp(table.root(), name("b"), file(2, 1, 1, 1));
    assertThat(second).isSameAs(first);
    assertThat(second.path()).containsExactly(name("b"));
  }

  @Test
  void nodeIsGoneWhenEveryLookupIsGivenBack() throws ErrnoException {
    Inode inode = table.lookedUp(table.root(), name("a"), file(2, 1, 1, 1));
    table.lookedUp(table.root(), name("a"), file(2, 1, 1, 1));
    table.forget(inode.node(), 1);
    assertThat(table.get(inode.node())).isSameAs(inode);
    table.forget(inode.node(), 1);
    assertThatThrownBy(() -> table.get(inode.node())).isInstanceOf(ErrnoException.class);
    assertThat(table.size()).isEqualTo(1);
  }

  @Test
  void rootIsNeverForgotten() throws ErrnoException {
    table.forget(KernelFileSystem.ROOT, 100);
    assertThat(table.get(KernelFileSystem.ROOT)).isSameAs(table.root());
  }

  @Test
  void changeTheKernelCannotSeeGetsANewNodeOnceTheFileWasRead() {
    Inode before = table.lookedUp(table.root(), name("a"), file(2, 10, 1, 1));
    table.read(before, new VersionToken(0, 1));
    Inode after = table.lookedUp(table.root(), name("a"), file(2, 10, 1, 2));
    assertThat(after.node()).isNotEqualTo(before.node());
    assertThat(after.identity()).isEqualTo(before.identity());
  }

  @Test
  void changeTheKernelCannotSeeIsRememberedAcrossGetattr() {
    Inode before = table.lookedUp(table.root(), name("a"), file(2, 10, 1, 1));
    table.read(before, new VersionToken(0, 1));
    table.told(before, file(2, 10, 1, 2));
    Inode after = table.lookedUp(table.root(), name("a"), file(2, 10, 1, 2));
    assertThat(after.node()).isNotEqualTo(before.node());
  }

  @Test
  void changeTheKernelSeesByItselfKeepsTheNode() {
    Inode before = table.lookedUp(table.root(), name("a"), file(2, 10, 1, 1));
    table.read(before, new VersionToken(0, 1));
    assertThat(table.lookedUp(table.root(), name("a"), file(2, 10, 2, 2))).isSameAs(before);
    assertThat(table.lookedUp(table.root(), name("a"), file(2, 10, 2, 3))).isSameAs(before);
  }

  @Test
  void fileThatWasNeverReadKeepsItsNodeWhateverChanges() {
    Inode before = table.lookedUp(table.root(), name("a"), file(2, 10, 1, 1));
    assertThat(table.lookedUp(table.root(), name("a"), file(2, 10, 1, 2))).isSameAs(before);
  }

  @Test
  void forgettingTheOldNodeOfAChangedFileLeavesTheNewOne() throws ErrnoException {
    Inode before = table.lookedUp(table.root(), name("a"), file(2, 10, 1, 1));
    table.read(before, new VersionToken(0, 1));
    Inode after = table.lookedUp(table.root(), name("a"), file(2, 10, 1, 2));
    table.forget(before.node(), 1);
    assertThat(table.lookedUp(table.root(), name("a"), file(2, 10, 1, 2))).isSameAs(after);
    assertThat(table.get(after.node())).isSameAs(after);
  }

  @Test
  void olderAnswerThatComesLateDoesNotTurnAttributesBack() {
    Seen older = file(2, 10, 1, 1);
    Seen newer = file(2, 20, 2, 2);
    Inode inode = table.lookedUp(table.root(), name("a"), newer);
    table.lookedUp(table.root(), name("a"), older);
    assertThat(inode.attributes().size()).isEqualTo(20);
  }

  @Test
  void aFileIsAsSeenUnderItsNameUntilTheHostSaysMore() {
    Seen seen = file(2, 10, 1, 1);
    ByteString name = ByteString.copyFromUtf8("a");
    assertThat(table.isAsSeen(table.root(), name, seen.attributes())).isFalse();
    Inode inode = table.lookedUp(table.root(), name("a"), seen);
    assertThat(table.isAsSeen(table.root(), name, seen.attributes())).isTrue();
    assertThat(table.isAsSeen(table.root(), name, file(2, 10, 2, 2).attributes())).isFalse();
    assertThat(table.isAsSeen(table.root(), ByteString.copyFromUtf8("b"), seen.attributes()))
        .isFalse();
    assertThat(table.isAsSeen(inode, name, seen.attributes())).isFalse();
  }

  @Test
  void hostThatPutsAFolderBelowItselfMakesNoEndlessPath() {
    Inode outer = table.lookedUp(table.root(), name("outer"), folder(2));
    Inode inner = table.lookedUp(outer, name("inner"), folder(3));
    assertThat(table.lookedUp(inner, name("again"), folder(2))).isSameAs(outer);
    assertThat(outer.path()).containsExactly(name("outer"));
    assertThat(inner.path()).containsExactly(name("outer"), name("inner"));
  }

  @Test
  void pathFollowsARenamedFolder() {
    Inode folder = table.lookedUp(table.root(), name("old"), folder(2));
    Inode file = table.lookedUp(folder, name("f"), file(3, 1, 1, 1));
    table.lookedUp(table.root(), name("new"), folder(2));
    assertThat(file.path()).containsExactly(name("new"), name("f"));
  }
}
