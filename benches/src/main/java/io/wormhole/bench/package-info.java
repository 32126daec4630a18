/** JMH benchmarks: each class says its question, its baseline and the floor it expects. */
@NullMarked
package io.wormhole.bench;

import org.jspecify.annotations.NullMarked;
