// BLAKE3 in its default hash mode, after the paper (J. O'Connor et al., "BLAKE3: one function, fast everywhere", 2020).
//
// The input is cut into chunks of 1 KiB, which are the leaves of a binary tree whose left subtrees are full. Chunks do
// not depend on each other, so eight are hashed side by side in vectors of eight words; the compiler makes two vectors
// of four of each where the processor has no longer ones. Runs of 64 chunks become one node of the tree at a time, so
// that most of their parents go side by side too.
#include "CWaggleSystem.h"

#include <string.h>

enum { LANES = 8, BLOCK = 64, CHUNK = 1024, RUN = 64 };
enum { CHUNK_START = 1, CHUNK_END = 2, PARENT = 4, ROOT = 8 };

static const uint32_t initial[8] = {0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
                                    0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19};

/// Which word of the message each round takes: the permutation of section 2.2, applied once more each round.
static const uint8_t schedule[7][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8},
    {3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1}, {10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6},
    {12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4}, {9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7},
    {11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13}};

/// The quarter round, on words or on vectors of them.
#define MIX(a, b, c, d, x, y)                     \
    a += b + x, d ^= a, d = d >> 16 | d << 16;    \
    c += d, b ^= c, b = b >> 12 | b << 20;        \
    a += b + y, d ^= a, d = d >> 8 | d << 24;     \
    c += d, b ^= c, b = b >> 7 | b << 25

#define ROUND(v, m, s)                                      \
    MIX(v[0], v[4], v[8], v[12], m[s[0]], m[s[1]]);         \
    MIX(v[1], v[5], v[9], v[13], m[s[2]], m[s[3]]);         \
    MIX(v[2], v[6], v[10], v[14], m[s[4]], m[s[5]]);        \
    MIX(v[3], v[7], v[11], v[15], m[s[6]], m[s[7]]);        \
    MIX(v[0], v[5], v[10], v[15], m[s[8]], m[s[9]]);        \
    MIX(v[1], v[6], v[11], v[12], m[s[10]], m[s[11]]);      \
    MIX(v[2], v[7], v[8], v[13], m[s[12]], m[s[13]]);       \
    MIX(v[3], v[4], v[9], v[14], m[s[14]], m[s[15]])

