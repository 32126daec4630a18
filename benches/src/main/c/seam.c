/*
 * What io.wormhole.bench.SeamServer is measured against: the tree of SeamFiles, served by libfuse3's
 * low-level API, many threads, reads of up to 1 MiB, answered straight from memory without a copy.
 *
 *   seam [-c] [-o] [-k] DIR
 *
 * Mounts on DIR, says "mounted DIR", and serves until its standard input ends or SIGTERM comes. A
 * line "change" there changes the file of that name and tells the kernel. -c copies the bytes of
 * each read into a buffer first, as a file system must that is handed the buffer to fill. -o has
 * the kernel open files, which else it does on its own, as on the device backend.
 * -k gives each thread a clone of the device's descriptor.
 */
#define FUSE_USE_VERSION 312
#define _GNU_SOURCE
#include <errno.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The tree: the root's children in order of their names, then the files of the folders, so that
 * the children of each folder are consecutive. SeamFiles numbers them the same way. */
enum {
  ROOT = 1,
  BIG = 2,
  CHANGING = 3,
  FIRST_FOLDER = 4,
  FOLDERS = 100,
  FILES_A_FOLDER = 100,
  MANY = FIRST_FOLDER + FOLDERS,
  SLOW = MANY + 1,
  FIRST_FILE = SLOW + 1,
  FIRST_OF_MANY = FIRST_FILE + FOLDERS * FILES_A_FOLDER,
  FILES_IN_MANY = 1000,
  NODES = FIRST_OF_MANY + FILES_IN_MANY,
};

#define FILE_BYTES (10 << 10)
#define BIG_BYTES (1L << 30)
#define SLOW_READ_NANOS 20000000L
#define PERIOD_BYTES (64 << 10)
#define READ_BYTES_MAX (1 << 20)
#define LIST_BYTES_MAX (128 << 10)
#define VALID_SECONDS 1.0
#define MTIME_SECONDS 1700000000L
/* As many as there are slow reads at once, and some for the rest. */
#define THREADS_MAX 128

struct node {
  char name[12];
  mode_t mode;
  off_t size;
  fuse_ino_t first;
  int count;
};

static struct node nodes[NODES];
static char pattern[PERIOD_BYTES + READ_BYTES_MAX];
static _Atomic int64_t changed_nanos;
static bool copies;
static bool opens;
static bool clones;
static struct fuse_session *session;

static int64_t now_nanos(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000L + now.tv_nsec;
}

static void file(fuse_ino_t ino, off_t size) {
  nodes[ino].mode = S_IFREG | 0644;
  nodes[ino].size = size;
}

static void folder(fuse_ino_t ino, fuse_ino_t first, int count) {
  nodes[ino].mode = S_IFDIR | 0755;
  nodes[ino].first = first;
  nodes[ino].count = count;
}

static void make_tree(void) {
  folder(ROOT, ROOT + 1, FIRST_FILE - ROOT - 1);
  strcpy(nodes[BIG].name, "big");
  file(BIG, BIG_BYTES);
  strcpy(nodes[CHANGING].name, "changing");
  file(CHANGING, 20);
  for (int d = 0; d < FOLDERS; d++) {
    fuse_ino_t first = FIRST_FILE + d * FILES_A_FOLDER;
    snprintf(nodes[FIRST_FOLDER + d].name, sizeof nodes[0].name, "d%02d", d);
    folder(FIRST_FOLDER + d, first, FILES_A_FOLDER);
    for (int f = 0; f < FILES_A_FOLDER; f++) {
      snprintf(nodes[first + f].name, sizeof nodes[0].name, "f%02d", f);
      file(first + f, FILE_BYTES);
    }
  }
  strcpy(nodes[MANY].name, "many");
  folder(MANY, FIRST_OF_MANY, FILES_IN_MANY);
  for (int f = 0; f < FILES_IN_MANY; f++) {
    snprintf(nodes[FIRST_OF_MANY + f].name, sizeof nodes[0].name, "m%03d", f);
    file(FIRST_OF_MANY + f, FILE_BYTES);
  }
  strcpy(nodes[SLOW].name, "slow");
  file(SLOW, BIG_BYTES);
  for (size_t i = 0; i < sizeof pattern; i++) {
    size_t at = i % PERIOD_BYTES;
    pattern[i] = (char)(at * 31 + (at >> 8));
  }
}

