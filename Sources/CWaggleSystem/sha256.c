// SHA-256 of several independent streams at once.
//
// One stream leaves most of the processor idle: each round waits for the one before it. Rounds of two or four streams
// interleaved fill the gaps. The SHA instructions are looked for at run time; without them each stream goes through
// OpenSSL, which has the best code for any other processor. Its low-level interface is used because EVP cannot give
// out the state between blocks.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "CWaggleSystem.h"

#include <openssl/sha.h>
#include <string.h>

static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

void waggle_sha256_start(uint32_t state[8]) {
    memcpy(state, initial, sizeof initial);
}

static void portable_blocks(uint32_t state[8], const uint8_t *data, size_t blocks) {
    SHA256_CTX context;
    SHA256_Init(&context);
    memcpy(context.h, state, sizeof initial);
    SHA256_Update(&context, data, blocks * 64);
    memcpy(state, context.h, sizeof initial);
}

/// The block that ends a message of `length` bytes, a multiple of 64: a one bit, zeros, the length in bits.
static void make_padding(uint8_t block[64], size_t length) {
    memset(block, 0, 64);
    block[0] = 0x80;
    uint64_t bits = (uint64_t)length << 3;
    for (int at = 0; at < 8; at++) block[63 - at] = (uint8_t)(bits >> (8 * at));
}

static void write_digest(uint8_t *digest, const uint32_t state[8]) {
    for (int word = 0; word < 8; word++) {
        uint32_t big = __builtin_bswap32(state[word]);
        memcpy(digest + 4 * word, &big, 4);
    }
}

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#define SHA_CODE __attribute__((target("sha,sse4.1,ssse3")))
#define EACH_LANE _Pragma("clang loop unroll(full)") for (int lane = 0; lane < lanes; lane++)

_Alignas(16) static const uint32_t rounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/// A stream's state as the instructions want it: the words A B E F and C D G H, the highest first.
typedef struct {
    __m128i abef, cdgh;
} lane_state;

SHA_CODE static inline lane_state load_lane(const uint32_t state[8]) {
    __m128i abcd = _mm_loadu_si128((const __m128i *)state);
    __m128i efgh = _mm_loadu_si128((const __m128i *)(state + 4));
    __m128i badc = _mm_shuffle_epi32(abcd, 0xB1);
    __m128i hgfe = _mm_shuffle_epi32(efgh, 0x1B);
    return (lane_state){_mm_alignr_epi8(badc, hgfe, 8), _mm_blend_epi16(hgfe, badc, 0xF0)};
}

SHA_CODE static inline void store_lane(uint32_t state[8], lane_state lane) {
    __m128i feba = _mm_shuffle_epi32(lane.abef, 0x1B);
    __m128i dchg = _mm_shuffle_epi32(lane.cdgh, 0xB1);
    _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xF0));
    _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

/// Absorbs `blocks` blocks into each of `lanes` (1, 2 or 4) streams. Inlined with a constant, so the lane loops vanish.
SHA_CODE static inline __attribute__((always_inline)) void absorb(
    const int lanes, uint32_t *const *states, const uint8_t *const *starts, size_t blocks) {
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    lane_state now[4];
    const uint8_t *data[4];
    EACH_LANE {
        now[lane] = load_lane(states[lane]);
        data[lane] = starts[lane];
    }
    for (; blocks > 0; blocks--) {
        lane_state before[4];
        __m128i words[4][4];
        EACH_LANE before[lane] = now[lane];
        _Pragma("clang loop unroll(full)") for (int four = 0; four < 16; four++) {
            const __m128i constants = _mm_load_si128((const __m128i *)(rounds + 4 * four));
            EACH_LANE {
                __m128i current;
                if (four < 4) {
                    current = _mm_shuffle_epi8(
                        _mm_loadu_si128((const __m128i *)(data[lane] + 16 * four)), swap);
                } else {
                    // words[four & 3] holds the four oldest words of the schedule, sixteen back.
                    __m128i last = words[lane][(four + 3) & 3];
                    current = _mm_sha256msg1_epu32(words[lane][four & 3], words[lane][(four + 1) & 3]);
                    current = _mm_add_epi32(current, _mm_alignr_epi8(last, words[lane][(four + 2) & 3], 4));
                    current = _mm_sha256msg2_epu32(current, last);
                }
                words[lane][four & 3] = current;
                __m128i keyed = _mm_add_epi32(current, constants);
                now[lane].cdgh = _mm_sha256rnds2_epu32(now[lane].cdgh, now[lane].abef, keyed);
                now[lane].abef = _mm_sha256rnds2_epu32(now[lane].abef, now[lane].cdgh, _mm_shuffle_epi32(keyed, 0x0E));
            }
        }
        EACH_LANE {
            now[lane].abef = _mm_add_epi32(now[lane].abef, before[lane].abef);
            now[lane].cdgh = _mm_add_epi32(now[lane].cdgh, before[lane].cdgh);
            data[lane] += 64;
        }
    }
    EACH_LANE store_lane(states[lane], now[lane]);
}

SHA_CODE static void absorb1(uint32_t *const *states, const uint8_t *const *data, size_t blocks) {
    absorb(1, states, data, blocks);
}

SHA_CODE static void absorb2(uint32_t *const *states, const uint8_t *const *data, size_t blocks) {
    absorb(2, states, data, blocks);
}

