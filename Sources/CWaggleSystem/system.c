#define _GNU_SOURCE
#include "CWaggleSystem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <malloc.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/timex.h>
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

int waggle_exchange(const char *one, const char *other) {
    return renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) < 0 ? -errno : 0;
}

int64_t waggle_share_blocks(int from, int to, int64_t offset, int64_t length) {
    union {
        struct file_dedupe_range range;
        char room[sizeof(struct file_dedupe_range) + sizeof(struct file_dedupe_range_info)];
    } request;
    memset(&request, 0, sizeof request);
    request.range.src_offset = (uint64_t)offset;
    request.range.src_length = (uint64_t)length;
    request.range.dest_count = 1;
    request.range.info[0].dest_fd = to;
    request.range.info[0].dest_offset = (uint64_t)offset;
    if (ioctl(from, FIDEDUPERANGE, &request) < 0) return -errno;
    int status = request.range.info[0].status;
    if (status == FILE_DEDUPE_RANGE_DIFFERS) return 0;
    if (status < 0) return status;
    // A rest that is less than a block cannot be shared, and is equal.
    uint64_t shared = request.range.info[0].bytes_deduped;
    return shared > 0 ? (int64_t)shared : length;
}

// Some extents of a file from an offset on.
enum { EXTENTS = 64 };
typedef union {
    struct fiemap map;
    char room[sizeof(struct fiemap) + EXTENTS * sizeof(struct fiemap_extent)];
} extents;

static int read_extents(int descriptor, uint64_t offset, uint64_t length, extents *found) {
    memset(found, 0, sizeof *found);
    found->map.fm_start = offset;
    found->map.fm_length = length;
    found->map.fm_extent_count = EXTENTS;
    return ioctl(descriptor, FS_IOC_FIEMAP, found) < 0 ? -errno : 0;
}

// How many bytes from `offset` on lie in the first extent, and where on the disk; nothing known of it counts as elsewhere.
static uint64_t first_extent(const extents *found, uint64_t offset, uint64_t *place) {
    *place = UINT64_MAX;
    if (found->map.fm_mapped_extents == 0) return 0;
    const struct fiemap_extent *extent = &found->map.fm_extents[0];
    if (extent->fe_flags & (FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_DATA_INLINE)) return 0;
    if (extent->fe_logical > offset) return 0;
    *place = extent->fe_physical + (offset - extent->fe_logical);
    return extent->fe_logical + extent->fe_length - offset;
}

int waggle_blocks_are_shared(int one, int other, int64_t length) {
    extents first, second;
    uint64_t offset = 0, end = (uint64_t)length;
    while (offset < end) {
        int failure = read_extents(one, offset, end - offset, &first);
        if (failure == 0) failure = read_extents(other, offset, end - offset, &second);
        if (failure < 0) return failure;
        if (first.map.fm_mapped_extents == 0 && second.map.fm_mapped_extents == 0) return 1;
        uint64_t place, other_place;
        uint64_t here = first_extent(&first, offset, &place), there = first_extent(&second, offset, &other_place);
        if (here == 0 || there == 0 || place != other_place) return 0;
        offset += here < there ? here : there;
    }
    return 1;
}

int waggle_watch_writers(int descriptor) {
    // A writer that comes is told by a signal, whose default for a lease ends the process; this one is ignored.
    if (fcntl(descriptor, F_SETSIG, SIGURG) < 0) return -errno;
    return fcntl(descriptor, F_SETLEASE, F_RDLCK) < 0 ? -errno : 0;
}

int waggle_no_writer_came(int descriptor) {
    return fcntl(descriptor, F_GETLEASE) == F_RDLCK;
}

int waggle_open_past_cache(const char *path) {
    int descriptor = open(path, O_WRONLY | O_CLOEXEC | O_DIRECT);
    return descriptor < 0 ? -errno : descriptor;
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
    mallopt(M_TRIM_THRESHOLD, 16 << 20);
    mallopt(M_MMAP_THRESHOLD, 2 << 20);
}

void waggle_tune_sqlite(void) { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); }

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

int waggle_clock_is_kept(void) {
    struct timex time = {0};
    int state = adjtimex(&time);
    return state < 0 ? -errno : state != TIME_ERROR;
}
