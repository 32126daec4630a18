/** What a person can set, and the file it stands in. */
@NullMarked
package io.wormhole.protocol.settings;

import org.jspecify.annotations.NullMarked;
