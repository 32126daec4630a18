package io.wormhole.protocol.control;

/** The daemon of this process id is about to end. */
public record StopAnswer(long pid) {}
