/*
 * A link between two network namespaces: IP packets, TCP and UDP alike, go from a TUN device in one
 * to a TUN device in the other. Each direction has a delay, a rate, a queue that drops what does
 * not fit, and losses of its own.
 *
 *   link NAMESPACE_A NAMESPACE_B DEVICE DELAY_MS RATE_BITS QUEUE_BYTES LOSS SEED
 *
 * DELAY_MS is one way. RATE_BITS counts the bits of IP packets a second. QUEUE_BYTES bounds what
 * waits to be sent, not what is on its way. LOSS is a fraction; what is lost is lost before the
 * queue, each packet for itself, from a generator that SEED starts. Says "ready" once both devices
 * are there, which are gone when it ends: by SIGTERM, or with whoever started it. Says on standard
 * error, at its end, what it carried.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
  PACKET_BYTES_MAX = 1500,
  SLOT_BYTES = 1536,
  SLOTS = 16384, /* a power of two: places are counted without end and wrap by a mask */
  TAKEN_AT_ONCE = 64,
  REAL_TIME_PRIORITY = 10,
};
#define IDLE_NANOS 200000000LL
#define NANOS_A_SECOND 1000000000LL

struct packet {
  int64_t due_nanos;
  size_t bytes;
  unsigned char content[SLOT_BYTES];
};

struct direction {
  const char *name;
  int in;
  int out;
  double nanos_a_byte;
  int64_t delay_nanos;
  int64_t queue_nanos;
  int64_t sender_free_nanos; /* when the last packet taken in will have been sent */
  double loss;
  uint64_t random_state;
  struct packet *slots;
  uint32_t first; /* the next to be delivered */
  uint32_t end;   /* the next free slot */
  uint64_t delivered;
  uint64_t lost;
  uint64_t dropped;
  int64_t latest_nanos; /* by how much a packet was delivered too late at most */
};

static volatile sig_atomic_t ended;

static _Noreturn void fail(const char *what) {
  fprintf(stderr, "link: %s: %s\n", what, strerror(errno));
  exit(1);
}

static double number(const char *text) {
  char *end;
  double value = strtod(text, &end);
  if (*text == '\0' || *end != '\0' || !(value >= 0)) {
    fprintf(stderr, "link: %s is not a number from 0 up\n", text);
    exit(2);
  }
  return value;
}

static int64_t now_nanos(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * NANOS_A_SECOND + now.tv_nsec;
}

/* SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators), as 0 to 1. */
static double random_fraction(uint64_t *state) {
  uint64_t mixed = *state += 0x9E3779B97F4A7C15ULL;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9ULL;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBULL;
  return (double)((mixed ^ (mixed >> 31)) >> 11) * 0x1p-53;
}

static void enter(const char *network) {
  int descriptor = open(network, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0 || setns(descriptor, CLONE_NEWNET) != 0) fail(network);
  close(descriptor);
}

/* A device belongs to the namespace in which its descriptor was opened, whoever reads it later. */
static int open_device(const char *namespace, const char *name) {
  char network[256];
  snprintf(network, sizeof network, "/run/netns/%s", namespace);
  enter(network);
  int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (device < 0) fail("/dev/net/tun");
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
  if (ioctl(device, TUNSETIFF, &request) != 0) fail("TUNSETIFF");
  int any_socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  request.ifr_mtu = PACKET_BYTES_MAX;
  if (any_socket < 0 || ioctl(any_socket, SIOCSIFMTU, &request) != 0) fail("SIOCSIFMTU");
  close(any_socket);
  return device;
}

static void deliver_due(struct direction *way) {
  int64_t now = now_nanos();
  while (way->first != way->end) {
    struct packet *packet = &way->slots[way->first % SLOTS];
    if (packet->due_nanos > now) {
      now = now_nanos();
      if (packet->due_nanos > now) return;
    }
    if (now - packet->due_nanos > way->latest_nanos) way->latest_nanos = now - packet->due_nanos;
    /* A full device drops, as the last hop of any path may. */
    if (write(way->out, packet->content, packet->bytes) < 0) {
      way->dropped++;
    } else {
      way->delivered++;
    }
    way->first++;
  }
}

