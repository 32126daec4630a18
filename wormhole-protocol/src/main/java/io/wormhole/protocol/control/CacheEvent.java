package io.wormhole.protocol.control;

/** What whoever has the disk cache verified is told. */
public sealed interface CacheEvent extends StreamEvent {
  /** How much was read and hashed by now, from 0 to 1. */
  record Verifying(double part) implements CacheEvent {}

  /** All was; so many chunks were not what they should be, and were dropped. */
  record Verified(long dropped) implements CacheEvent {}
}
