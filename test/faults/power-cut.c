/*
 * A power cut for a program that cannot tell: preloaded, this keeps beside the watched folder a record of what a
 * disk would still hold if the power went now. Only what was synced is in it:
 *   - bytes of a file, once fsync, fdatasync or writing with O_DSYNC made them durable;
 *   - names (create, rename, unlink, mkdir), once the folder that holds them was fsynced itself.
 * That is stricter than ext4, where the fsync of a new file commits its name too; POSIX promises no more.
 *
 * Environment:
 *   POWER_CUT_LIVE     the watched folder, absolute, without a trailing slash
 *   POWER_CUT_RECORD   where the record is kept (another folder, made by shadow.ts)
 *   POWER_CUT_SURVIVE  0..100, default 0: the percentage of changes that reach the disk without having been synced,
 *                      in any order, as a kernel that writes back when it likes may do
 *
 * The record: contents/KEY holds a file's synced bytes, folders/KEY lists a folder's synced names, a line each
 * `f|d KEY NAME`. KEY is inode and birth time, so that a reused inode number is another file. shadow.ts writes the
 * first record and turns a record back into a folder. Since names are taken from the folder itself when it is
 * synced, rename and unlink need no hook except to let some of them survive.
 *
 * Not modelled: writes through mmap (SQLite writes only its -shm so, which no one needs after a crash), fs.copyFile
 * (libuv makes that call without libc), sync() and syncfs(), io_uring (power-cut.ts turns it off), torn sectors.
 * Extents are kept per process: a file written in one process must be synced by the same.
 */
#define _GNU_SOURCE
#include "step-kill.h"
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PATH_SIZE = 4096, KEY_SIZE = 64, BUCKETS = 1024, COPY_SIZE = 65536 };

struct extent { off_t from, to; };
struct dirty { ino_t inode; size_t count, room; struct extent *extents; struct dirty *next; };

static struct dirty *buckets[BUCKETS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static const char *live, *record;
static size_t live_length;
static int survive;
static unsigned random_state;

static void read_environment(void) {
  const char *percent = getenv("POWER_CUT_SURVIVE");
  live = getenv("POWER_CUT_LIVE");
  record = getenv("POWER_CUT_RECORD");
  if (!record) live = NULL;
  if (live) live_length = strlen(live);
  survive = percent ? atoi(percent) : 0;
  random_state = (unsigned)getpid() * 2654435761u;
}

static int is_watched_path(const char *path) {
  pthread_once(&once, read_environment);
  return live && !strncmp(path, live, live_length) && (path[live_length] == '/' || !path[live_length]);
}

/* The inode behind an open file, when it is a file or folder of ours. */
static int is_watched(int fd, struct stat *status) {
  char link[64], path[PATH_SIZE];
  pthread_once(&once, read_environment);
  if (!live || fstat(fd, status) || !(S_ISREG(status->st_mode) || S_ISDIR(status->st_mode))) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  /* SQLite's WAL index: nobody needs it afterwards. */
  if (length > 4 && !strcmp(path + length - 4, "-shm")) return 0;
  return is_watched_path(path);
}

static int key_of(int fd, const char *name, char *key) {
  struct statx x;
  int flags = AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH);
  if (statx(fd, name, flags, STATX_INO | STATX_BTIME, &x)) return -1;
  snprintf(key, KEY_SIZE, "%llu-%lld.%09u", (unsigned long long)x.stx_ino, (long long)x.stx_btime.tv_sec,
           x.stx_btime.tv_nsec);
  return 0;
}

/* A record that cannot be kept would make every later answer wrong. */
static void give_up(const char *what) {
  dprintf(2, "power-cut: %s: %s\n", what, strerror(errno));
  abort();
}

static int open_record(const char *kind, const char *key, const char *suffix, int flags) {
  char path[PATH_SIZE];
  snprintf(path, sizeof path, "%s/%s/%s%s", record, kind, key, suffix);
  int fd = syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0666);
  /* The file helper writes under several uids, with a umask of its own. */
  if (fd >= 0) fchmod(fd, 0666);
  return fd;
}

/* ---- extents that were written and not yet synced ---- */

static struct dirty **find_dirty(ino_t inode) {
  struct dirty **at = &buckets[inode % BUCKETS];
  while (*at && (*at)->inode != inode) at = &(*at)->next;
  return at;
}