static bool known(fuse_req_t req, fuse_ino_t ino) {
  if (ino >= ROOT && ino < NODES) {
    return true;
  }
  fuse_reply_err(req, ESTALE);
  return false;
}

static struct stat attributes(fuse_ino_t ino) {
  int64_t mtime = ino == CHANGING ? atomic_load(&changed_nanos) : MTIME_SECONDS * 1000000000L;
  struct stat stat = {
      .st_ino = ino,
      .st_mode = nodes[ino].mode,
      .st_nlink = 1,
      .st_size = nodes[ino].size,
      .st_blocks = (nodes[ino].size + 511) / 512,
      .st_blksize = 4096,
      .st_atim = {.tv_sec = MTIME_SECONDS},
      .st_mtim = {.tv_sec = mtime / 1000000000L, .tv_nsec = mtime % 1000000000L},
      .st_ctim = {.tv_sec = MTIME_SECONDS},
  };
  return stat;
}

static struct fuse_entry_param entry(fuse_ino_t ino) {
  struct fuse_entry_param found = {
      .ino = ino,
      .attr = attributes(ino),
      .attr_timeout = VALID_SECONDS,
      .entry_timeout = VALID_SECONDS,
  };
  return found;
}

static int by_name(const void *name, const void *node) {
  return strcmp(name, ((const struct node *)node)->name);
}

static void seam_init(void *data, struct fuse_conn_info *connection) {
  (void)data;
  /* As the device backend: direct reads that can be killed, and its bounds of reads ahead. */
  connection->want &= ~FUSE_CAP_ASYNC_DIO;
  connection->max_background = 64;
  connection->congestion_threshold = 48;
  connection->max_read = READ_BYTES_MAX;
  connection->time_gran = 1;
}

static void seam_lookup(fuse_req_t req, fuse_ino_t parent, const char *name) {
  if (!known(req, parent)) {
    return;
  }
  struct node *folder = &nodes[parent];
  struct node *found =
      bsearch(name, &nodes[folder->first], folder->count, sizeof(struct node), by_name);
  if (found == NULL) {
    fuse_reply_err(req, ENOENT);
    return;
  }
  struct fuse_entry_param answer = entry(found - nodes);
  fuse_reply_entry(req, &answer);
}

static void seam_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info) {
  (void)info;
  if (known(req, ino)) {
    struct stat stat = attributes(ino);
    fuse_reply_attr(req, &stat, VALID_SECONDS);
  }
}

static void seam_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info) {
  (void)ino;
  if (!opens) {
    fuse_reply_err(req, ENOSYS);
    return;
  }
  info->keep_cache = 1;
  info->noflush = 1;
  fuse_reply_open(req, info);
}

static void reply(fuse_req_t req, const char *bytes, size_t count) {
  static _Thread_local char buffer[READ_BYTES_MAX];
  if (copies) {
    memcpy(buffer, bytes, count);
    bytes = buffer;
  }
  fuse_reply_buf(req, bytes, count);
}

static void seam_read(
    fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *info) {
  (void)info;
  if (!known(req, ino)) {
    return;
  }
  if (size > READ_BYTES_MAX) {
    fuse_reply_err(req, EINVAL);
    return;
  }
  off_t left = nodes[ino].size - offset;
  size_t count = left <= 0 ? 0 : (off_t)size < left ? size : (size_t)left;
  if (ino == CHANGING) {
    char text[32];
    snprintf(text, sizeof text, "%019lld\n", (long long)atomic_load(&changed_nanos));
    reply(req, count == 0 ? text : text + offset, count);
    return;
  }
  if (ino == SLOW) {
    nanosleep(&(struct timespec){.tv_nsec = SLOW_READ_NANOS}, NULL);
  }
  reply(req, pattern + offset % PERIOD_BYTES, count);
}

