/** Who a peer is and what it may: identity, pins, the join handshake. */
@NullMarked
package io.wormhole.daemon.trust;

import org.jspecify.annotations.NullMarked;
