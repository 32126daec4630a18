/** L1: chunks in an off-heap slab arena, weighed by Caffeine. */
@NullMarked
package io.wormhole.cache.ram;

import org.jspecify.annotations.NullMarked;
