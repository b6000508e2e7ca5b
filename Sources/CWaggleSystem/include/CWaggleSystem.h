#ifndef CWAGGLE_SYSTEM_H
#define CWAGGLE_SYSTEM_H

#include <stddef.h>
#include <stdint.h>
// For statfs(2), which the Glibc module leaves out.
#include <sys/statfs.h>

// What Swift cannot reach by itself: system calls that glibc declares for _GNU_SOURCE only, and kernels that need the
// processor's SHA-256 and carry-less multiply instructions. Calls return 0 or a count, and -errno when they fail.

// MARK: Files

/// Copies up to `length` bytes inside the kernel from one file to another, both at the given offsets.
/// Returns the bytes copied (0 at the end of the source) or -errno.
int64_t waggle_copy_file_range(int from, int64_t from_offset, int to, int64_t to_offset, size_t length);

/// Allocates blocks for a range of a file and extends it, so that a later write cannot find the disk full.
int waggle_fallocate(int descriptor, int64_t offset, int64_t length);

/// Makes `to` share the blocks of `from` (FICLONE): a copy that costs no space until one of the two is changed.
int waggle_clone(int to, int from);

/// Renames a file to a name that must be free: -EEXIST when it is not, and nothing is changed then.
int waggle_rename_new(const char *from, const char *to);

/// Exchanges two names in one step (RENAME_EXCHANGE): each then leads to what the other did. -EINVAL where the file
/// system cannot.
int waggle_exchange(const char *one, const char *other);

/// Makes up to `length` bytes of `to` share the blocks of `from` (FIDEDUPERANGE), both at `offset`. The system compares
/// the bytes first and holds writers off meanwhile; names, times and permissions stay. Returns the bytes that are shared
/// now, 0 when some differ, and -EOPNOTSUPP, -EINVAL or -EXDEV where the file system cannot.
int64_t waggle_share_blocks(int from, int to, int64_t offset, int64_t length);

/// Whether all blocks of a file are shared with `other`, which is as long: 1, 0, or -errno where the file system does not
/// say (FIEMAP).
int waggle_blocks_are_shared(int one, int other, int64_t length);

/// Asks to be told of writers (F_SETLEASE): 0 when nobody has the file open for writing, -EAGAIN when somebody has, other
/// errors where nobody can say. Until the descriptor is closed, who opens the file for writing waits some seconds.
int waggle_watch_writers(int descriptor);

/// Whether nobody wanted to write since `waggle_watch_writers` returned 0: 1 or 0.
int waggle_no_writer_came(int descriptor);

/// Opens a file for writing past the system's cache (O_DIRECT); -errno where that cannot be.
int waggle_open_past_cache(const char *path);

/// Starts writing a range to the disk without waiting for it, so that the fdatasync at the end finds little to do.
int waggle_start_writeback(int descriptor, int64_t offset, int64_t length);

/// Where the next byte that was ever written lies at or after `offset`, or -errno (-ENXIO when none does).
int64_t waggle_next_data(int descriptor, int64_t offset);

/// The calling thread's I/O class and level (ioprio_get), or -errno.
int waggle_io_priority(void);

/// The I/O class of those who wait behind everybody else.
int waggle_io_priority_idle(void);

/// Sets the calling thread's I/O class and level (ioprio_set).
int waggle_set_io_priority(int priority);

// MARK: Memory

/// Makes the allocator use buffers of up to 2 MiB again, since new pages for each would cost as much as filling them, and
/// return to the system what is free at the end beyond 16 MiB. Call it once, first thing in `main`.
void waggle_tune_malloc(void);

/// Has SQLite not count the bytes that it allocates: it does so for all connections under one lock, and nobody asks for
/// the sum. Call it once, before the first database is opened; later it does nothing.
void waggle_tune_sqlite(void);

// MARK: Scheduling

/// Puts the calling thread behind everything else: the idle class of disk time, and the lowest share of the processor.
/// It cannot be taken back, so the thread should belong to the caller.
int waggle_become_idle(void);

// MARK: Instructions

/// With 0, the kernels below take the way that any processor can go, whatever this one has; with 1 they look again. It
/// is there so that one machine can test and measure both ways.
void waggle_allow_instructions(int allowed);

/// What was last asked for; 1 at first.
int waggle_instructions_allowed(void);

// MARK: SHA-256

/// Whether this processor has the SHA instructions, so that streams are hashed interleaved.
int waggle_sha256_accelerated(void);

/// The initial state (FIPS 180-4, section 5.3.3): eight words in host order.
void waggle_sha256_start(uint32_t state[8]);

/// Absorbs whole 64-byte blocks. The state after any number of blocks is a midstate that can be kept and gone on with.
void waggle_sha256_blocks(uint32_t state[8], const uint8_t *data, size_t blocks);

/// The digest of one message of any length; writes 32 bytes.
void waggle_sha256_message(const uint8_t *data, size_t length, uint8_t *digest);

/// Digests of `count` messages of `length` bytes each that follow one another in `data`; `length` is a multiple of 64.
/// Four messages are hashed at once where the processor can. Writes 32 bytes a message to `digests`.
void waggle_sha256_messages(const uint8_t *data, size_t length, size_t count, uint8_t *digests);

/// One pass for both: absorbs all `count * length` bytes into the stream's `state`, and writes the digest of each
/// message as `waggle_sha256_messages` does, the two hashed interleaved.
void waggle_sha256_stream_and_messages(uint32_t state[8], const uint8_t *data, size_t length, size_t count,
                                       uint8_t *digests);

/// Absorbs whole blocks into two streams, interleaved, each from a place of its own: a part of a file and the whole of it,
/// whose blocks begin at different bytes.
void waggle_sha256_two_streams(uint32_t first[8], const uint8_t *first_data, uint32_t second[8],
                               const uint8_t *second_data, size_t blocks);

// MARK: BLAKE3

/// A stream under way: the chaining value of the chunk, its last block, and the nodes of the tree that wait for a right
/// neighbour. Plain data, so that a copy goes on by itself.
typedef struct {
    uint32_t value[8];
    uint64_t chunks;
    uint32_t blocks, pending, depth;
    uint8_t block[64];
    /// 2^64 bytes make a tree of 54 levels.
    uint8_t stack[54][32];
} waggle_blake3;

/// An empty stream.
void waggle_blake3_start(waggle_blake3 *stream);

/// Absorbs the bytes. Portions of more than 64 KiB that start at a multiple of 64 KiB of the stream go eight lanes wide.
void waggle_blake3_update(waggle_blake3 *stream, const uint8_t *data, size_t length);

/// The 32-byte hash of all bytes so far; the stream can go on afterwards.
void waggle_blake3_digest(const waggle_blake3 *stream, uint8_t digest[32]);

// MARK: CRC-32

/// CRC-32 (IEEE 802.3, reflected, as in ZIP and PNG) of more bytes; start with 0.
uint32_t waggle_crc32(uint32_t crc, const uint8_t *data, size_t length);

/// Whether something keeps the machine's clock right, as far as the kernel was told (adjtimex(2)): 1, 0, or -errno.
int waggle_clock_is_kept(void);

#endif
