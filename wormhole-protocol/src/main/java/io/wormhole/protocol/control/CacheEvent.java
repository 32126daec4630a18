package io.wormhole.protocol.control;

/** What whoever has the disk cache verified, or something fetched for it, is told. */
public sealed interface CacheEvent extends StreamEvent {
  /** How much was read and hashed by now, from 0 to 1. */
  record Verifying(double part) implements CacheEvent {}

  /** All was; so many chunks were not what they should be, and were dropped. */
  record Verified(long dropped) implements CacheEvent {}

  /** So much of what is to be kept is on this disk. */
  record Fetching(String path, long bytesDone, long bytesTotal) implements CacheEvent {}

  /** All of it was looked at. */
  record Fetched(PinsAnswer.Pin pin) implements CacheEvent {}
}
