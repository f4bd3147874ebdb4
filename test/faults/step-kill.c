/*
 * Ends the server by SIGKILL at a named step of a message's way, told by the system calls that the step makes; compiled
 * together with power-cut.c, whose calls it looks at. No hook in the server is needed.
 *
 * STEP_KILL="STEP NUMBER WHEN CALLS ALONE":
 *   STEP    what is waited for:
 *     accept   an answer to a client: "354", or the 250 that says "queued as"
 *     commit   a write to the store (database, log, content files), or a sync of it
 *     expand   a write to the store that holds a list's mail as it goes on to the members
 *     deliver  the final dot goes to another server; a Maildir's file gets its name; a helper says that it is done
 *     mark     another server's "250 2.0.0 taken", or a helper's word that it is done, has been read
 *     bounce   a write to the store that holds a notice
 *   NUMBER  at which of them, from 1
 *   WHEN    "before" or "after" the call
 *   CALLS   0: there; otherwise at that many writes or syncs of the store later
 *   ALONE   0: a helper that ends the server ends with it; 1: it goes on
 *
 * A helper ends its server: both have the counters of their own.
 */
#define _GNU_SOURCE
#include "step-kill.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <fcntl.h>
#include <unistd.h>

enum step { NONE, ACCEPT, COMMIT, EXPAND, DELIVER, MARK, BOUNCE };
static const char *const step_names[] = {"none", "accept", "commit", "expand", "deliver", "mark", "bounce"};

static enum step step;
static int is_after, is_alone, is_helper;
static pid_t server;
/* Counted down by all threads. */
static int left, calls_left, is_armed;

/* At once: later a helper's parent may have gone. */
__attribute__((constructor)) static void read_environment(void) {
  char name[16] = "", when[16] = "", command[512];
  const char *text = getenv("STEP_KILL");
  if (!text || sscanf(text, "%15s %d %15s %d %d", name, &left, when, &calls_left, &is_alone) != 5) return;
  for (int i = ACCEPT; i <= BOUNCE; i++)
    if (!strcmp(name, step_names[i])) step = i;
  is_after = !strcmp(when, "after");
  int fd = syscall(SYS_openat, AT_FDCWD, "/proc/self/cmdline", O_RDONLY | O_CLOEXEC, 0);
  ssize_t length = fd < 0 ? 0 : syscall(SYS_read, fd, command, sizeof command);
  if (fd >= 0) close(fd);
  server = getppid();
  is_helper = length > 0 && memmem(command, length, "-helper", 7) != NULL;
  /* Neither the launcher nor what it asks is the server. */
  if (!is_helper && !(length > 0 && memmem(command, length, "main/main", 9))) step = NONE;
  /* A helper writes no store. */
  if (is_helper && calls_left > 0) step = NONE;
}

static void end_server(void) {
  if (is_helper) {
    /* An orphan has another parent, which is nobody's to end. */
    if (getppid() == server) kill(server, SIGKILL);
    step = NONE;
    if (is_alone) return;
  }
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

static int is_socket(int fd) {
  struct stat status;
  return !fstat(fd, &status) && S_ISSOCK(status.st_mode);
}

/* The database, its log, or a message's file. */
static int is_store(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return strstr(path, "/store.db") || strstr(path, "/content/");
}

static int has(const void *bytes, size_t size, const char *text) {
  return bytes && memmem(bytes, size, text, strlen(text)) != NULL;
}

static int helper_is_done(const void *bytes, size_t size) {
  return has(bytes, size, "\"kind\":\"done\"") || has(bytes, size, "\"kind\":\"ended\"");
}

static int ends_with_dot(const char *bytes, size_t size) {
  return bytes && size >= 5 && !memcmp(bytes + size - 5, "\r\n.\r\n", 5);
}

static int is_event(enum step_call call, int fd, const void *bytes, size_t size) {
  switch (step) {
    case ACCEPT:
      return call == STEP_WRITE && is_socket(fd) && (has(bytes, size, "354 ") || has(bytes, size, "queued as"));
    case COMMIT:
      return (call == STEP_WRITE || call == STEP_SYNC) && is_store(fd);
    case EXPAND:
      return call == STEP_WRITE && has(bytes, size, "\r\nDelivered-To: list") && is_store(fd);
    case BOUNCE:
      return call == STEP_WRITE && has(bytes, size, "multipart/report; report-type") && is_store(fd);
    case DELIVER:
      if (call == STEP_LINK) return 1;
      return call == STEP_WRITE && is_socket(fd) && (is_helper ? helper_is_done(bytes, size) : ends_with_dot(bytes, size));
    case MARK:
      return call == STEP_READ && !is_helper && is_socket(fd) &&
             (has(bytes, size, "250 2.0.0 taken") || helper_is_done(bytes, size));
    default:
      return 0;
  }
}

static void look(int call_is_over, enum step_call call, int fd, const void *bytes, size_t size) {
  if (__atomic_load_n(&is_armed, __ATOMIC_SEQ_CST)) {
    if (call_is_over || !(call == STEP_WRITE || call == STEP_SYNC) || !is_store(fd)) return;
    if (__atomic_sub_fetch(&calls_left, 1, __ATOMIC_SEQ_CST) <= 0) end_server();
    return;
  }
  /* What has been read is known afterwards only. */
  if (call_is_over != (is_after || call == STEP_READ) || !is_event(call, fd, bytes, size)) return;
  if (__atomic_sub_fetch(&left, 1, __ATOMIC_SEQ_CST) != 0) return;
  if (calls_left == 0) end_server();
  else __atomic_store_n(&is_armed, 1, __ATOMIC_SEQ_CST);
}

void step_here(int call_is_over, enum step_call call, int fd, const void *bytes, size_t size) {
  if (step == NONE) return;
  int saved = errno;
  look(call_is_over, call, fd, bytes, size);
  errno = saved;
}
