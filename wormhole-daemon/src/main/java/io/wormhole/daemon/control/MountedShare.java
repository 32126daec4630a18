package io.wormhole.daemon.control;

import io.wormhole.protocol.control.MountEvent;
import java.util.concurrent.CompletableFuture;

/**
 * A share that is mounted, for whoever asked for it.
 *
 * @param answer what they are told
 * @param ended completes with a reason for a person when it is unmounted, whoever did it
 */
public record MountedShare(MountEvent.Mounted answer, CompletableFuture<String> ended) {}
