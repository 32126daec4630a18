package io.wormhole.daemon.fuse.device;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A program of the machine, run for what it says; it has 20 seconds. */
final class Program {
  private static final long SECONDS = 20;

  private final Process process;
  private final CompletableFuture<byte[]> output;
  private final CompletableFuture<byte[]> errors;

  /** What a program said. */
  @SuppressWarnings("ArrayRecordComponent")
  record Result(int status, byte[] outputBytes, String errors) {
    String output() {
      return new String(outputBytes, StandardCharsets.UTF_8);
    }
  }

  private Program(Process process) {
    this.process = process;
    this.output = drain(process.getInputStream());
    this.errors = drain(process.getErrorStream());
  }

  static Program start(String... command) throws IOException {
    ProcessBuilder builder = new ProcessBuilder(List.of(command));
    builder.environment().put("LC_ALL", "C.UTF-8");
    return new Program(builder.start());
  }

  static Result run(String... command) throws Exception {
    return start(command).result();
  }

  /** Runs a line of bash with {@code $1} and so on. */
  static Result bash(String script, Object... arguments) throws Exception {
    String[] command = new String[arguments.length + 4];
    command[0] = "bash";
    command[1] = "-c";
    command[2] = script;
    command[3] = "bash";
    for (int i = 0; i < arguments.length; i++) {
      command[i + 4] = arguments[i].toString();
    }
    return run(command);
  }

  long pid() {
    return process.pid();
  }

  void signal(String name) throws Exception {
    new ProcessBuilder("kill", "-" + name, Long.toString(pid())).start().waitFor();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /** Waits until the program is over. */
  Result result() throws InterruptedException, ExecutionException, TimeoutException {
    if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new TimeoutException("the program did not end");
    }
    return new Result(
        process.exitValue(),
        output.get(SECONDS, TimeUnit.SECONDS),
        new String(errors.get(SECONDS, TimeUnit.SECONDS), StandardCharsets.UTF_8));
  }

  private static CompletableFuture<byte[]> drain(InputStream stream) {
    CompletableFuture<byte[]> bytes = new CompletableFuture<>();
    Thread.ofVirtual()
        .start(() -> {
          ByteArrayOutputStream sink = new ByteArrayOutputStream();
          try (stream) {
            stream.transferTo(sink);
          } catch (IOException e) {
            bytes.completeExceptionally(new UncheckedIOException(e));
          }
          bytes.complete(sink.toByteArray());
        });
    return bytes;
  }
}