static void list(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, bool plus) {
  static _Thread_local char buffer[LIST_BYTES_MAX];
  if (!known(req, ino)) {
    return;
  }
  size_t room = size < sizeof buffer ? size : sizeof buffer;
  size_t used = 0;
  /* . and .. come first. */
  for (off_t at = offset; at < nodes[ino].count + 2; at++) {
    fuse_ino_t child = at == 0 ? ino : at == 1 ? ROOT : nodes[ino].first + (fuse_ino_t)at - 2;
    const char *name = at == 0 ? "." : at == 1 ? ".." : nodes[child].name;
    size_t bytes;
    if (plus) {
      struct fuse_entry_param found = entry(child);
      if (at < 2) {
        found.ino = 0;
      }
      bytes = fuse_add_direntry_plus(req, buffer + used, room - used, name, &found, at + 1);
    } else {
      struct stat stat = attributes(child);
      bytes = fuse_add_direntry(req, buffer + used, room - used, name, &stat, at + 1);
    }
    if (bytes > room - used) {
      break;
    }
    used += bytes;
  }
  fuse_reply_buf(req, buffer, used);
}

static void seam_readdir(
    fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *info) {
  (void)info;
  list(req, ino, size, offset, false);
}

static void seam_readdirplus(
    fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *info) {
  (void)info;
  list(req, ino, size, offset, true);
}

static const struct fuse_lowlevel_ops operations = {
    .init = seam_init,
    .lookup = seam_lookup,
    .getattr = seam_getattr,
    .open = seam_open,
    .read = seam_read,
    .readdir = seam_readdir,
    .readdirplus = seam_readdirplus,
};

/* Reads commands; the end of them ends the loop, by the signal that ends it anyway. */
static void *obey(void *unused) {
  (void)unused;
  char line[64];
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (strcmp(line, "change\n") == 0) {
      atomic_store(&changed_nanos, now_nanos());
      fuse_lowlevel_notify_inval_inode(session, CHANGING, 0, 0);
    } else {
      fprintf(stderr, "seam: no such command: %s", line);
    }
  }
  kill(getpid(), SIGTERM);
  return NULL;
}

static int serve(const char *directory) {
  sigset_t end;
  sigset_t before;
  pthread_t obeying;
  sigemptyset(&end);
  sigaddset(&end, SIGTERM);
  sigaddset(&end, SIGINT);
  /* The thread inherits the mask: signals must end the wait of the main thread. */
  pthread_sigmask(SIG_BLOCK, &end, &before);
  if (pthread_create(&obeying, NULL, obey, NULL) != 0) {
    fprintf(stderr, "seam: no thread to be had\n");
    return 1;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  struct fuse_loop_config *config = fuse_loop_cfg_create();
  fuse_loop_cfg_set_max_threads(config, THREADS_MAX);
  fuse_loop_cfg_set_clone_fd(config, clones);
  printf("mounted %s\n", directory);
  fflush(stdout);
  /* What ended it is a signal, which is no failure. */
  int ended = fuse_session_loop_mt(session, config);
  fuse_loop_cfg_destroy(config);
  return ended < 0 ? 1 : 0;
}

int main(int argc, char **argv) {
  int option;
  while ((option = getopt(argc, argv, "cok")) != -1) {
    copies |= option == 'c';
    opens |= option == 'o';
    clones |= option == 'k';
    if (option == '?') {
      return 2;
    }
  }
  if (argc - optind != 1) {
    fprintf(stderr, "usage: seam [-c] [-o] [-k] DIR\n");
    return 2;
  }
  const char *directory = argv[optind];
  make_tree();
  atomic_store(&changed_nanos, now_nanos());
  struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
  fuse_opt_add_arg(&args, "seam");
  fuse_opt_add_arg(
      &args, "-oro,nosuid,nodev,noatime,default_permissions,fsname=seam,subtype=seam,max_read=1048576");
  session = fuse_session_new(&args, &operations, sizeof operations, NULL);
  if (session == NULL || fuse_set_signal_handlers(session) != 0) {
    return 1;
  }
  int status = 1;
  if (fuse_session_mount(session, directory) == 0) {
    status = serve(directory);
    fuse_session_unmount(session);
  }
  fuse_remove_signal_handlers(session);
  fuse_session_destroy(session);
  fuse_opt_free_args(&args);
  return status;
}
