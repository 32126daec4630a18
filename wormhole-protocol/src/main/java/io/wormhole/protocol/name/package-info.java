/** The one validator of names and paths that come from the wire. */
@NullMarked
package io.wormhole.protocol.name;

import org.jspecify.annotations.NullMarked;
