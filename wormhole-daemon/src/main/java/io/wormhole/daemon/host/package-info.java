/** A share: confined folder access, listings, versions, chunk reads. */
@NullMarked
package io.wormhole.daemon.host;

import org.jspecify.annotations.NullMarked;
