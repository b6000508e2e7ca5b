#define _GNU_SOURCE
#include "CWaggleSystem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

int64_t waggle_copy_file_range(int from, int64_t from_offset, int to, int64_t to_offset, size_t length) {
    off64_t source = from_offset, target = to_offset;
    ssize_t copied = copy_file_range(from, &source, to, &target, length, 0);
    return copied < 0 ? -errno : copied;
}

int waggle_fallocate(int descriptor, int64_t offset, int64_t length) {
    return fallocate(descriptor, 0, offset, length) < 0 ? -errno : 0;
}

int waggle_clone(int to, int from) {
    return ioctl(to, FICLONE, from) < 0 ? -errno : 0;
}

int waggle_rename_new(const char *from, const char *to) {
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return -errno;
    // A file system without it: a second name, which never replaces, and then without the first.
    if (link(from, to) < 0) return -errno;
    return unlink(from) < 0 ? -errno : 0;
}

int waggle_exchange(const char *one, const char *other) {
    return renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) < 0 ? -errno : 0;
}

int waggle_start_writeback(int descriptor, int64_t offset, int64_t length) {
    return sync_file_range(descriptor, offset, length, SYNC_FILE_RANGE_WRITE) < 0 ? -errno : 0;
}

int64_t waggle_next_data(int descriptor, int64_t offset) {
    off64_t position = lseek64(descriptor, offset, SEEK_DATA);
    return position < 0 ? -errno : position;
}

void waggle_tune_malloc(void) {
    mallopt(M_TRIM_THRESHOLD, 128 << 10);
    mallopt(M_MMAP_THRESHOLD, 128 << 10);
}
