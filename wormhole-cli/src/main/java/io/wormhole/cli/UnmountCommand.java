package io.wormhole.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ControlPaths;
import io.wormhole.protocol.control.ErrorKind;
import io.wormhole.protocol.control.ExitCode;
import io.wormhole.protocol.control.UnmountAnswer;
import io.wormhole.protocol.control.UnmountAnswer.Unmounted;
import io.wormhole.protocol.control.UnmountRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Takes mounts away. */
@Command(name = "unmount", description = "Unmount a share, by its folder or its name.")
final class UnmountCommand implements Callable<Integer> {
  private static final Duration UNMOUNT_LIMIT = Duration.ofSeconds(45);

  /** By force nobody is waited for: a daemon that does not answer is done without. */
  private static final Duration FORCE_LIMIT = Duration.ofSeconds(3);

  private final Session session;

  @Mixin OutputOptions options = new OutputOptions();

  @Parameters(
      arity = "0..1",
      paramLabel = "DIR|NAME",
      description = "the folder it is mounted at, or the name of the mount")
  @Nullable String target;

  @Option(names = "--all", description = "every mount of this home")
  boolean all;

  @Option(names = "--force", description = "at once, whoever uses it; needs no daemon")
  boolean force;

  UnmountCommand(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() throws ControlException, IOException {
    if (all == (target != null)) {
      throw new ControlException(
          ErrorKind.USAGE,
          all ? "a mount and --all are both given" : "no mount is given",
          "wormhole unmount DIR, or --all");
    }
    Output output = session.output(options);
    Path directory = target == null ? null : session.arguments().path(target);
    UnmountRequest request =
        new UnmountRequest(target, directory == null ? null : directory.toString(), force);
    List<Unmounted> unmounted = new ArrayList<>();
    try (ProgressLine _ = output.progress("unmounting")) {
      if (force) {
        byForce(request, directory, unmounted, output);
      } else {
        unmounted.addAll(ask(request, UNMOUNT_LIMIT));
      }
    }
    if (output.isJson()) {
      output.result(new UnmountAnswer(unmounted));
    }
    for (Unmounted one : unmounted) {
      output.say("unmounted " + SafeText.name(one.directory()));
    }
    if (unmounted.isEmpty()) {
      output.say("nothing is mounted");
    }
    return ExitCode.DONE;
  }

  /** The daemon first, which then knows of it; whatever is there still is taken away from here. */
  private void byForce(
      UnmountRequest request, @Nullable Path directory, List<Unmounted> unmounted, Output output)
      throws ControlException, IOException {
    ControlException refused = null;
    try {
      unmounted.addAll(ask(request, FORCE_LIMIT));
    } catch (ControlException e) {
      output.detail(e.error().line());
      refused = e;
    }
    if (directory == null) {
      if (refused != null) {
        unmounted.addAll(
            ForcedUnmount.deadMounts(
                mountedByThisHome(),
                left ->
                    output.warn(
                        "%s is dead and was not mounted from this home, so it is left; "
                                .formatted(SafeText.name(left))
                            + "wormhole unmount --force DIR takes it away")));
      }
      return;
    }
    unmounted.addAll(ForcedUnmount.at(directory, String.valueOf(target)));
    if (unmounted.isEmpty()) {
      throw refused != null && refused.kind() != ErrorKind.DAEMON_UNAVAILABLE
          ? refused
          : new ControlException(
              ErrorKind.NOT_MOUNTED, "no share is mounted at " + directory, "see wormhole status");
    }
  }

  /** What the daemon has left on record; nothing where that cannot be read. */
  private Set<String> mountedByThisHome() {
    Set<String> directories = new HashSet<>();
    try {
      byte[] content = Files.readAllBytes(session.folders().mounts());
      for (JsonNode entry : session.json().tree(content).path("entries")) {
        directories.add(entry.path("directory").asText());
      }
    } catch (IOException unreadable) {
      directories.clear();
    }
    return directories;
  }

  private List<Unmounted> ask(UnmountRequest request, Duration limit) throws ControlException {
    ControlClient client = session.client();
    if (!client.daemonListens()) {
      if (request.everything() && !request.force()) {
        return List.of();
      }
      throw new ControlException(
          ErrorKind.DAEMON_UNAVAILABLE,
          "no daemon is running, so nothing of its is mounted",
          "a mount that was left behind goes with wormhole unmount --force DIR");
    }
    return client.post(ControlPaths.UNMOUNT, request, UnmountAnswer.class, limit).unmounted();
  }
}
