package io.wormhole.cache;

/**
 * Figures of L1 at one moment; each is exact, together they are of nearly the same moment.
 *
 * @param limitBytes what was allowed
 * @param usedBytes slots in use: kept chunks, chunks on their way, and dropped ones still held by a
 *     reader; at most the limit
 * @param overflowBytes slots in use past the limit, for readers who found all others held; at most
 *     2 MiB
 * @param ramBytes RAM taken by slots, used and free
 * @param chunks chunks kept
 * @param hits reads that found their chunk
 * @param misses reads that did not, joined loads among them
 * @param evictions chunks dropped for want of room
 * @param loads loads begun, read-ahead among them
 * @param fetched loads that a loader has brought, intact, and not our own disk
 * @param rejected loads whose bytes did not match their hash
 * @param bypasses loads past the limit, whose chunks were not kept
 * @param sameAnswers chunks of which the host said that this disk has them under another version
 */
public record CacheStats(
    long limitBytes,
    long usedBytes,
    long overflowBytes,
    long ramBytes,
    long chunks,
    long hits,
    long misses,
    long evictions,
    long loads,
    long fetched,
    long rejected,
    long bypasses,
    long sameAnswers) {}