/* Takes one packet in; false if there was none. */
static bool take(struct direction *way) {
  struct packet *packet = &way->slots[way->end % SLOTS];
  bool full = way->end - way->first >= SLOTS;
  unsigned char nowhere[SLOT_BYTES];
  ssize_t bytes = read(way->in, full ? nowhere : packet->content, SLOT_BYTES);
  if (bytes <= 0) return false;
  if (way->loss > 0 && random_fraction(&way->random_state) < way->loss) {
    way->lost++;
    return true;
  }
  int64_t now = now_nanos();
  int64_t begin = way->sender_free_nanos > now ? way->sender_free_nanos : now;
  if (full || begin - now > way->queue_nanos) {
    way->dropped++;
    return true;
  }
  way->sender_free_nanos = begin + (int64_t)((double)bytes * way->nanos_a_byte);
  packet->due_nanos = way->sender_free_nanos + way->delay_nanos;
  packet->bytes = (size_t)bytes;
  way->end++;
  return true;
}

static void *carry(void *argument) {
  struct direction *way = argument;
  prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
  struct pollfd incoming = {.fd = way->in, .events = POLLIN};
  while (!ended) {
    deliver_due(way);
    int taken = 0;
    while (taken < TAKEN_AT_ONCE && take(way)) taken++;
    if (taken == TAKEN_AT_ONCE) continue;
    int64_t wait_nanos = IDLE_NANOS;
    if (way->first != way->end) {
      int64_t until_due = way->slots[way->first % SLOTS].due_nanos - now_nanos();
      if (until_due <= 0) continue;
      if (until_due < wait_nanos) wait_nanos = until_due;
    }
    struct timespec wait = {.tv_nsec = wait_nanos};
    ppoll(&incoming, 1, &wait, NULL);
  }
  return NULL;
}

static void on_signal(int signal) {
  (void)signal;
  ended = 1;
}

int main(int count, char **arguments) {
  if (count != 9) {
    fprintf(stderr, "link: 8 arguments are needed; the head of link.c says which\n");
    return 2;
  }
  double delay_ms = number(arguments[4]);
  double rate_bits = number(arguments[5]);
  double queue_bytes = number(arguments[6]);
  double loss = number(arguments[7]);
  uint64_t seed = (uint64_t)number(arguments[8]);
  if (rate_bits < 1) {
    fprintf(stderr, "link: a rate of %s carries nothing\n", arguments[5]);
    return 2;
  }

  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  struct sigaction on_end = {.sa_handler = on_signal};
  sigaction(SIGTERM, &on_end, NULL);
  sigaction(SIGINT, &on_end, NULL);
  prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);

  /* Back to where it was started afterwards: its work is not that of a process at either end. */
  int own_network = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  int devices[2];
  for (int end = 0; end < 2; end++) devices[end] = open_device(arguments[1 + end], arguments[3]);
  if (own_network < 0 || setns(own_network, CLONE_NEWNET) != 0) fail("its own network");

  struct direction ways[2];
  for (int end = 0; end < 2; end++) {
    ways[end] = (struct direction){
        .name = end == 0 ? "a to b" : "b to a",
        .in = devices[end],
        .out = devices[1 - end],
        .nanos_a_byte = 8e9 / rate_bits,
        .delay_nanos = (int64_t)(delay_ms * 1e6),
        .queue_nanos = (int64_t)(queue_bytes * 8e9 / rate_bits),
        .loss = loss,
        .random_state = seed * 2 + (uint64_t)end,
        .slots = calloc(SLOTS, sizeof(struct packet)),
    };
    if (ways[end].slots == NULL) fail("memory");
  }

  /* The link must keep time while both ends use every processor. */
  struct sched_param priority = {.sched_priority = REAL_TIME_PRIORITY};
  if (sched_setscheduler(0, SCHED_FIFO, &priority) != 0) {
    fprintf(stderr, "link: no real-time priority: %s\n", strerror(errno));
  }
  pthread_t threads[2];
  for (int end = 0; end < 2; end++) {
    errno = pthread_create(&threads[end], NULL, carry, &ways[end]);
    if (errno != 0) fail("a thread");
  }
  puts("ready");
  fflush(stdout);
  while (!ended) sigsuspend(&before);
  for (int end = 0; end < 2; end++) {
    struct direction *way = &ways[end];
    pthread_join(threads[end], NULL);
    fprintf(stderr, "link: %s: %llu delivered, %llu lost, %llu dropped, %.3f ms late at most\n", way->name,
            (unsigned long long)way->delivered, (unsigned long long)way->lost,
            (unsigned long long)way->dropped, (double)way->latest_nanos / 1e6);
  }
  return 0;
}
