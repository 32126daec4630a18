package io.wormhole.daemon.trust;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.wormhole.daemon.trust.PinnedPeers.Grant;
import io.wormhole.daemon.trust.PinnedPeers.KnownHost;
import io.wormhole.daemon.trust.PinnedPeers.Pins;
import io.wormhole.protocol.wire.Fingerprint;
import io.wormhole.protocol.wire.ShareId;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** {@code peers.json}, format 1: keys and ids in hexadecimal, times in ISO 8601. */
final class PeersFile {
  private static final String FILE = "peers.json";
  private static final int FORMAT = 1;
  private static final int MAX_FILE_BYTES = 4 << 20;
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  private final PrivateFile file;

  PeersFile(Path stateFolder) {
    this.file = new PrivateFile(stateFolder.resolve(FILE));
  }

  Pins read() throws IOException {
    Optional<byte[]> kept = file.read(MAX_FILE_BYTES);
    if (kept.isEmpty()) {
      return new Pins(List.of(), List.of());
    }
    try {
      JsonNode root = JSON.readTree(kept.get());
      if (root.path("format").asInt() != FORMAT) {
        throw damaged("its format is not " + FORMAT, null);
      }
      List<Grant> grants = new ArrayList<>();
      for (JsonNode node : root.path("grants")) {
        grants.add(grant(node));
      }
      List<KnownHost> hosts = new ArrayList<>();
      Set<String> names = new HashSet<>();
      for (JsonNode node : root.path("hosts")) {
        hosts.add(host(node, names));
      }
      return new Pins(grants, hosts);
    } catch (JsonProcessingException | IllegalArgumentException | DateTimeParseException broken) {
      throw damaged("it is not what wormhole wrote", broken);
    }
  }

  void write(Pins pins) throws IOException {
    ObjectNode root = JSON.createObjectNode().put("format", FORMAT);
    ArrayNode grants = root.putArray("grants");
    for (Grant grant : pins.grants()) {
      grants
          .addObject()
          .put("peer", grant.peer().toString())
          .put("share", grant.share().toString())
          .put("writable", grant.writable())
          .put("name", grant.name())
          .put("renamed", grant.renamed())
          .put("firstSeen", grant.firstSeen().toString())
          .put("proved", grant.proved().toString())
          .put("lastSeen", grant.lastSeen().toString());
    }
    ArrayNode hosts = root.putArray("hosts");
    for (KnownHost host : pins.hosts()) {
      ObjectNode node =
          hosts
              .addObject()
              .put("host", host.host().toString())
              .put("share", host.share().toString())
              .put("shareName", host.shareName())
              .put("name", host.name())
              .put("firstSeen", host.firstSeen().toString())
              .put("lastSeen", host.lastSeen().toString());
      host.addresses().forEach(node.putArray("addresses")::add);
    }
    file.prepareFolder();
    file.replace(JSON.writeValueAsBytes(root));
  }

  private static Grant grant(JsonNode node) {
    return new Grant(
        Fingerprint.parse(text(node, "peer")),
        ShareId.parse(text(node, "share")),
        node.path("writable").asBoolean(),
        text(node, "name"),
        node.path("renamed").asBoolean(),
        Instant.parse(text(node, "firstSeen")),
        Instant.parse(text(node, node.has("proved") ? "proved" : "lastSeen")),
        Instant.parse(text(node, "lastSeen")));
  }

  /**
   * @param names of the shares before this one
   */
  private static KnownHost host(JsonNode node, Set<String> names) {
    List<String> addresses = new ArrayList<>();
    for (JsonNode address : node.path("addresses")) {
      addresses.add(address.asText());
    }
    String name =
        node.has("name") ? text(node, "name") : LocalName.unused(text(node, "shareName"), names);
    names.add(name);
    return new KnownHost(
        Fingerprint.parse(text(node, "host")),
        ShareId.parse(text(node, "share")),
        text(node, "shareName"),
        name,
        addresses,
        Instant.parse(text(node, "firstSeen")),
        Instant.parse(text(node, "lastSeen")));
  }

  private static String text(JsonNode node, String key) {
    JsonNode value = node.path(key);
    if (!value.isTextual()) {
      throw new IllegalArgumentException("no text under " + key);
    }
    return value.asText();
  }

  private StateFileException damaged(String why, @Nullable Throwable cause) {
    String message = "%s is damaged: %s".formatted(file.path(), why);
    String next = "restore it from a backup; or move it away, and join again with new codes";
    return new StateFileException(message, next, cause);
  }
}
