/** BLAKE3 of a chunk and the chaining values of its groups. */
@NullMarked
package io.wormhole.protocol.hash;

import org.jspecify.annotations.NullMarked;
