package io.wormhole.daemon.host;

/**
 * A file's time, of any range a file system can hold.
 *
 * @param seconds since 1970
 * @param nanos 0 to 999,999,999
 */
record Stamp(long seconds, int nanos) {
  /** What stands for a time that is not known. */
  static final Stamp NONE = new Stamp(0, 0);
}
