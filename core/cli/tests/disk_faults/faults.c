/* Makes calls of a process fail that concern a member's data, as long as a file in the directory $FAULTS says so:
 * "sync": a sync is an I/O error; "full": there is no room for another segment of the log. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int is_on(const char *fault) {
    char path[PATH_MAX];
    const char *dir = getenv("FAULTS");
    if (!dir) return 0;
    snprintf(path, sizeof path, "%s/%s", dir, fault);
    return access(path, F_OK) == 0;
}

static int is_in(int fd, const char *part) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path - 1);
    if (len < 0) return 0;
    path[len] = 0;
    return strstr(path, part) != NULL;
}

int fdatasync(int fd) {
    static int (*real)(int);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
    if (is_on("sync") && is_in(fd, "/log/")) {
        errno = EIO;
        return -1;
    }
    return real(fd);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t offset) {
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "pwrite64");
    if (is_on("full") && is_in(fd, "/log/segment.tmp")) {
        errno = ENOSPC;
        return -1;
    }
    return real(fd, bytes, len, offset);
}
