package io.wormhole.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Runs every benchmark for a moment, so that none rots; says nothing about speed. */
class SmokeTest {
  @Test
  void everyBenchmarkRuns() throws Exception {
    Options moment =
        new OptionsBuilder()
            .forks(0)
            .warmupIterations(0)
            .measurementIterations(1)
            .measurementTime(TimeValue.milliseconds(1))
            .param("contents", "1000")
            .param("chunks", "64")
            .shouldFailOnError(true)
            .verbosity(VerboseMode.SILENT)
            .build();
    Collection<RunResult> results = new Runner(moment).run();
    Set<String> ran = new HashSet<>();
    for (RunResult result : results) {
      assertThat(result.getPrimaryResult().getScore()).isPositive();
      ran.add(result.getParams().getBenchmark());
    }
    assertThat(ran).contains(Blake3Benchmark.class.getName() + ".vector");
  }
}
