package io.wormhole.daemon.mount;

import io.wormhole.daemon.mount.HostLink.Lanes;

/**
 * Where a file or a listing that is open at the host can be asked for.
 *
 * @param handle the host's number for it, good on these lanes only
 */
record Access(Lanes lanes, long handle) {}
