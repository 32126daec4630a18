package io.wormhole.daemon.fuzz;

import io.wormhole.daemon.control.ControlRequestFuzz;
import io.wormhole.daemon.discovery.MulticastFuzz;
import io.wormhole.daemon.fuse.device.KernelRequestFuzz;
import io.wormhole.daemon.host.RequestFuzz;
import io.wormhole.daemon.mount.HostAnswerFuzz;
import io.wormhole.daemon.transport.FrameFuzz;
import io.wormhole.daemon.trust.HandshakeFuzz;
import java.util.List;
import java.util.function.Supplier;

/** Whatever takes bytes from somebody else. A further one is added here, and nowhere else. */
final class FuzzTargets {
  /** What is done with an input; throws what nobody may make it throw. */
  interface Body {
    void run(byte[] input) throws Exception;
  }

  /**
   * One target.
   *
   * @param type has {@code fuzzerTestOneInput}, as Jazzer looks for it
   * @param seeds inputs that get far, to begin with
   */
  record Target(Class<?> type, Body body, Supplier<List<byte[]>> seeds) {
    String name() {
      return type.getSimpleName();
    }

    @Override
    public String toString() {
      return name();
    }
  }

  private FuzzTargets() {}

  static List<Target> all() {
    return List.of(
        new Target(TextFuzz.class, TextFuzz::fuzzerTestOneInput, TextFuzz::seeds),
        new Target(FrameFuzz.class, FrameFuzz::fuzzerTestOneInput, FrameFuzz::seeds),
        new Target(HandshakeFuzz.class, HandshakeFuzz::fuzzerTestOneInput, HandshakeFuzz::seeds),
        new Target(RequestFuzz.class, RequestFuzz::fuzzerTestOneInput, RequestFuzz::seeds),
        new Target(HostAnswerFuzz.class, HostAnswerFuzz::fuzzerTestOneInput, HostAnswerFuzz::seeds),
        new Target(MulticastFuzz.class, MulticastFuzz::fuzzerTestOneInput, MulticastFuzz::seeds),
        new Target(
            KernelRequestFuzz.class,
            KernelRequestFuzz::fuzzerTestOneInput,
            KernelRequestFuzz::seeds),
        new Target(
            ControlRequestFuzz.class,
            ControlRequestFuzz::fuzzerTestOneInput,
            ControlRequestFuzz::seeds));
  }
}