static void add_extent(ino_t inode, off_t from, off_t to) {
  struct dirty **at = find_dirty(inode), *file = *at;
  if (!file) {
    file = *at = calloc(1, sizeof *file);
    if (!file) give_up("memory");
    file->inode = inode;
  }
  if (file->count && file->extents[file->count - 1].to == from) {
    file->extents[file->count - 1].to = to;
    return;
  }
  if (file->count == file->room) {
    file->room = file->room ? file->room * 2 : 8;
    file->extents = realloc(file->extents, file->room * sizeof *file->extents);
    if (!file->extents) give_up("memory");
  }
  file->extents[file->count++] = (struct extent){from, to};
}

/* Under the lock. Not thread-local and not on the stack: some of Node's threads have small ones. */
static void copy_extent(int from, int to, off_t at, off_t end) {
  static char buffer[COPY_SIZE];
  while (at < end) {
    size_t wanted = end - at > COPY_SIZE ? COPY_SIZE : (size_t)(end - at);
    ssize_t got = syscall(SYS_pread64, from, buffer, wanted, at);
    if (got <= 0) return; /* the file has become shorter */
    if (syscall(SYS_pwrite64, to, buffer, got, at) != got) give_up("write to the record");
    at += got;
  }
}

/* The file for reading. Where `fd` cannot read, another descriptor: its closing takes all of the process's locks on the
 * file, so that never happens to a database. */
static int open_source(int fd) {
  char link[64];
  int flags = fcntl(fd, F_GETFL);
  if (flags >= 0 && (flags & O_ACCMODE) != O_WRONLY) return fd;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  int copy = syscall(SYS_openat, AT_FDCWD, link, O_RDONLY | O_CLOEXEC, 0);
  if (copy < 0) give_up("read a written file again");
  return copy;
}

static int open_content(int fd) {
  char key[KEY_SIZE];
  if (key_of(fd, "", key)) give_up("statx");
  int to = open_record("contents", key, "", O_RDWR | O_CREAT);
  if (to < 0) give_up("open the record of a file");
  return to;
}

/* The file's unsynced extents become durable. */
static void commit_file(int fd, const struct stat *before) {
  pthread_mutex_lock(&lock);
  struct dirty **at = find_dirty(before->st_ino), *file = *at;
  struct stat now;
  int from = open_source(fd), to = open_content(fd);
  if (file) {
    for (size_t i = 0; i < file->count; i++) copy_extent(from, to, file->extents[i].from, file->extents[i].to);
    *at = file->next;
    free(file->extents);
    free(file);
  }
  if (fstat(fd, &now) || ftruncate(to, now.st_size)) give_up("set the record's length");
  close(to);
  if (from != fd) close(from);
  pthread_mutex_unlock(&lock);
}

/* ---- names ---- */

/* The folder's names, as they are now, become durable: a new list replaces the old one whole. */
static void commit_folder(int fd) {
  char key[KEY_SIZE], child[KEY_SIZE], path[PATH_SIZE], temporary[PATH_SIZE];
  if (key_of(fd, "", key)) return;
  pthread_mutex_lock(&lock);
  DIR *folder = fdopendir(syscall(SYS_openat, fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0));
  int list = open_record("folders", key, ".new", O_WRONLY | O_CREAT | O_TRUNC);
  FILE *out = list < 0 ? NULL : fdopen(list, "w");
  if (!folder || !out) give_up("list a folder");
  for (struct dirent *entry; (entry = readdir(folder));) {
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
    if (key_of(dirfd(folder), entry->d_name, child)) continue; /* it has gone meanwhile */
    fprintf(out, "%c %s %s\n", entry->d_type == DT_DIR ? 'd' : 'f', child, entry->d_name);
  }
  closedir(folder);
  if (fclose(out)) give_up("write a folder's names");
  snprintf(path, sizeof path, "%s/folders/%s", record, key);
  snprintf(temporary, sizeof temporary, "%s/folders/%s.new", record, key);
  if (syscall(SYS_renameat2, AT_FDCWD, temporary, AT_FDCWD, path, 0)) give_up("write a folder's names");
  pthread_mutex_unlock(&lock);
}

static int survives(void) {
  if (!survive) return 0;
  unsigned x = __atomic_add_fetch(&random_state, 2654435769u, __ATOMIC_RELAXED);
  x ^= x >> 16;
  x *= 2246822507u;
  x ^= x >> 13;
  return (int)(x % 100u) < survive;
}

