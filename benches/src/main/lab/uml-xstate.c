/*
 * Lets a user-mode Linux of the 6.1 series run on processors whose extended register state is larger
 * than it expects (AMX). Preloaded into linux.uml.
 *
 * PTRACE_SETREGSET of NT_X86_XSTATE must carry the whole state, or the kernel refuses it, and that Linux holds
 * and hands over only the part it knows. The rest is filled in here from what the process has now.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
  STATE_BYTES_MAX = 16384,
  COMPONENTS_OFFSET = 512, /* XSTATE_BV: which components the state holds (Intel SDM 1, 13.4.2) */
};
#define TILE_COMPONENTS (UINT64_C(1) << 17 | UINT64_C(1) << 18)

static long kernel_ptrace(long request, pid_t process, void *address, void *data) {
  return syscall(SYS_ptrace, request, process, address, data);
}

static long set_state(pid_t process, void *address, struct iovec *known) {
  static __thread unsigned char state[STATE_BYTES_MAX] __attribute__((aligned(64)));
  struct iovec whole = {state, sizeof state};
  if (kernel_ptrace(PTRACE_GETREGSET, process, address, &whole) != 0 || whole.iov_len <= known->iov_len) {
    return kernel_ptrace(PTRACE_SETREGSET, process, address, known);
  }
  memcpy(state, known->iov_base, known->iov_len);
  /* No process in there has tiles, and what the tracer does not know must not count as set. */
  uint64_t components;
  memcpy(&components, state + COMPONENTS_OFFSET, sizeof components);
  components &= ~TILE_COMPONENTS;
  memcpy(state + COMPONENTS_OFFSET, &components, sizeof components);
  return kernel_ptrace(PTRACE_SETREGSET, process, address, &whole);
}

long ptrace(enum __ptrace_request request, ...) {
  va_list arguments;
  va_start(arguments, request);
  pid_t process = va_arg(arguments, pid_t);
  void *address = va_arg(arguments, void *);
  void *data = va_arg(arguments, void *);
  va_end(arguments);
  switch (request) {
    case PTRACE_SETREGSET:
      if ((uintptr_t)address == NT_X86_XSTATE) return set_state(process, address, data);
      break;
    case PTRACE_PEEKTEXT:
    case PTRACE_PEEKDATA:
    case PTRACE_PEEKUSER: {
      /* The system call stores the word; the C function returns it. */
      long word;
      if (kernel_ptrace(request, process, address, &word) < 0) return -1;
      errno = 0;
      return word;
    }
    default:
      break;
  }
  return kernel_ptrace(request, process, address, data);
}
