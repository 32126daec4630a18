/** Lanes: connections to peers, framing, back-pressure, deadlines. */
@NullMarked
package io.wormhole.daemon.transport;

import org.jspecify.annotations.NullMarked;
