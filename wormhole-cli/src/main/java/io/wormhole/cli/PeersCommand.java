package io.wormhole.cli;

import io.wormhole.protocol.control.ControlException;
import io.wormhole.protocol.control.ControlPaths;
import io.wormhole.protocol.control.ExitCode;
import io.wormhole.protocol.control.PeerRequest;
import io.wormhole.protocol.control.PeersAnswer;
import io.wormhole.protocol.control.PeersAnswer.Guest;
import io.wormhole.protocol.control.PeersAnswer.KnownShare;
import io.wormhole.protocol.control.RenamePeerRequest;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Who may come to our shares, and whose shares were mounted here. */
@Command(
    name = "peers",
    synopsisSubcommandLabel = "(list | forget | rename | revoke)",
    description = "Show who is known; forget, rename, or send somebody away.")
final class PeersCommand {
  private static final Duration ANSWER_LIMIT = Duration.ofSeconds(15);
  private static final int SHOWN_DIGITS = 12;

  @Mixin OutputOptions options = new OutputOptions();

  CommandLine tree(Session session) {
    return new CommandLine(this)
        .addSubcommand("list", new ListAll(session))
        .addSubcommand("forget", new Forget(session))
        .addSubcommand("rename", new Rename(session))
        .addSubcommand("revoke", new Revoke(session));
  }

  private static PeersAnswer change(Session session, Output output, String path, Object request)
      throws ControlException, InterruptedException {
    PeersAnswer changed =
        session.runningDaemon(output).post(path, request, PeersAnswer.class, ANSWER_LIMIT);
    if (output.isJson()) {
      output.result(changed);
    }
    return changed;
  }

  private static String who(Guest guest) {
    return "%s (%s)".formatted(SafeText.name(guest.name()), brief(guest.fingerprint()));
  }

  private static String share(Guest guest) {
    String name = guest.share();
    return name == null ? "a share that is gone" : "\"" + SafeText.name(name) + "\"";
  }

  private static String host(KnownShare known) {
    return "\"%s\" of %s".formatted(SafeText.name(known.name()), brief(known.fingerprint()));
  }

  private static String brief(String fingerprint) {
    return fingerprint.substring(0, Math.min(SHOWN_DIGITS, fingerprint.length()));
  }

  /** To the minute. */
  private static String seen(@Nullable String instant) {
    return instant == null || instant.length() < 16
        ? "now"
        : instant.substring(0, 16).replace('T', ' ') + " UTC";
  }

  @Command(name = "list", description = "Show who may come, and what was mounted here before.")
  private static final class ListAll implements Callable<Integer> {
    private final Session session;

    @Mixin OutputOptions options = new OutputOptions();

    ListAll(Session session) {
      this.session = session;
    }

    @Override
    public Integer call() throws ControlException, InterruptedException {
      Output output = session.output(options);
      ControlClient client = session.runningDaemon(output);
      byte[] answer =
          client.get(ControlPaths.PEERS, ANSWER_LIMIT).orElseThrow(ControlClient::noDaemon);
      if (output.isJson()) {
        output.result(new String(answer, StandardCharsets.UTF_8));
        return ExitCode.DONE;
      }
      PeersAnswer peers = client.read(answer, PeersAnswer.class);
      output.result(
          peers.peers().isEmpty() ? "nobody may come without a code" : "may come to our shares");
      for (Guest guest : peers.peers()) {
        output.result(
            "  %s  %s  %s  %s"
                .formatted(
                    who(guest),
                    share(guest),
                    guest.writable() ? "writable" : "read-only",
                    guest.connected() ? "connected" : "last seen " + seen(guest.lastSeen())));
      }
      output.result(
          peers.hosts().isEmpty() ? "nothing was mounted here" : "can be mounted by name");
      for (KnownShare known : peers.hosts()) {
        output.result(
            "  %s  %s  %s"
                .formatted(
                    host(known),
                    known.addresses().isEmpty() ? "no address" : known.addresses().getFirst(),
                    known.mounted() ? "mounted" : "last seen " + seen(known.lastSeen())));
      }
      return ExitCode.DONE;
    }
  }

  @Command(
      name = "forget",
      description = "Forget a peer, or a share that was mounted; who is connected stays so.")
  private static final class Forget implements Callable<Integer> {
    private final Session session;

    @Mixin OutputOptions options = new OutputOptions();

    @Parameters(paramLabel = "PEER", description = "its name, or how its fingerprint begins")
    String peer = "";

    Forget(Session session) {
      this.session = session;
    }

    @Override
    public Integer call() throws ControlException, InterruptedException {
      Output output = session.output(options);
      PeersAnswer gone = change(session, output, ControlPaths.FORGET, new PeerRequest(peer));
      for (Guest guest : gone.peers()) {
        output.say(
            "forgotten: %s may not come to %s without a code".formatted(who(guest), share(guest)));
        if (guest.connected()) {
          output.say("  and is connected yet: wormhole peers revoke " + brief(guest.fingerprint()));
        }
      }
      for (KnownShare known : gone.hosts()) {
        output.say("forgotten: %s needs a code to be mounted again".formatted(host(known)));
      }
      if (gone.peers().isEmpty() && gone.hosts().isEmpty()) {
        output.say("nothing to forget: it is connected, and nothing more is known of it");
      }
      return ExitCode.DONE;
    }
  }

  @Command(
      name = "revoke",
      description = "Send a peer away at once; only a new code lets it in again.")
  private static final class Revoke implements Callable<Integer> {
    private final Session session;

    @Mixin OutputOptions options = new OutputOptions();

    @Parameters(paramLabel = "PEER", description = "its name, or how its fingerprint begins")
    String peer = "";

    Revoke(Session session) {
      this.session = session;
    }

    @Override
    public Integer call() throws ControlException, InterruptedException {
      Output output = session.output(options);
      PeersAnswer gone = change(session, output, ControlPaths.REVOKE, new PeerRequest(peer));
      for (Guest guest : gone.peers()) {
        output.say("%s may not come to %s any more".formatted(who(guest), share(guest)));
      }
      output.say("Codes it came with are ended: wormhole host DIR gives a new one.");
      return ExitCode.DONE;
    }
  }

  @Command(name = "rename", description = "Call a peer or a mounted share something else, here.")
  private static final class Rename implements Callable<Integer> {
    private final Session session;

    @Mixin OutputOptions options = new OutputOptions();

    @Parameters(
        index = "0",
        paramLabel = "PEER",
        description = "its name, or how its fingerprint begins")
    String peer = "";

    @Parameters(index = "1", paramLabel = "NAME", description = "the new name")
    String name = "";

    Rename(Session session) {
      this.session = session;
    }

    @Override
    public Integer call() throws ControlException, InterruptedException {
      Output output = session.output(options);
      change(session, output, ControlPaths.RENAME, new RenamePeerRequest(peer, name));
      output.say("\"%s\" is called \"%s\" now".formatted(SafeText.name(peer), SafeText.name(name)));
      return ExitCode.DONE;
    }
  }
}
