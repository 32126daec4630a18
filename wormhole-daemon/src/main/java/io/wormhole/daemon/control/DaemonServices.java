package io.wormhole.daemon.control;

import io.wormhole.protocol.control.CacheChange;
import io.wormhole.protocol.control.CacheEvent;
import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.HostRequest;
import io.wormhole.protocol.control.MountRequest;
import io.wormhole.protocol.control.PeersAnswer;
import io.wormhole.protocol.control.PinRequest;
import io.wormhole.protocol.control.PinsAnswer;
import io.wormhole.protocol.control.ResizeCacheRequest;
import io.wormhole.protocol.control.ShareEvent;
import io.wormhole.protocol.control.StatusAnswer.CacheStatus;
import io.wormhole.protocol.control.StatusAnswer.MountStatus;
import io.wormhole.protocol.control.StatusAnswer.ShareStatus;
import io.wormhole.protocol.control.StopSharingAnswer;
import io.wormhole.protocol.control.StopSharingRequest;
import io.wormhole.protocol.control.UnmountAnswer;
import io.wormhole.protocol.control.UnmountRequest;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.DoubleConsumer;

/**
 * What the control socket asks of the rest of the daemon. Each call comes on a virtual thread of
 * its own and may block; it is interrupted when whoever asked has gone or the time is over. A
 * failure a person can do something about is a {@link ControlException}.
 */
public interface DaemonServices {
  /**
   * Shares a folder, which exists and can be read, or adds an owner to its share.
   *
   * @param events takes what happens to the share; never blocks, any thread. Throughput is asked
   *     for instead, by {@link HostedShare#throughput}
   * @return this owner's hold on the share; the control socket closes it, unless the request is
   *     detached and was answered
   */
  HostedShare host(HostRequest request, Consumer<ShareEvent> events)
      throws ControlException, InterruptedException;

  /** Gives up the daemon's own hold on a share, which it does not take again after a restart. */
  StopSharingAnswer stopSharing(StopSharingRequest request) throws ControlException;

  /** Every peer and every share of others that is known. */
  PeersAnswer peers() throws ControlException;

  /** Takes away what is known of a peer or a share of another's; whoever is in stays in. */
  PeersAnswer forgetPeer(String peer) throws ControlException;

  /** Sends a peer away, and lets it in again with a new code only. */
  PeersAnswer revokePeer(String peer) throws ControlException;

  /** Calls a peer or a share of another's something else here. */
  PeersAnswer renamePeer(String peer, String name) throws ControlException;

  /**
   * Joins a share and mounts it. A directory that is given is an empty folder that is no mount; one
   * that is not given is made by {@link MountPoint#prepare}.
   *
   * @param progress takes a word or two for a person: {@code joining}; never blocks, any thread
   */
  MountedShare mount(MountRequest request, Consumer<String> progress)
      throws ControlException, InterruptedException;

  /** Unmounts; with {@code force} within two seconds. */
  UnmountAnswer unmount(UnmountRequest request) throws ControlException, InterruptedException;

  /** Every share, its peers and their figures of now. */
  List<ShareStatus> shares();

  /** Every mount and its figures of now. */
  List<MountStatus> mounts();

  /** The cache that all mounts share. */
  CacheStatus cache();

  /**
   * Reads and hashes all that is kept on disk, and drops what is wrong.
   *
   * @param progress takes how much was, from 0 to 1, some times a second; never blocks
   * @return how many chunks were dropped
   */
  long verifyCache(DoubleConsumer progress) throws ControlException, InterruptedException;

  /** Drops all that is kept on disk; what is read meanwhile comes from the host. */
  CacheChange clearCache() throws ControlException, InterruptedException;

  /** Drops what no version of a file is made of any more. */
  CacheChange collectCache() throws ControlException, InterruptedException;

  /** Sets another bound for what is kept on disk, until the daemon ends. */
  CacheChange resizeCache(ResizeCacheRequest request) throws ControlException, InterruptedException;

  /** What is kept on disk until it is unpinned. */
  PinsAnswer pins();

  /**
   * Keeps a file or folder of a mount on disk from now on, and waits until it is there; it stays
   * pinned if the wait ends before.
   *
   * @param events takes how far it is; never blocks
   */
  PinsAnswer.Pin pin(PinRequest request, Consumer<CacheEvent> events)
      throws ControlException, InterruptedException;

  /**
   * Fetches a file or folder of a mount to the disk, where it may go like all else.
   *
   * @param events takes how far it is; never blocks
   * @return how it stands with it, as if it were a pin
   */
  PinsAnswer.Pin warm(PinRequest request, Consumer<CacheEvent> events)
      throws ControlException, InterruptedException;

  /** Keeps it no longer than other things. */
  PinsAnswer unpin(PinRequest request) throws ControlException, InterruptedException;

  /**
   * Ends everything: unmounts, by force where a mount is busy, ends shares, says goodbye to peers.
   * Called once, last, by the thread that ends the process, which waits ten seconds at most.
   */
  void stop();
}