static uint32_t little(const uint8_t *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

// MARK: One block at a time

/// Replaces the chaining value by that after one block.
static void compress(uint32_t value[8], const uint8_t block[BLOCK], uint64_t counter, uint32_t length, uint32_t flags) {
    uint32_t m[16];
    for (int word = 0; word < 16; word++) m[word] = little(block + 4 * word);
    uint32_t v[16] = {value[0], value[1], value[2], value[3], value[4], value[5], value[6], value[7],
                      initial[0], initial[1], initial[2], initial[3],
                      (uint32_t)counter, (uint32_t)(counter >> 32), length, flags};
    for (int round = 0; round < 7; round++) {
        const uint8_t *s = schedule[round];
        ROUND(v, m, s);
    }
    for (int word = 0; word < 8; word++) value[word] = v[word] ^ v[word + 8];
}

static void write_words(uint8_t *bytes, const uint32_t words[8]) {
    for (int word = 0; word < 8; word++) {
        for (int byte = 0; byte < 4; byte++) bytes[4 * word + byte] = (uint8_t)(words[word] >> (8 * byte));
    }
}

static void compress_parent(uint8_t out[32], const uint8_t children[BLOCK], uint32_t flags) {
    uint32_t value[8];
    memcpy(value, initial, sizeof initial);
    compress(value, children, 0, BLOCK, PARENT | flags);
    write_words(out, value);
}

// MARK: Eight messages side by side

typedef uint32_t lanes __attribute__((vector_size(4 * LANES)));
typedef uint32_t unaligned_lanes __attribute__((vector_size(4 * LANES), aligned(4)));

/// Exchanges rows and columns: word w of lane l becomes lane l of word w.
static inline __attribute__((always_inline)) void transpose(lanes rows[LANES]) {
    lanes a[LANES], b[LANES];
    for (int row = 0; row < LANES; row += 2) {
        a[row] = __builtin_shufflevector(rows[row], rows[row + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        a[row + 1] = __builtin_shufflevector(rows[row], rows[row + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
    for (int half = 0; half < LANES; half += 4) {
        b[half] = __builtin_shufflevector(a[half], a[half + 2], 0, 1, 8, 9, 4, 5, 12, 13);
        b[half + 1] = __builtin_shufflevector(a[half], a[half + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        b[half + 2] = __builtin_shufflevector(a[half + 1], a[half + 3], 0, 1, 8, 9, 4, 5, 12, 13);
        b[half + 3] = __builtin_shufflevector(a[half + 1], a[half + 3], 2, 3, 10, 11, 6, 7, 14, 15);
    }
    for (int row = 0; row < 4; row++) {
        rows[row] = __builtin_shufflevector(b[row], b[row + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        rows[row + 4] = __builtin_shufflevector(b[row], b[row + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}

/// Chaining values of eight messages of `blocks` blocks that start `stride` bytes apart. The counter goes up by `step`
/// from message to message; the flags are those of each block, and of the first and the last besides.
static inline __attribute__((always_inline)) void absorb(
    const uint8_t *data, size_t stride, int blocks, uint64_t counter, int step, uint32_t flags, uint32_t first,
    uint32_t last, uint8_t *out) {
    lanes value[8], low, high;
    for (int word = 0; word < 8; word++) value[word] = (lanes){0} + initial[word];
    for (int lane = 0; lane < LANES; lane++) {
        uint64_t own = counter + (uint64_t)(step * lane);
        low[lane] = (uint32_t)own;
        high[lane] = (uint32_t)(own >> 32);
    }
    for (int block = 0; block < blocks; block++) {
        lanes m[16];
        for (int lane = 0; lane < LANES; lane++) {
            const uint8_t *start = data + (size_t)lane * stride + (size_t)block * BLOCK;
            m[lane] = *(const unaligned_lanes *)start;
            m[lane + 8] = *(const unaligned_lanes *)(start + 32);
        }
        transpose(m);
        transpose(m + 8);
        uint32_t now = flags | (block == 0 ? first : 0) | (block == blocks - 1 ? last : 0);
        lanes v[16] = {value[0], value[1], value[2], value[3], value[4], value[5], value[6], value[7]};
        for (int word = 0; word < 4; word++) v[8 + word] = (lanes){0} + initial[word];
        v[12] = low;
        v[13] = high;
        v[14] = (lanes){0} + (uint32_t)BLOCK;
        v[15] = (lanes){0} + now;
        _Pragma("clang loop unroll(full)") for (int round = 0; round < 7; round++) {
            const uint8_t *s = schedule[round];
            ROUND(v, m, s);
        }
        for (int word = 0; word < 8; word++) value[word] = v[word] ^ v[word + 8];
    }
    transpose(value);
    memcpy(out, value, sizeof value);
}

static inline __attribute__((always_inline)) void absorb_run(const uint8_t *data, uint64_t counter, uint8_t out[32]) {
    uint8_t values[RUN * 32];
    for (int chunk = 0; chunk < RUN; chunk += LANES) {
        absorb(data + (size_t)chunk * CHUNK, CHUNK, CHUNK / BLOCK, counter + (uint64_t)chunk, 1, 0, CHUNK_START,
               CHUNK_END, values + 32 * chunk);
    }
    // Writing where it reads is sound: the values of eight parents go before any child that is still to be read.
    for (int parents = RUN / 2; parents >= LANES; parents /= 2) {
        for (int parent = 0; parent < parents; parent += LANES) {
            absorb(values + 64 * parent, BLOCK, 1, 0, 0, PARENT, 0, 0, values + 32 * parent);
        }
    }
    for (int parents = LANES / 2; parents > 0; parents /= 2) {
        for (int parent = 0; parent < parents; parent++) {
            compress_parent(values + 32 * parent, values + 64 * parent, 0);
        }
    }
    memcpy(out, values, 32);
}

static void run_portable(const uint8_t *data, uint64_t counter, uint8_t out[32]) {
    absorb_run(data, counter, out);
}

#if defined(__x86_64__)

__attribute__((target("avx2"))) static void run_avx2(const uint8_t *data, uint64_t counter, uint8_t out[32]) {
    absorb_run(data, counter, out);
}

/// The same vectors of eight; AVX-512 turns words in one instruction.
__attribute__((target("avx2,avx512f,avx512vl"))) static void run_avx512(
    const uint8_t *data, uint64_t counter, uint8_t out[32]) {
    absorb_run(data, counter, out);
}

static int has_avx2, has_avx512;

__attribute__((constructor)) static void look_for_vectors(void) {
    __builtin_cpu_init();
    has_avx2 = __builtin_cpu_supports("avx2");
    has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl");
}

static void run(const uint8_t *data, uint64_t counter, uint8_t out[32]) {
    if (!waggle_instructions_allowed()) {
        run_portable(data, counter, out);
    } else if (has_avx512) {
        run_avx512(data, counter, out);
    } else if (has_avx2) {
        run_avx2(data, counter, out);
    } else {
        run_portable(data, counter, out);
    }
}

#else

static void run(const uint8_t *data, uint64_t counter, uint8_t out[32]) {
    run_portable(data, counter, out);
}

#endif

// MARK: The stream

void waggle_blake3_start(waggle_blake3 *stream) {
    memset(stream, 0, sizeof *stream);
    memcpy(stream->value, initial, sizeof initial);
}

/// Adds a complete subtree, the one that ends after `count` subtrees of its size: each full pair to its left is joined.
/// More input follows, so none of these is the root.
static void push(waggle_blake3 *stream, const uint8_t value[32], uint64_t count) {
    uint8_t pair[BLOCK];
    memcpy(pair + 32, value, 32);
    for (; (count & 1) == 0; count >>= 1) {
        stream->depth--;
        memcpy(pair, stream->stack[stream->depth], 32);
        compress_parent(pair + 32, pair, 0);
    }
    memcpy(stream->stack[stream->depth++], pair + 32, 32);
}

/// The flag of the first block of a chunk.
static uint32_t start_flag(const waggle_blake3 *stream) {
    return stream->blocks == 0 ? CHUNK_START : 0;
}

/// Bytes of the chunk under way.
static size_t filled(const waggle_blake3 *stream) {
    return (size_t)stream->blocks * BLOCK + stream->pending;
}

/// Ends the chunk under way, which is full and not the last.
static void end_chunk(waggle_blake3 *stream) {
    uint8_t value[32];
    compress(stream->value, stream->block, stream->chunks, BLOCK, start_flag(stream) | CHUNK_END);
    write_words(value, stream->value);
    memcpy(stream->value, initial, sizeof initial);
    stream->blocks = 0;
    stream->pending = 0;
    stream->chunks++;
    push(stream, value, stream->chunks);
}

void waggle_blake3_update(waggle_blake3 *stream, const uint8_t *data, size_t length) {
    while (length > 0) {
        // What is full is ended only now, when it is known not to be the last.
        if (filled(stream) == CHUNK) end_chunk(stream);
        if (filled(stream) == 0 && stream->chunks % RUN == 0 && length > (size_t)RUN * CHUNK) {
            uint8_t value[32];
            run(data, stream->chunks, value);
            stream->chunks += RUN;
            push(stream, value, stream->chunks / RUN);
            data += RUN * CHUNK;
            length -= RUN * CHUNK;
            continue;
        }
        if (stream->pending == BLOCK) {
            compress(stream->value, stream->block, stream->chunks, BLOCK, start_flag(stream));
            stream->blocks++;
            stream->pending = 0;
        }
        size_t taken = BLOCK - stream->pending;
        if (taken > length) taken = length;
        memcpy(stream->block + stream->pending, data, taken);
        stream->pending += (uint32_t)taken;
        data += taken;
        length -= taken;
    }
}

void waggle_blake3_digest(const waggle_blake3 *stream, uint8_t digest[32]) {
    uint32_t value[8];
    uint8_t block[BLOCK] = {0};
    memcpy(value, stream->value, sizeof value);
    memcpy(block, stream->block, stream->pending);
    uint32_t root = stream->depth == 0 ? ROOT : 0;
    compress(value, block, stream->chunks, stream->pending, start_flag(stream) | CHUNK_END | root);
    write_words(digest, value);
    uint8_t pair[BLOCK];
    for (uint32_t depth = stream->depth; depth > 0; depth--) {
        memcpy(pair, stream->stack[depth - 1], 32);
        memcpy(pair + 32, digest, 32);
        compress_parent(digest, pair, depth == 1 ? ROOT : 0);
    }
}
