package io.wormhole.daemon.trust;

/**
 * Nameplates that another host near here uses: who looks one of them up should find one host.
 *
 * <p>Any thread, none of them an event loop; answers within a second.
 */
@FunctionalInterface
public interface TakenNameplates {
  /** For a host that hears of no other. */
  TakenNameplates NONE = _ -> false;

  /** Whether another host claims this nameplate. Asked before a code is shown to anybody. */
  boolean isTaken(int nameplate);
}
