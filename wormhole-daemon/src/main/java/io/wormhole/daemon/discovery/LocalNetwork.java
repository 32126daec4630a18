package io.wormhole.daemon.discovery;

import io.wormhole.protocol.wire.Fingerprint;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** Hosts and guests that find each other on the network they share. Any thread. */
public interface LocalNetwork extends AutoCloseable {
  /** Where nobody is to be found, and nothing is told. */
  LocalNetwork OFF =
      new LocalNetwork() {
        @Override
        public void publish(Map<InetSocketAddress, List<Integer>> served) {}

        @Override
        public Candidates claiming(int nameplate, Duration limit) {
          return Candidates.of(List.of());
        }

        @Override
        public Candidates of(Fingerprint host, Duration limit) {
          return Candidates.of(List.of());
        }

        @Override
        public boolean isTaken(int nameplate) {
          return false;
        }

        @Override
        public void tick() {}

        @Override
        public void close() {}
      };

  /**
   * Says what is served here from now on, in place of what was said before. Does not wait.
   *
   * @param served nameplates of live codes, the newest first, by the address that lanes are taken
   *     at; an address that only this machine can dial is told to nobody
   */
  void publish(Map<InetSocketAddress, List<Integer>> served);

  /** Hosts that claim a nameplate, as they answer; the claim is for the handshake to prove. */
  Candidates claiming(int nameplate, Duration limit);

  /** Where the host of this key says that it is, as it answers; likewise a claim. */
  Candidates of(Fingerprint host, Duration limit);

  /**
   * Whether another host on this network claims the nameplate. Takes at most half a second, and
   * nearly that if nobody does.
   */
  boolean isTaken(int nameplate);

  /** Follows networks that come and go; called once a second, does not wait. */
  void tick();

  /** Takes back what was said. Returns within two seconds. */
  @Override
  void close();
}
