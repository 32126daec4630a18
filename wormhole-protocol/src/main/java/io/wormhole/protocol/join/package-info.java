/** Join codes and the SPAKE2 exchange that proves one. */
@NullMarked
package io.wormhole.protocol.join;

import org.jspecify.annotations.NullMarked;
