import java.io.File;
import java.lang.reflect.Method;
import net.openhft.chronicle.values.ValueModel;
import net.openhft.compiler.CachedCompiler;

/**
 * Writes, when the module is built, the classes that Chronicle Map would otherwise generate and
 * compile at each start: it looks on the class path first.
 */
final class ValueClasses {
  private static final String[] MODELS = {"net.openhft.chronicle.hash.VanillaGlobalMutableState"};

  /**
   * @param arguments the folder of classes to write to
   */
  static void main(String[] arguments) throws Exception {
    Method generate =
        Class.forName("net.openhft.chronicle.values.Generators")
            .getDeclaredMethod("generateNativeClass", ValueModel.class, String.class);
    generate.setAccessible(true);
    for (String name : MODELS) {
      Class<?> model = Class.forName(name);
      String simple = model.getSimpleName() + "$$Native";
      String source = (String) generate.invoke(null, ValueModel.acquire(model), simple);
      try (CachedCompiler compiler = new CachedCompiler(null, new File(arguments[0]))) {
        compiler.loadFromJava(
            ValueClasses.class.getClassLoader(), model.getPackageName() + "." + simple, source);
      }
    }
  }

  private ValueClasses() {}
}
