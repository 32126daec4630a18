package io.wormhole.daemon.fuse.device;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.wormhole.daemon.fuse.MountException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

/** What is agreed on with the kernel. */
class HandshakeTest {
  private static final int ASYNC_DIO = 1 << 15;
  private static final int POSIX_LOCKS = 1 << 1;
  private static final int FLOCK_LOCKS = 1 << 10;

  private final MemorySegment offer = Arena.ofAuto().allocate(Abi.InitIn.LAYOUT);
  private final MemorySegment answer = Arena.ofAuto().allocate(4096, 8);

  private void offer(int major, int minor, int flags) {
    offer.set(JAVA_INT, Abi.InitIn.MAJOR_VERSION, major);
    offer.set(JAVA_INT, Abi.InitIn.MINOR_VERSION, minor);
    offer.set(JAVA_INT, Abi.InitIn.MAX_READAHEAD, 131_072);
    offer.set(JAVA_INT, Abi.InitIn.FLAGS, flags);
  }

  @Test
  void takesWhatItCanUseOfAllTheKernelOffers() throws Exception {
    offer(7, 44, -1);
    assertThat(new Handshake(4096).answer(offer, answer)).isEqualTo(64);
    int flags = answer.get(JAVA_INT, Abi.InitOut.FLAGS);
    assertThat(flags)
        .isEqualTo(
            Abi.ASYNC_READ
                | Abi.BIG_WRITES
                | Abi.AUTO_INVAL_DATA
                | Abi.DO_READDIRPLUS
                | Abi.READDIRPLUS_AUTO
                | Abi.PARALLEL_DIROPS
                | Abi.MAX_PAGES
                | Abi.CACHE_SYMLINKS);
    assertThat(flags & (ASYNC_DIO | POSIX_LOCKS | FLOCK_LOCKS)).isZero();
    assertThat(answer.get(JAVA_SHORT, Abi.InitOut.MAX_PAGES)).isEqualTo((short) 256);
    assertThat(answer.get(JAVA_INT, Abi.InitOut.MAX_WRITE)).isEqualTo(4096);
    assertThat(answer.get(JAVA_INT, Abi.InitOut.MAX_READAHEAD)).isEqualTo(131_072);
  }

  @Test
  void requestsAreOfOneMebibyteWhateverThePageSize() throws Exception {
    offer(7, 31, -1);
    assertThat(new Handshake(65_536).answer(offer, answer)).isEqualTo(64);
    assertThat(answer.get(JAVA_SHORT, Abi.InitOut.MAX_PAGES)).isEqualTo((short) 16);
  }

  @Test
  void asksForNothingTheKernelDoesNotOffer() throws Exception {
    offer(7, 23, Abi.ASYNC_READ);
    assertThat(new Handshake(4096).answer(offer, answer)).isEqualTo(64);
    assertThat(answer.get(JAVA_INT, Abi.InitOut.FLAGS)).isEqualTo(Abi.ASYNC_READ);
  }

  @Test
  void aKernelThatIsTooOldIsToldByItsVersion() {
    offer(7, 22, -1);
    MountException refusal =
        catchThrowableOfType(MountException.class, () -> new Handshake(4096).answer(offer, answer));
    assertThat(refusal.kind()).isEqualTo(MountException.Kind.KERNEL_TOO_OLD);
    assertThat(refusal).hasMessageContaining("FUSE 7.22; 7.23");
  }
}
