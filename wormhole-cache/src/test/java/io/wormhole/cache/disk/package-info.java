@NullMarked
package io.wormhole.cache.disk;

import org.jspecify.annotations.NullMarked;
