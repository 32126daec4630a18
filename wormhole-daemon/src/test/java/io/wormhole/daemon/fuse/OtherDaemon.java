package io.wormhole.daemon.fuse;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** A process of its own that mounts, says what came of it, and serves until it is killed. */
public final class OtherDaemon {
  private final Process process;
  private final CompletableFuture<String> answer = new CompletableFuture<>();

  private OtherDaemon(Process process) {
    this.process = process;
    Thread.ofVirtual()
        .start(() -> {
          try (BufferedReader lines =
              new BufferedReader(
                  new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            answer.complete(String.valueOf(lines.readLine()));
          } catch (IOException e) {
            answer.completeExceptionally(e);
          }
        });
  }

  /**
   * Starts it.
   *
   * @param wrapper a command that runs the one after it
   */
  public static OtherDaemon start(TestedBackend backend, Path directory, String... wrapper)
      throws IOException {
    List<String> command = new ArrayList<>(List.of(wrapper));
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("--enable-native-access=ALL-UNNAMED");
    command.add("-Xshare:auto");
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(OtherDaemon.class.getName());
    command.add(backend.name());
    command.add(directory.toString());
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("LC_ALL", "C.UTF-8");
    builder.redirectError(ProcessBuilder.Redirect.DISCARD);
    return new OtherDaemon(builder.start());
  }

  /** Its one line: {@code mounted}, or the kind of refusal. */
  public String answer() throws Exception {
    return answer.get(30, TimeUnit.SECONDS);
  }

  /** Ends it without a chance to clean up. */
  public void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  public static void main(String[] arguments) throws Exception {
    try {
      var mount =
          TestedBackend.valueOf(arguments[0])
              .make(Duration.ZERO)
              .mount(new MountOptions(Path.of(arguments[1]), "another"), new MemoryFileSystem());
      System.out.println("mounted");
      mount.ended().join();
    } catch (MountException e) {
      System.out.println(e.kind());
    }
  }
}