/* A name in `path`'s folder has changed without a sync; sometimes the disk has it already. */
static void name_changed(int at, const char *path) {
  char folder[PATH_SIZE];
  struct stat status;
  int saved = errno;
  if (survives()) {
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    int fd = syscall(SYS_openat, at, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd >= 0) {
      if (is_watched(fd, &status)) commit_folder(fd);
      close(fd);
    }
  }
  errno = saved;
}

/* Bytes [from, to) of an open file have changed. */
static void bytes_changed(int fd, off_t from, off_t to) {
  struct stat status;
  int saved = errno;
  if (is_watched(fd, &status) && S_ISREG(status.st_mode)) {
    pthread_mutex_lock(&lock);
    add_extent(status.st_ino, from, to);
    pthread_mutex_unlock(&lock);
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && (flags & O_DSYNC)) {
      commit_file(fd, &status);
    } else if (survives()) {
      pthread_mutex_lock(&lock);
      int source = open_source(fd), target = open_content(fd);
      copy_extent(source, target, from, to);
      close(target);
      if (source != fd) close(source);
      pthread_mutex_unlock(&lock);
    }
  }
  errno = saved;
}

/* ---- the calls that change files ---- */

static ssize_t written(int fd, off_t at, ssize_t count) {
  if (count > 0 && at >= 0) bytes_changed(fd, at, at + count);
  return count;
}

/* Where write() has just put `count` bytes: the position afterwards is right for O_APPEND too. */
static ssize_t written_here(int fd, ssize_t count) {
  int saved = errno;
  off_t end = count > 0 ? lseek(fd, 0, SEEK_CUR) : -1;
  errno = saved;
  return end < 0 ? count : written(fd, end - count, count);
}

ssize_t write(int fd, const void *bytes, size_t size) {
  step_here(0, STEP_WRITE, fd, bytes, size);
  ssize_t count = written_here(fd, syscall(SYS_write, fd, bytes, size));
  step_here(1, STEP_WRITE, fd, bytes, size);
  return count;
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
  for (int i = 0; i < count; i++) step_here(0, STEP_WRITE, fd, parts[i].iov_base, parts[i].iov_len);
  ssize_t done = written_here(fd, syscall(SYS_writev, fd, parts, count));
  for (int i = 0; i < count; i++) step_here(1, STEP_WRITE, fd, parts[i].iov_base, parts[i].iov_len);
  return done;
}
ssize_t read(int fd, void *bytes, size_t size) {
  ssize_t count = syscall(SYS_read, fd, bytes, size);
  int saved = errno;
  if (count > 0) step_here(1, STEP_READ, fd, bytes, (size_t)count);
  errno = saved;
  return count;
}
ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at) {
  step_here(0, STEP_WRITE, fd, bytes, size);
  ssize_t count = written(fd, at, syscall(SYS_pwrite64, fd, bytes, size, at));
  step_here(1, STEP_WRITE, fd, bytes, size);
  return count;
}
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) { return pwrite64(fd, bytes, size, at); }
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) {
  return written(fd, at, syscall(SYS_pwritev, fd, parts, count, (long)at, 0L));
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) { return pwritev64(fd, parts, count, at); }

ssize_t copy_file_range(int in, off64_t *in_at, int out, off64_t *out_at, size_t size, unsigned flags) {
  ssize_t count = syscall(SYS_copy_file_range, in, in_at, out, out_at, size, flags);
  return out_at ? written(out, *out_at - (count > 0 ? count : 0), count) : written_here(out, count);
}
ssize_t sendfile64(int out, int in, off64_t *at, size_t size) {
  return written_here(out, syscall(SYS_sendfile, out, in, at, size));
}
ssize_t sendfile(int out, int in, off_t *at, size_t size) { return sendfile64(out, in, at, size); }

