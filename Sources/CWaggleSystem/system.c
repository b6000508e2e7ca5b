#define _GNU_SOURCE
#include "CWaggleSystem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
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

int waggle_start_writeback(int descriptor, int64_t offset, int64_t length) {
    return sync_file_range(descriptor, offset, length, SYNC_FILE_RANGE_WRITE) < 0 ? -errno : 0;
}

int64_t waggle_next_data(int descriptor, int64_t offset) {
    off64_t position = lseek64(descriptor, offset, SEEK_DATA);
    return position < 0 ? -errno : position;
}

// glibc has no wrappers, and these values are the kernel's (linux/ioprio.h): one process or thread; class in the top bits.
enum { WHO_THREAD = 1, CLASS_IDLE = 3 << 13 };

int waggle_io_priority(void) {
    long priority = syscall(SYS_ioprio_get, WHO_THREAD, 0);
    return priority < 0 ? -errno : (int)priority;
}

int waggle_io_priority_idle(void) { return CLASS_IDLE; }

int waggle_set_io_priority(int priority) {
    if (priority < 0) return -EINVAL;
    return syscall(SYS_ioprio_set, WHO_THREAD, 0, priority) < 0 ? -errno : 0;
}

void waggle_tune_malloc(void) {
    mallopt(M_TRIM_THRESHOLD, 128 << 10);
    mallopt(M_MMAP_THRESHOLD, 128 << 10);
}

int waggle_become_idle(void) {
    int failure = waggle_set_io_priority(CLASS_IDLE);
    if (failure < 0) return failure;
    // On Linux the calling thread only.
    return setpriority(PRIO_PROCESS, 0, 19) < 0 ? -errno : 0;
}

static atomic_int allowed = 1;

void waggle_allow_instructions(int now) {
    atomic_store_explicit(&allowed, now, memory_order_relaxed);
}

int waggle_instructions_allowed(void) {
    return atomic_load_explicit(&allowed, memory_order_relaxed);
}
