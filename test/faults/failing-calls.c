/*
 * A disk that fails on command: preloaded, this makes calls on files of one place fail, while a file says so.
 *
 * Environment:
 *   FAILING_ORDER   a file. While it exists and is not empty it holds, on a line of its own each:
 *                   the word of the calls (`write`, `sync`, `open`: for writing or making, `link`), the error's number, and
 *                   the beginning of the paths that are meant.
 *
 * write: write, pwrite, writev, pwritev and their 64-bit names; sync: fsync, fdatasync. Not modelled: mmap, io_uring.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PATH_SIZE = 4096, ORDER_SIZE = 8192 };

/* The error that the order has for this call on this path; 0 for none. Uses system calls only: the hooks are ours. */
static int error_for(const char *word, const char *path) {
  const char *file = getenv("FAILING_ORDER");
  char order[ORDER_SIZE], *line, *rest;
  int handle = file ? (int)syscall(SYS_openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC) : -1;
  if (handle < 0) return 0;
  long length = syscall(SYS_read, handle, order, sizeof order - 1);
  syscall(SYS_close, handle);
  if (length <= 0) return 0;
  order[length] = 0;
  for (line = strtok_r(order, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
    char named[16], place[PATH_SIZE];
    int error;
    if (sscanf(line, "%15s %d %4095s", named, &error, place) != 3) continue;
    if (!strcmp(named, word) && !strncmp(path, place, strlen(place))) return error;
  }
  return 0;
}

static int handle_error(const char *word, int handle) {
  char link[64], path[PATH_SIZE];
  int saved = errno;
  snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
  long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
  errno = saved;
  if (length <= 0) return 0;
  path[length] = 0;
  return error_for(word, path);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define FAIL_HANDLE(word, handle) \
  do { int error = handle_error(word, handle); if (error) { errno = error; return -1; } } while (0)

ssize_t write(int h, const void *b, size_t n) { FAIL_HANDLE("write", h); return syscall(SYS_write, h, b, n); }
ssize_t pwrite(int h, const void *b, size_t n, off_t o) { FAIL_HANDLE("write", h); return syscall(SYS_pwrite64, h, b, n, o); }
ssize_t pwrite64(int h, const void *b, size_t n, off64_t o) { FAIL_HANDLE("write", h); return syscall(SYS_pwrite64, h, b, n, o); }
ssize_t writev(int h, const struct iovec *v, int n) { FAIL_HANDLE("write", h); return syscall(SYS_writev, h, v, n); }
ssize_t pwritev(int h, const struct iovec *v, int n, off_t o) { FAIL_HANDLE("write", h); return REAL(pwritev)(h, v, n, o); }
ssize_t pwritev64(int h, const struct iovec *v, int n, off64_t o) { FAIL_HANDLE("write", h); return REAL(pwritev64)(h, v, n, o); }
int fsync(int h) { FAIL_HANDLE("sync", h); return (int)syscall(SYS_fsync, h); }
int fdatasync(int h) { FAIL_HANDLE("sync", h); return (int)syscall(SYS_fdatasync, h); }

int linkat(int of, const char *from, int tf, const char *to, int flags) {
  int error = error_for("link", to);
  if (error) { errno = error; return -1; }
  return (int)syscall(SYS_linkat, of, from, tf, to, flags);
}
int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

static int open_path(const char *path, int flags, mode_t mode) {
  int error = (flags & (O_WRONLY | O_RDWR | O_CREAT)) ? error_for("open", path) : 0;
  if (error) { errno = error; return -1; }
  return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
#define OPEN(name) \
  int name(const char *path, int flags, ...) { \
    va_list list; va_start(list, flags); mode_t mode = va_arg(list, int); va_end(list); \
    return open_path(path, flags, mode); }
OPEN(open)
OPEN(open64)