static int truncated(int fd, off_t old_size, off_t new_size, int result) {
  if (!result && new_size < old_size) bytes_changed(fd, new_size, old_size);
  return result;
}
int ftruncate64(int fd, off64_t size) {
  struct stat status;
  off_t old_size = fstat(fd, &status) ? 0 : status.st_size;
  return truncated(fd, old_size, size, syscall(SYS_ftruncate, fd, size));
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }
int truncate64(const char *path, off64_t size) {
  int fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0);
  int result = fd < 0 ? -1 : ftruncate64(fd, size);
  if (fd >= 0) close(fd);
  return result;
}
int truncate(const char *path, off_t size) { return truncate64(path, size); }
int fallocate64(int fd, int mode, off64_t from, off64_t size) {
  int result = syscall(SYS_fallocate, fd, mode, from, size);
  if (!result) bytes_changed(fd, from, from + size);
  return result;
}
int fallocate(int fd, int mode, off_t from, off_t size) { return fallocate64(fd, mode, from, size); }
int posix_fallocate64(int fd, off64_t from, off64_t size) { return fallocate64(fd, 0, from, size) ? errno : 0; }
int posix_fallocate(int fd, off_t from, off_t size) { return posix_fallocate64(fd, from, size); }

/* ---- the calls that make durable ---- */

static int synced(int fd, int result) {
  struct stat status;
  int saved = errno;
  if (!result && is_watched(fd, &status)) {
    if (S_ISDIR(status.st_mode)) commit_folder(fd);
    else commit_file(fd, &status);
  }
  errno = saved;
  return result;
}
static int sync_file(int fd, long call) {
  step_here(0, STEP_SYNC, fd, NULL, 0);
  int result = synced(fd, syscall(call, fd));
  step_here(1, STEP_SYNC, fd, NULL, 0);
  return result;
}
int fsync(int fd) { return sync_file(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_file(fd, SYS_fdatasync); }

/* ---- the calls that change names ---- */

static int open_file(int at, const char *path, int flags, mode_t mode) {
  struct stat status;
  off_t old_size = 0;
  if ((flags & O_TRUNC) && !fstatat(at, path, &status, 0) && S_ISREG(status.st_mode)) old_size = status.st_size;
  int fd = syscall(SYS_openat, at, path, flags | O_LARGEFILE, mode);
  if (fd >= 0 && old_size > 0) bytes_changed(fd, 0, old_size);
  if (fd >= 0 && (flags & O_CREAT)) name_changed(at, path);
  return fd;
}
#define OPEN_MODE(flags) \
  mode_t mode = 0; \
  if ((flags) & (O_CREAT | __O_TMPFILE)) { \
    va_list rest; \
    va_start(rest, flags); \
    mode = va_arg(rest, mode_t); \
    va_end(rest); \
  }
int open(const char *path, int flags, ...) { OPEN_MODE(flags) return open_file(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { OPEN_MODE(flags) return open_file(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { OPEN_MODE(flags) return open_file(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { OPEN_MODE(flags) return open_file(at, path, flags, mode); }
int creat(const char *path, mode_t mode) { return open_file(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return creat(path, mode); }

static int renamed(int result, int old_at, const char *old_path, int new_at, const char *new_path) {
  if (!result) name_changed(new_at, new_path);
  if (!result) name_changed(old_at, old_path);
  return result;
}
int renameat2(int old_at, const char *old_path, int new_at, const char *new_path, unsigned flags) {
  return renamed(syscall(SYS_renameat2, old_at, old_path, new_at, new_path, flags), old_at, old_path, new_at, new_path);
}
int renameat(int old_at, const char *old_path, int new_at, const char *new_path) {
  return renameat2(old_at, old_path, new_at, new_path, 0);
}
int rename(const char *old_path, const char *new_path) { return renameat2(AT_FDCWD, old_path, AT_FDCWD, new_path, 0); }
int linkat(int old_at, const char *old_path, int new_at, const char *new_path, int flags) {
  int is_mail = strstr(new_path, "/new/") != NULL;
  if (is_mail) step_here(0, STEP_LINK, -1, NULL, 0);
  int result = syscall(SYS_linkat, old_at, old_path, new_at, new_path, flags);
  if (!result) name_changed(new_at, new_path);
  if (is_mail) step_here(1, STEP_LINK, -1, NULL, 0);
  return result;
}
int link(const char *old_path, const char *new_path) { return linkat(AT_FDCWD, old_path, AT_FDCWD, new_path, 0); }
int unlinkat(int at, const char *path, int flags) {
  int result = syscall(SYS_unlinkat, at, path, flags);
  if (!result) name_changed(at, path);
  return result;
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
int mkdirat(int at, const char *path, mode_t mode) {
  int result = syscall(SYS_mkdirat, at, path, mode);
  if (!result) name_changed(at, path);
  return result;
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }
