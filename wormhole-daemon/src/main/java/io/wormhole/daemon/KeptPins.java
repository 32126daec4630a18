package io.wormhole.daemon;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What is pinned, in {@code pins.json} until it is unpinned, and what is held on the disk only
 * while it is fetched. Any thread.
 */
final class KeptPins {
  private final StateList<KeptPin> pins;
  private final Set<Integer> passing = ConcurrentHashMap.newKeySet();

  /**
   * @param file of this home
   * @throws IOException if what an earlier daemon of this home has left cannot be read
   */
  KeptPins(Path file) throws IOException {
    pins = new StateList<>(file, KeptPin.class);
  }

  List<KeptPin> all() {
    return pins.all();
  }

  void add(KeptPin pin) throws IOException {
    pins.put(_ -> false, pin);
  }

  void removeIf(Predicate<KeptPin> gone) throws IOException {
    var _ = pins.removeIf(gone);
  }

  /** The disk has something for this number until {@link #passed}. */
  void passes(int number) {
    passing.add(number);
  }

  void passed(int number) {
    passing.remove(number);
  }

  /** What the disk cache knows them by. */
  Set<Integer> numbers() {
    return Stream.concat(
            passing.stream(), pins.all().stream().flatMap(pin -> Stream.of(pin.id(), pin.way())))
        .collect(Collectors.toSet());
  }
}
