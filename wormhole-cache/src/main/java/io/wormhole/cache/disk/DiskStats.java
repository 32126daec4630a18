package io.wormhole.cache.disk;

/**
 * What a disk cache holds and did since it was opened.
 *
 * @param limitBytes what it may take of the disk
 * @param usedBytes what it takes
 * @param contents chunks and pages it holds, each once
 * @param shared chunks that were put and were there already, as another place's content
 * @param hits chunks that were read from it
 * @param misses chunks that were asked for and not there
 * @param evictions contents dropped for room
 * @param corrupt contents found to be others than they should, and dropped
 * @param failures calls the disk refused
 * @param pinnedBytes what contents take that are pinned
 * @param pinnableBytes what those may take
 */
public record DiskStats(
    long limitBytes,
    long usedBytes,
    long contents,
    long shared,
    long hits,
    long misses,
    long evictions,
    long corrupt,
    long failures,
    long pinnedBytes,
    long pinnableBytes) {}
