/** Records of the daemon's control API, as JSON sees them. */
@NullMarked
package io.wormhole.protocol.control;

import org.jspecify.annotations.NullMarked;
