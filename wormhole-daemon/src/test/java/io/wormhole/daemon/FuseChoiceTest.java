package io.wormhole.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.wormhole.daemon.fuse.FuseBackend;
import io.wormhole.daemon.fuse.KernelFileSystem;
import io.wormhole.daemon.fuse.KernelMount;
import io.wormhole.daemon.fuse.MountException;
import io.wormhole.daemon.fuse.MountOptions;
import io.wormhole.protocol.control.ControlException;
import java.util.List;
import org.junit.jupiter.api.Test;

class FuseChoiceTest {
  private boolean bestCan = true;
  private boolean otherCan = true;

  private final FuseBackend best = backend("device");
  private final FuseBackend other = backend("jnr");

  private FuseBackend backend(String name) {
    return new FuseBackend() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public void check() throws MountException {
        if (!(name.equals("device") ? bestCan : otherCan)) {
          throw new MountException(MountException.Kind.NO_LIBRARY, name + " lacks something");
        }
      }

      @Override
      public KernelMount mount(MountOptions options, KernelFileSystem fileSystem) {
        throw new AssertionError("nothing is mounted here");
      }
    };
  }

  private FuseChoice choice(String set) {
    return new FuseChoice(List.of(best, other), set);
  }

  @Test
  void autoTakesTheBestThatCan() throws Exception {
    assertThat(choice("auto").choose(null).backend()).isSameAs(best);
    bestCan = false;
    FuseChoice.Chosen second = choice("auto").choose(null);
    assertThat(second.backend()).isSameAs(other);
    assertThat(second.why()).contains("device lacks something");
    otherCan = false;
    assertThatThrownBy(() -> choice("auto").choose(null))
        .isInstanceOf(MountException.class)
        .hasMessage("device lacks something");
  }

  @Test
  void whatIsAskedForGoesBeforeWhatIsSet() throws Exception {
    assertThat(choice("jnr").choose(null).backend()).isSameAs(other);
    assertThat(choice("jnr").choose("device").backend()).isSameAs(best);
    assertThat(choice("jnr").choose("auto").backend()).isSameAs(best);
  }

  @Test
  void whatIsMeantIsNotReplacedByAnother() {
    otherCan = false;
    assertThatThrownBy(() -> choice("auto").choose("jnr"))
        .isInstanceOf(MountException.class)
        .hasMessage("jnr lacks something");
    assertThatThrownBy(() -> choice("jnr").choose(null)).isInstanceOf(MountException.class);
    assertThatThrownBy(() -> choice("auto").choose("kext")).isInstanceOf(ControlException.class);
  }
}