SHA_CODE static void absorb4(uint32_t *const *states, const uint8_t *const *data, size_t blocks) {
    absorb(4, states, data, blocks);
}

static int has_sha;

__attribute__((constructor)) static void look_for_sha(void) {
    unsigned a, b, c, d;
    int sse = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_1) && (c & bit_SSSE3);
    has_sha = sse && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
}

int waggle_sha256_accelerated(void) {
    return has_sha && waggle_instructions_allowed();
}

#else

int waggle_sha256_accelerated(void) {
    return 0;
}

static void absorb1(uint32_t *const *states, const uint8_t *const *data, size_t blocks) {
    portable_blocks(states[0], data[0], blocks);
}

static void absorb2(uint32_t *const *states, const uint8_t *const *data, size_t blocks) {
    for (int lane = 0; lane < 2; lane++) portable_blocks(states[lane], data[lane], blocks);
}

static void absorb4(uint32_t *const *states, const uint8_t *const *data, size_t blocks) {
    for (int lane = 0; lane < 4; lane++) portable_blocks(states[lane], data[lane], blocks);
}

#endif

void waggle_sha256_blocks(uint32_t state[8], const uint8_t *data, size_t blocks) {
    if (!waggle_sha256_accelerated()) {
        portable_blocks(state, data, blocks);
        return;
    }
    absorb1(&state, &data, blocks);
}

void waggle_sha256_message(const uint8_t *data, size_t length, uint8_t *digest) {
    uint32_t state[8];
    waggle_sha256_start(state);
    size_t whole = length / 64, rest = length % 64;
    if (whole > 0) waggle_sha256_blocks(state, data, whole);
    // The rest, a one bit, zeros and the length in bits: in one block, or in two when the length does not fit behind the rest.
    uint8_t end[128] = {0};
    if (rest > 0) memcpy(end, data + whole * 64, rest);
    end[rest] = 0x80;
    size_t blocks = rest < 56 ? 1 : 2;
    uint64_t bits = (uint64_t)length << 3;
    for (int at = 0; at < 8; at++) end[blocks * 64 - 1 - at] = (uint8_t)(bits >> (8 * at));
    waggle_sha256_blocks(state, end, blocks);
    write_digest(digest, state);
}

/// Digests of 1, 2 or 4 messages of one length, side by side.
static void digest_lanes(const int lanes, const uint8_t *data, size_t length, const uint8_t *padding,
                         uint8_t *digests) {
    uint32_t states[4][8];
    uint32_t *each[4];
    const uint8_t *starts[4];
    const uint8_t *ends[4] = {padding, padding, padding, padding};
    for (int lane = 0; lane < lanes; lane++) {
        waggle_sha256_start(states[lane]);
        each[lane] = states[lane];
        starts[lane] = data + lane * length;
    }
    void (*run)(uint32_t *const *, const uint8_t *const *, size_t) = lanes == 4 ? absorb4 : lanes == 2 ? absorb2 : absorb1;
    run(each, starts, length / 64);
    run(each, ends, 1);
    for (int lane = 0; lane < lanes; lane++) write_digest(digests + 32 * lane, states[lane]);
}

static void portable_messages(const uint8_t *data, size_t length, size_t count, const uint8_t *padding,
                              uint8_t *digests) {
    for (; count > 0; count--, data += length, digests += 32) {
        uint32_t state[8];
        waggle_sha256_start(state);
        portable_blocks(state, data, length / 64);
        portable_blocks(state, padding, 1);
        write_digest(digests, state);
    }
}

void waggle_sha256_messages(const uint8_t *data, size_t length, size_t count, uint8_t *digests) {
    uint8_t padding[64];
    make_padding(padding, length);
    if (!waggle_sha256_accelerated()) {
        portable_messages(data, length, count, padding, digests);
        return;
    }
    while (count > 0) {
        int lanes = count >= 4 ? 4 : count >= 2 ? 2 : 1;
        digest_lanes(lanes, data, length, padding, digests);
        data += lanes * length;
        digests += lanes * 32;
        count -= lanes;
    }
}

void waggle_sha256_stream_and_messages(uint32_t state[8], const uint8_t *data, size_t length, size_t count,
                                       uint8_t *digests) {
    uint8_t padding[64];
    make_padding(padding, length);
    if (!waggle_sha256_accelerated()) {
        portable_blocks(state, data, count * length / 64);
        portable_messages(data, length, count, padding, digests);
        return;
    }
    for (; count > 0; count--, data += length, digests += 32) {
        uint32_t message[8];
        waggle_sha256_start(message);
        absorb2((uint32_t *[]){state, message}, (const uint8_t *[]){data, data}, length / 64);
        absorb1((uint32_t *[]){message}, (const uint8_t *[]){padding}, 1);
        write_digest(digests, message);
    }
}

void waggle_sha256_two_streams(uint32_t first[8], const uint8_t *first_data, uint32_t second[8],
                               const uint8_t *second_data, size_t blocks) {
    if (!waggle_sha256_accelerated()) {
        portable_blocks(first, first_data, blocks);
        portable_blocks(second, second_data, blocks);
        return;
    }
    absorb2((uint32_t *[]){first, second}, (const uint8_t *[]){first_data, second_data}, blocks);
}
