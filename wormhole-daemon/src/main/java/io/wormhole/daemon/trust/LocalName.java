package io.wormhole.daemon.trust;

import io.wormhole.protocol.join.Invitation;
import io.wormhole.protocol.name.DisplayName;
import java.util.Set;

/**
 * What a share of another machine is called here, where a person types it in the place of a code:
 * the host's name for it, unless that looks like a code or a ticket, or another share has it.
 */
final class LocalName {
  private static final String NO_CODE = "share ";
  private static final String NAMELESS = "share";

  private LocalName() {}

  /**
   * A name like the one that is given, and none of those that are taken.
   *
   * @param given what the host says; any text
   */
  static String unused(String given, Set<String> taken) {
    String fit = DisplayName.of(given, NAMELESS).text();
    String wanted = looksLikeSecret(fit) ? NO_CODE + fit : fit;
    String name = wanted;
    for (int number = 2; taken.contains(name); number++) {
      name = wanted + " (" + number + ")";
    }
    return name;
  }

  private static boolean looksLikeSecret(String name) {
    return Invitation.looksLikeOne(name);
  }
}
