package io.wormhole.cache.disk;

import java.util.Arrays;

/** A stack of ints. One thread at a time. */
final class Numbers {
  private static final int FIRST = 16;

  private int[] numbers = new int[FIRST];
  private int size;

  void add(int number) {
    if (size == numbers.length) {
      numbers = Arrays.copyOf(numbers, size * 2);
    }
    numbers[size++] = number;
  }

  boolean isEmpty() {
    return size == 0;
  }

  int removeLast() {
    return numbers[--size];
  }

  void clear() {
    numbers = new int[FIRST];
    size = 0;
  }
}
