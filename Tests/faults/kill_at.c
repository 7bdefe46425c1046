// SPDX-License-Identifier: Apache-2.0
// Preloaded into a program: counts its calls that change the disk and ends it at one of them, as a power cut would; or
// takes away what poor file systems lack.
//
// HEADVIS_KILL_AT=n       the n-th call is not made; of a write the first half is made, where n is even
// HEADVIS_KILL_COUNT=FILE at the end the number of calls is written there
// HEADVIS_POOR=1          there are no hard links and no exchange of names
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long calls;
static long fatal;
static int poor;

__attribute__((constructor)) static void begin(void) {
    const char *at = getenv("HEADVIS_KILL_AT");
    fatal = at ? atol(at) : 0;
    poor = getenv("HEADVIS_POOR") != NULL;
}

__attribute__((destructor)) static void end(void) {
    const char *path = getenv("HEADVIS_KILL_COUNT");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) return;
    fprintf(file, "%ld\n", atomic_load(&calls));
    fclose(file);
}

// Whether this is the call. Only such calls count as go to files and folders.
static int is_fatal(void) { return atomic_fetch_add(&calls, 1) + 1 == fatal; }

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static int is_file(int fd) {
    struct stat info;
    return fd > 2 && fstat(fd, &info) == 0 && (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode));
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

// Calls that are made or not.
#define CALL(type, name, parameters, arguments)                \
    type name parameters {                                     \
        static type(*real) parameters;                         \
        if (!real) real = (type(*) parameters)dlsym(RTLD_NEXT, #name); \
        if (is_fatal()) die();                                 \
        return real arguments;                                 \
    }
// The same on an open file.
#define FILE_CALL(type, name, parameters, arguments)           \
    type name parameters {                                     \
        static type(*real) parameters;                         \
        if (!real) real = (type(*) parameters)dlsym(RTLD_NEXT, #name); \
        if (is_file(fd) && is_fatal()) die();                  \
        return real arguments;                                 \
    }
// Writes, which may be made by half.
#define WRITE_CALL(name, parameters, arguments, half)          \
    ssize_t name parameters {                                  \
        static ssize_t(*real) parameters;                      \
        if (!real) real = (ssize_t(*) parameters)dlsym(RTLD_NEXT, #name); \
        if (is_file(fd) && is_fatal()) {                       \
            if (fatal % 2 == 0) real half;                     \
            die();                                             \
        }                                                      \
        return real arguments;                                 \
    }

WRITE_CALL(write, (int fd, const void *bytes, size_t n), (fd, bytes, n), (fd, bytes, n / 2))
WRITE_CALL(pwrite, (int fd, const void *bytes, size_t n, off_t at), (fd, bytes, n, at), (fd, bytes, n / 2, at))
WRITE_CALL(pwrite64, (int fd, const void *bytes, size_t n, off64_t at), (fd, bytes, n, at), (fd, bytes, n / 2, at))
FILE_CALL(ssize_t, writev, (int fd, const struct iovec *parts, int n), (fd, parts, n))
FILE_CALL(int, fsync, (int fd), (fd))
FILE_CALL(int, fdatasync, (int fd), (fd))
FILE_CALL(int, ftruncate, (int fd, off_t size), (fd, size))
FILE_CALL(int, ftruncate64, (int fd, off64_t size), (fd, size))
CALL(int, rename, (const char *from, const char *to), (from, to))
CALL(int, unlink, (const char *path), (path))
CALL(int, unlinkat, (int folder, const char *path, int flags), (folder, path, flags))
CALL(int, rmdir, (const char *path), (path))
CALL(int, mkdir, (const char *path, mode_t mode), (path, mode))

ssize_t copy_file_range(int from, off64_t *at, int fd, off64_t *to, size_t n, unsigned flags) {
    if (is_fatal()) die();
    return syscall(SYS_copy_file_range, from, at, fd, to, n, flags);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
    if (is_fatal()) die();
    if (poor && flags) {
        errno = EINVAL;
        return -1;
    }
    return syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
}

int link(const char *from, const char *to) {
    if (is_fatal()) die();
    if (poor) {
        errno = EPERM;
        return -1;
    }
    return REAL(link)(from, to);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    if (is_fatal()) die();
    if (poor) {
        errno = EPERM;
        return -1;
    }
    return REAL(linkat)(from_folder, from, to_folder, to, flags);
}

// A file comes into being when it is opened.
#define OPEN(name)                                                     \
    int name(const char *path, int flags, ...) {                       \
        static int (*real)(const char *, int, ...);                    \
        if (!real) real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name); \
        va_list rest;                                                  \
        va_start(rest, flags);                                         \
        mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest);                                                  \
        if (flags & (O_CREAT | O_TRUNC) && is_fatal()) die();          \
        return real(path, flags, mode);                                \
    }
OPEN(open)
OPEN(open64)
