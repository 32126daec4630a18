package io.wormhole.daemon.control;

import io.wormhole.protocol.control.ShareEvent;

/**
 * One owner's hold on a share. Each {@code host} command has one while it runs; the share ends with
 * its last owner.
 */
public interface HostedShare extends AutoCloseable {
  /** What the owner is told first, its own code in it. */
  ShareEvent.Shared answer();

  /** The figures of the last second; asked for once a second. */
  ShareEvent.Throughput throughput();

  /** Gives the hold up; this owner's code joins nothing any more. Called once, any thread. */
  @Override
  void close();
}
