// CRC-32 with the polynomial 0x04C11DB7, reflected: eight tables at a time, or by carry-less multiplication where the
// processor has it (V. Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction", 2009).
#include "CWaggleSystem.h"

#include <string.h>

static uint32_t tables[8][256];

__attribute__((constructor)) static void make_tables(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (0xEDB88320 & -(crc & 1));
        tables[0][byte] = crc;
    }
    for (int table = 1; table < 8; table++) {
        for (int byte = 0; byte < 256; byte++) {
            uint32_t before = tables[table - 1][byte];
            tables[table][byte] = before >> 8 ^ tables[0][before & 255];
        }
    }
}

/// Works on the inverted register.
static uint32_t by_tables(uint32_t crc, const uint8_t *data, size_t length) {
    for (; length >= 8; data += 8, length -= 8) {
        uint32_t low = crc ^ ((uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 |
                              (uint32_t)data[3] << 24);
        crc = tables[7][low & 255] ^ tables[6][low >> 8 & 255] ^ tables[5][low >> 16 & 255] ^ tables[4][low >> 24] ^
              tables[3][data[4]] ^ tables[2][data[5]] ^ tables[1][data[6]] ^ tables[0][data[7]];
    }
    for (; length > 0; data++, length--) crc = crc >> 8 ^ tables[0][(crc ^ *data) & 255];
    return crc;
}

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#define FOLD_CODE __attribute__((target("pclmul,sse4.1")))

static int has_multiply;

__attribute__((constructor)) static void look_for_multiply(void) {
    unsigned a, b, c, d;
    has_multiply = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_PCLMUL) && (c & bit_SSE4_1);
}

/// Moves `value` ahead in the polynomial by the distance that `factors` stand for, and adds `next`.
FOLD_CODE static inline __m128i fold(__m128i value, __m128i factors, __m128i next) {
    __m128i low = _mm_clmulepi64_si128(value, factors, 0x00);
    __m128i high = _mm_clmulepi64_si128(value, factors, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

/// `length` is a multiple of 16 and at least 64. The constants are the paper's for this polynomial: x^n mod P for
/// folding by 64 and by 16 bytes, then 64 bits to 32, then Barrett's quotient and P itself.
FOLD_CODE static uint32_t by_multiplication(uint32_t crc, const uint8_t *data, size_t length) {
    const __m128i by64 = _mm_set_epi64x(0x1c6e41596, 0x154442bd4);
    const __m128i by16 = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);
    const __m128i to32 = _mm_set_epi64x(0, 0x163cd6124);
    const __m128i barrett = _mm_set_epi64x(0x1f7011641, 0x1db710641);
    const __m128i low32 = _mm_setr_epi32(-1, 0, -1, 0);
    const __m128i *next = (const __m128i *)data;

    __m128i a = _mm_xor_si128(_mm_loadu_si128(next), _mm_cvtsi32_si128((int)crc));
    __m128i b = _mm_loadu_si128(next + 1), c = _mm_loadu_si128(next + 2), d = _mm_loadu_si128(next + 3);
    next += 4;
    length -= 64;
    for (; length >= 64; next += 4, length -= 64) {
        a = fold(a, by64, _mm_loadu_si128(next));
        b = fold(b, by64, _mm_loadu_si128(next + 1));
        c = fold(c, by64, _mm_loadu_si128(next + 2));
        d = fold(d, by64, _mm_loadu_si128(next + 3));
    }
    a = fold(fold(fold(a, by16, b), by16, c), by16, d);
    for (; length >= 16; next++, length -= 16) a = fold(a, by16, _mm_loadu_si128(next));

    a = _mm_xor_si128(_mm_srli_si128(a, 8), _mm_clmulepi64_si128(a, by16, 0x10));
    a = _mm_xor_si128(_mm_srli_si128(a, 4), _mm_clmulepi64_si128(_mm_and_si128(a, low32), to32, 0x00));
    __m128i quotient = _mm_clmulepi64_si128(_mm_and_si128(a, low32), barrett, 0x10);
    quotient = _mm_clmulepi64_si128(_mm_and_si128(quotient, low32), barrett, 0x00);
    return (uint32_t)_mm_extract_epi32(_mm_xor_si128(a, quotient), 1);
}

#endif

uint32_t waggle_crc32(uint32_t crc, const uint8_t *data, size_t length) {
    crc = ~crc;
#if defined(__x86_64__)
    if (has_multiply && waggle_instructions_allowed() && length >= 64) {
        size_t whole = length & ~(size_t)15;
        crc = by_multiplication(crc, data, whole);
        data += whole;
        length -= whole;
    }
#endif
    return ~by_tables(crc, data, length);
}
