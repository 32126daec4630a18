package io.wormhole.protocol.control;

/** What whoever has the disk cache verified, or something pinned, is told. */
public sealed interface CacheEvent extends StreamEvent {
  /** How much was read and hashed by now, from 0 to 1. */
  record Verifying(double part) implements CacheEvent {}

  /** All was; so many chunks were not what they should be, and were dropped. */
  record Verified(long dropped) implements CacheEvent {}

  /** So much of what is to be pinned is on this disk. */
  record Pinning(String path, long bytesDone, long bytesTotal) implements CacheEvent {}

  /** It is pinned, and was looked at once. */
  record Pinned(PinsAnswer.Pin pin) implements CacheEvent {}
}
