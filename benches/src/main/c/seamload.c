/*
 * The loads of benches/seam that no common tool puts on a mount. Each prints one number.
 *
 *   seamload forget DIR                        has the kernel forget names and pages of the mount
 *   seamload small DIR READERS FOLDERS         files read a second: open, read, close, all in FOLDERS
 *   seamload stat FILE COUNT                   p50 of a stat that asks the file system, us
 *   seamload beside SLOW READS FILE COUNT      the same while so many direct reads of SLOW wait
 *   seamload visible FILE COMMANDS COUNT       p50 from a change to new bytes by read, us; a line
 *                                              "change" to COMMANDS is what changes FILE
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILES_A_FOLDER 100
#define THREADS_MAX 256
#define COUNT_MAX 1000000
#define BLOCK_BYTES 4096
#define SLOW_BLOCKS (1L << 18)
#define POLL_NANOS 10000L
#define VISIBLE_LIMIT_NANOS 5000000000L

static _Noreturn void fail(const char *what) {
  fprintf(stderr, "seamload: %s: %s\n", what, strerror(errno));
  exit(1);
}

static long number(const char *text, long most) {
  char *end;
  long value = strtol(text, &end, 10);
  if (*end != '\0' || value < 1 || value > most) {
    fprintf(stderr, "seamload: %s is not a number from 1 to %ld\n", text, most);
    exit(2);
  }
  return value;
}

static int64_t now_nanos(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000L + now.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a;
  int64_t y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static void print_median_micros(int64_t *nanos, long count) {
  qsort(nanos, count, sizeof *nanos, ascending);
  printf("%.1f\n", nanos[count / 2] / 1000.0);
}

/* A remount changes nothing and drops what nobody uses: of this mount, not of the machine. */
static void forget(const char *directory) {
  unsigned long flags = MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOATIME;
  if (mount("seam", directory, NULL, flags, "") != 0) {
    fail(directory);
  }
}

struct reader {
  pthread_t thread;
  const char *directory;
  int number;
  int readers;
  int folders;
};

static void *read_small(void *argument) {
  const struct reader *reader = argument;
  char path[4096];
  char bytes[16 << 10];
  for (int d = reader->number; d < reader->folders; d += reader->readers) {
    for (int f = 0; f < FILES_A_FOLDER; f++) {
      snprintf(path, sizeof path, "%s/d%02d/f%02d", reader->directory, d, f);
      int file = open(path, O_RDONLY | O_CLOEXEC);
      if (file < 0 || read(file, bytes, sizeof bytes) <= 0) {
        fail(path);
      }
      close(file);
    }
  }
  return NULL;
}

static void small(const char *directory, int readers, int folders) {
  struct reader all[THREADS_MAX];
  int64_t start = now_nanos();
  for (int i = 0; i < readers; i++) {
    all[i] = (struct reader){0, directory, i, readers, folders};
    if (pthread_create(&all[i].thread, NULL, read_small, &all[i]) != 0) {
      fail("thread");
    }
  }
  for (int i = 0; i < readers; i++) {
    pthread_join(all[i].thread, NULL);
  }
  printf("%.0f\n", folders * FILES_A_FOLDER * 1e9 / (now_nanos() - start));
}

static void stats(const char *path, long count) {
  int64_t *nanos = calloc(count, sizeof *nanos);
  if (nanos == NULL) {
    fail("memory");
  }
  for (long i = 0; i < count; i++) {
    struct statx found;
    int64_t start = now_nanos();
    /* Past what the kernel remembers. */
    if (statx(AT_FDCWD, path, AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &found) != 0) {
      fail(path);
    }
    nanos[i] = now_nanos() - start;
  }
  print_median_micros(nanos, count);
  free(nanos);
}

static const char *slow_path;
static atomic_long next_block;
static atomic_int reads_begun;
static atomic_bool enough;

static void *read_slowly(void *unused) {
  (void)unused;
  void *block;
  int file = open(slow_path, O_RDONLY | O_DIRECT | O_CLOEXEC);
  if (file < 0 || posix_memalign(&block, BLOCK_BYTES, BLOCK_BYTES) != 0) {
    fail(slow_path);
  }
  atomic_fetch_add(&reads_begun, 1);
  while (!atomic_load(&enough)) {
    long at = atomic_fetch_add(&next_block, 1) % SLOW_BLOCKS;
    if (pread(file, block, BLOCK_BYTES, at * BLOCK_BYTES) != BLOCK_BYTES) {
      fail(slow_path);
    }
  }
  free(block);
  close(file);
  return NULL;
}

static void beside(const char *slow, int reads, const char *path, long count) {
  pthread_t threads[THREADS_MAX];
  slow_path = slow;
  for (int i = 0; i < reads; i++) {
    if (pthread_create(&threads[i], NULL, read_slowly, NULL) != 0) {
      fail("thread");
    }
  }
  while (atomic_load(&reads_begun) < reads) {
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  }
  stats(path, count);
  atomic_store(&enough, true);
  for (int i = 0; i < reads; i++) {
    pthread_join(threads[i], NULL);
  }
}

/* The file holds when it was changed, on the clock that both ends read. */
static int64_t changed_nanos(int file, const char *path) {
  char text[32] = {0};
  if (pread(file, text, sizeof text - 1, 0) <= 0) {
    fail(path);
  }
  return strtoll(text, NULL, 10);
}

static void visible(const char *path, const char *commands_path, long count) {
  int64_t *nanos = calloc(count, sizeof *nanos);
  int commands = open(commands_path, O_WRONLY | O_CLOEXEC);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (nanos == NULL || commands < 0 || file < 0) {
    fail(path);
  }
  prctl(PR_SET_TIMERSLACK, 1);
  for (long i = 0; i < count; i++) {
    int64_t before = changed_nanos(file, path);
    int64_t limit = now_nanos() + VISIBLE_LIMIT_NANOS;
    if (write(commands, "change\n", 7) != 7) {
      fail(commands_path);
    }
    int64_t changed;
    while ((changed = changed_nanos(file, path)) == before) {
      if (now_nanos() > limit) {
        fprintf(stderr, "seamload: %s did not change within 5 s\n", path);
        exit(1);
      }
      nanosleep(&(struct timespec){.tv_nsec = POLL_NANOS}, NULL);
    }
    nanos[i] = now_nanos() - changed;
  }
  print_median_micros(nanos, count);
  free(nanos);
}

int main(int argc, char **argv) {
  const char *load = argc > 1 ? argv[1] : "";
  if (argc == 3 && strcmp(load, "forget") == 0) {
    forget(argv[2]);
  } else if (argc == 5 && strcmp(load, "small") == 0) {
    small(argv[2], number(argv[3], THREADS_MAX), number(argv[4], 100));
  } else if (argc == 4 && strcmp(load, "stat") == 0) {
    stats(argv[2], number(argv[3], COUNT_MAX));
  } else if (argc == 6 && strcmp(load, "beside") == 0) {
    beside(argv[2], number(argv[3], THREADS_MAX), argv[4], number(argv[5], COUNT_MAX));
  } else if (argc == 5 && strcmp(load, "visible") == 0) {
    visible(argv[2], argv[3], number(argv[4], COUNT_MAX));
  } else {
    fprintf(stderr, "usage: see the head of seamload.c\n");
    return 2;
  }
  return 0;
}
