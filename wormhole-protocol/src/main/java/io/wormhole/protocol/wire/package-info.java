/** Messages, frame headers, limits and failures: what travels between two peers. */
@NullMarked
package io.wormhole.protocol.wire;

import org.jspecify.annotations.NullMarked;
