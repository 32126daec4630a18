/**
 * JMH benchmarks, each of which says its question, its baseline and the floor it expects, and the
 * server that {@code benches/seam} measures.
 */
@NullMarked
package io.wormhole.bench;

import org.jspecify.annotations.NullMarked;
