package io.wormhole;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noMethods;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The arrows of docs/ARCHITECTURE.md, and what must never be. */
@AnalyzeClasses(packages = "io.wormhole", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  private static final String DAEMON = "io.wormhole.daemon";
  private static final String TRANSPORT = DAEMON + ".transport..";
  private static final String TRUST = DAEMON + ".trust..";
  private static final String DISCOVERY = DAEMON + ".discovery..";
  private static final String HOST = DAEMON + ".host..";
  private static final String FUSE = DAEMON + ".fuse..";
  private static final String MOUNT = DAEMON + ".mount..";
  private static final String CONTROL = DAEMON + ".control..";
  private static final String CACHE = "io.wormhole.cache..";
  private static final String CLI = "io.wormhole.cli..";

  private static ArchRule room(String room, String... closedTo) {
    return noClasses()
        .that()
        .resideInAPackage(room)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(closedTo);
  }

  @ArchTest
  static final ArchRule protocolAndCacheKnowNoNetworkNoKernelNoCommands =
      noClasses()
          .that()
          .resideInAnyPackage("io.wormhole.protocol..", CACHE)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("io.netty..", "jnr..", "picocli..", DAEMON + "..", CLI);

  @ArchTest static final ArchRule protocolKnowsNoCache = room("io.wormhole.protocol..", CACHE);

  @ArchTest
  static final ArchRule cacheKnowsHashesOnly =
      room(
          CACHE,
          "io.wormhole.protocol.join..",
          "io.wormhole.protocol.control..",
          "io.wormhole.protocol.name..");

  @ArchTest
  static final ArchRule transportStandsOnTheProtocolAlone =
      room(TRANSPORT, TRUST, DISCOVERY, HOST, FUSE, MOUNT, CONTROL, CACHE, DAEMON);

  @ArchTest
  static final ArchRule trustStandsOnTransport =
      room(TRUST, DISCOVERY, HOST, FUSE, MOUNT, CONTROL, CACHE, DAEMON);

  @ArchTest
  static final ArchRule discoveryStandsOnTheProtocolAlone =
      room(DISCOVERY, TRANSPORT, TRUST, HOST, FUSE, MOUNT, CONTROL, CACHE, DAEMON);

  @ArchTest
  static final ArchRule hostKnowsNoMount =
      room(HOST, MOUNT, FUSE, TRUST, DISCOVERY, CONTROL, CACHE, DAEMON);

  @ArchTest
  static final ArchRule fuseKnowsNothingOfOurs =
      room(
          FUSE,
          "io.wormhole.protocol..",
          CACHE,
          TRANSPORT,
          TRUST,
          DISCOVERY,
          HOST,
          MOUNT,
          CONTROL,
          DAEMON);

  @ArchTest
  static final ArchRule mountKnowsNoHost = room(MOUNT, HOST, TRUST, DISCOVERY, CONTROL, DAEMON);

  @ArchTest
  static final ArchRule controlIsServedByTheRootAndServesNobody =
      room(CONTROL, TRANSPORT, TRUST, DISCOVERY, FUSE, CACHE, DAEMON);

  @ArchTest
  static final ArchRule commandsKnowTheProtocolAlone =
      room(CLI, DAEMON + "..", CACHE, "io.netty..");

  @ArchTest
  static final ArchRule nettyStaysInTransportAndControl =
      noClasses()
          .that()
          .resideOutsideOfPackages(TRANSPORT, CONTROL)
          .should()
          .dependOnClassesThat()
          .resideInAPackage("io.netty..");

  @ArchTest
  static final ArchRule jmdnsStaysInDiscovery =
      noClasses()
          .that()
          .resideOutsideOfPackage(DISCOVERY)
          .should()
          .dependOnClassesThat()
          .resideInAPackage("javax.jmdns..");

  @ArchTest
  static final ArchRule jnrStaysInItsBackend =
      noClasses()
          .that()
          .resideOutsideOfPackage(DAEMON + ".fuse.jnr..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("jnr..", "com.kenai..", "ru.serce..");

  @ArchTest
  static final ArchRule noNettyTypeInAPublicSignature =
      noMethods()
          .that()
          .arePublic()
          .and()
          .areDeclaredInClassesThat()
          .arePublic()
          .should()
          .haveRawReturnType(anyOf("io.netty"))
          .orShould()
          .haveRawParameterTypes(
              new DescribedPredicate<>("a Netty type among them") {
                @Override
                public boolean test(java.util.List<JavaClass> types) {
                  return types.stream()
                      .anyMatch(type -> type.getPackageName().startsWith("io.netty"));
                }
              });

  @ArchTest
  static final ArchRule noTwoPackagesImportEachOther =
      slices().matching("io.wormhole.(**)").should().beFreeOfCycles();

  private static DescribedPredicate<JavaClass> anyOf(String prefix) {
    return new DescribedPredicate<>("a type of " + prefix) {
      @Override
      public boolean test(JavaClass type) {
        return type.getPackageName().startsWith(prefix);
      }
    };
  }
}
