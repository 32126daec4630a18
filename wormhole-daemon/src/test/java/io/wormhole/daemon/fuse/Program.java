package io.wormhole.daemon.fuse;

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
public final class Program {
  private static final long SECONDS = 20;

  private final Process process;
  private final CompletableFuture<String> firstLine = new CompletableFuture<>();
  private final CompletableFuture<byte[]> output;
  private final CompletableFuture<byte[]> errors;

  /** What a program said. */
  @SuppressWarnings("ArrayRecordComponent")
  public record Result(int status, byte[] outputBytes, String errors) {
    public String output() {
      return new String(outputBytes, StandardCharsets.UTF_8);
    }
  }

  private Program(Process process) {
    this.process = process;
    this.output = drain(process.getInputStream(), firstLine);
    this.errors = drain(process.getErrorStream(), new CompletableFuture<>());
  }

  public static Program start(String... command) throws IOException {
    ProcessBuilder builder = new ProcessBuilder(List.of(command));
    builder.environment().put("LC_ALL", "C.UTF-8");
    return new Program(builder.start());
  }

  public static Result run(String... command) throws Exception {
    return start(command).result();
  }

  /** Runs a line of bash with {@code $1} and so on. */
  public static Result bash(String script, Object... arguments) throws Exception {
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

  public long pid() {
    return process.pid();
  }

  public void signal(String name) throws Exception {
    new ProcessBuilder("kill", "-" + name, Long.toString(pid())).start().waitFor();
  }

  public boolean isAlive() {
    return process.isAlive();
  }

  /** Waits for the first line of what it says, which it is to say at once. */
  public String firstLine() throws InterruptedException, ExecutionException, TimeoutException {
    return firstLine.get(SECONDS, TimeUnit.SECONDS);
  }

  /** Waits until the program is over. */
  public Result result() throws InterruptedException, ExecutionException, TimeoutException {
    if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new TimeoutException("the program did not end");
    }
    return new Result(
        process.exitValue(),
        output.get(SECONDS, TimeUnit.SECONDS),
        new String(errors.get(SECONDS, TimeUnit.SECONDS), StandardCharsets.UTF_8));
  }

  /** On a thread of the machine's: the file system under test may need all virtual ones. */
  private static CompletableFuture<byte[]> drain(
      InputStream stream, CompletableFuture<String> firstLine) {
    CompletableFuture<byte[]> bytes = new CompletableFuture<>();
    Thread.ofPlatform()
        .daemon()
        .start(() -> {
          ByteArrayOutputStream sink = new ByteArrayOutputStream();
          byte[] buffer = new byte[1 << 16];
          try (stream) {
            for (int count = stream.read(buffer); count >= 0; count = stream.read(buffer)) {
              sink.write(buffer, 0, count);
              if (!firstLine.isDone()) {
                sink.toString(StandardCharsets.ISO_8859_1)
                    .lines()
                    .findFirst()
                    .ifPresent(firstLine::complete);
              }
            }
          } catch (IOException e) {
            bytes.completeExceptionally(new UncheckedIOException(e));
          }
          bytes.complete(sink.toByteArray());
        });
    return bytes;
  }
}
