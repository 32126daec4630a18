package io.wormhole.protocol.control;

/**
 * A share that is the daemon's no more.
 *
 * @param directory absolute
 * @param stillShared whether a {@code host} command that runs shares it yet
 */
public record StopSharingAnswer(String directory, boolean stillShared) {}
