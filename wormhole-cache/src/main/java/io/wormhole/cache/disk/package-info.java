/** L2: verified chunks on disk, found by their hash, bounded in what they take. */
@NullMarked
package io.wormhole.cache.disk;

import org.jspecify.annotations.NullMarked;
