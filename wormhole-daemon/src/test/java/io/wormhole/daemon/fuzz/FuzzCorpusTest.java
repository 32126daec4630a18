package io.wormhole.daemon.fuzz;

import static org.assertj.core.api.Assertions.assertThatCode;

import io.wormhole.daemon.fuzz.FuzzTargets.Target;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What fuzzing has found stays mended, and a little of it is done each time. */
@Timeout(120)
class FuzzCorpusTest {
  private static final int MUTATIONS = 300;

  static Stream<Target> targets() {
    return FuzzTargets.all().stream();
  }

  @ParameterizedTest
  @MethodSource("targets")
  void everyInputKeptIsTakenOrRefused(Target target) throws Exception {
    for (byte[] input : Corpus.of(target)) {
      run(target, input);
    }
  }

  @ParameterizedTest
  @MethodSource("targets")
  void inputsALittleDifferentAreTakenOrRefused(Target target) throws Exception {
    Random random = new Random(7);
    List<byte[]> corpus = Corpus.of(target);
    for (int i = 0; i < MUTATIONS; i++) {
      byte[] input = corpus.get(random.nextInt(corpus.size())).clone();
      for (int change = random.nextInt(4); change >= 0 && input.length > 0; change--) {
        int at = random.nextInt(input.length);
        switch (random.nextInt(3)) {
          case 0 -> input[at] ^= (byte) (1 << random.nextInt(8));
          case 1 -> input[at] = (byte) (random.nextBoolean() ? 0xff : random.nextInt());
          default -> input = Arrays.copyOf(input, at);
        }
      }
      run(target, input);
    }
  }

  private static void run(Target target, byte[] input) {
    assertThatCode(() -> target.body().run(input))
        .as("%s %s", target.name(), HexFormat.of().formatHex(input))
        .doesNotThrowAnyException();
  }
}
