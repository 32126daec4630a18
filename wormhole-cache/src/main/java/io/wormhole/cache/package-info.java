/** Verified chunks by key; the only face of the cache. */
@NullMarked
package io.wormhole.cache;

import org.jspecify.annotations.NullMarked;
