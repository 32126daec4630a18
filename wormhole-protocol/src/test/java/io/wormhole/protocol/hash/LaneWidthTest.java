package io.wormhole.protocol.hash;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.instruction.FieldInstruction;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Method;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The width of the lanes is a constant of the class, taken from the CPU. Each test loads the
 * package anew as another CPU would see it; where this one lacks such vectors the JVM computes them
 * the slow way, to the same result.
 */
class LaneWidthTest {
  @ParameterizedTest
  @ValueSource(ints = {64, 128, 256, 512})
  void everyVectorWidthHashesTheSame(int bits) throws Exception {
    Class<?> blake3 = new OtherCpu(bits).loadClass(Blake3.class.getName());
    Object vector = blake3.getMethod("vector").invoke(null);
    Method hash = blake3.getMethod("hash", MemorySegment.class);
    int lanes = Math.max(4, bits / Integer.SIZE);
    assertThat(blake3.getMethod("engine").invoke(vector)).isEqualTo("vector, " + lanes + " lanes");
    for (int length : new int[] {0, 1025, 3 << 10, (5 << 10) + 7, 16 << 10, (41 << 10) + 1}) {
      byte[] bytes = Samples.bytes(length, bits);
      Object hashes = hash.invoke(vector, MemorySegment.ofArray(bytes));
      Object found = hashes.getClass().getMethod("hash").invoke(hashes);
      byte[] expected = org.apache.commons.codec.digest.Blake3.hash(bytes);
      assertThat(found).as("%d bytes", length).hasToString(ChunkHash.of(expected).toString());
    }
  }

  /** Loads this package's classes with another preferred vector width. */
  private static final class OtherCpu extends ClassLoader {
    private final String species;

    OtherCpu(int bits) {
      super(LaneWidthTest.class.getClassLoader());
      species = "SPECIES_" + bits;
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      if (!name.startsWith(Blake3.class.getPackageName())) {
        return super.loadClass(name, resolve);
      }
      synchronized (getClassLoadingLock(name)) {
        Class<?> loaded = findLoadedClass(name);
        return loaded != null ? loaded : define(name);
      }
    }

    private Class<?> define(String name) throws ClassNotFoundException {
      try (InputStream file = getParent().getResourceAsStream(name.replace('.', '/') + ".class")) {
        byte[] bytes = withSpecies(Objects.requireNonNull(file, name).readAllBytes());
        return defineClass(name, bytes, 0, bytes.length);
      } catch (IOException e) {
        throw new ClassNotFoundException(name, e);
      }
    }

    private byte[] withSpecies(byte[] bytes) {
      ClassTransform transform =
          ClassTransform.transformingMethodBodies((code, element) -> {
            if (element instanceof FieldInstruction field
                && field.name().equalsString("SPECIES_PREFERRED")) {
              code.getstatic(field.owner().asSymbol(), species, field.typeSymbol());
            } else {
              code.with(element);
            }
          });
      return ClassFile.of().transformClass(ClassFile.of().parse(bytes), transform);
    }
  }
}
