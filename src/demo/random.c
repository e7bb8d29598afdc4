/*
 * Streams of random numbers, one for each purpose, so that more of one thing never changes another.
 *
 * struct stream  splitmix64 (Steele, Lea, Flood 2014): one addition and a mixing of 64 bits a number.
 * struct even    a Kronecker sequence, frac(shift + n·α) with α irrational: n draws fall evenly over [0, 1), so that
 *                a planted rate p comes out as p ± 1/n instead of ± sqrt(p(1−p)/n). Streams with different α
 *                are jointly even (their α are square roots of different primes), so crossing two facts plants no third.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>

#include "demo/internal.h"

#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)

static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

struct stream stream_of(uint64_t seed, uint64_t purpose) {
    return (struct stream){mix(mix(seed + GOLDEN) ^ (purpose * GOLDEN))};
}

uint64_t stream_bits(struct stream *stream) {
    stream->state += GOLDEN;
    return mix(stream->state);
}

double stream_unit(struct stream *stream) { return (double)(stream_bits(stream) >> 11) * 0x1p-53; }

bool stream_chance(struct stream *stream, double share) { return stream_unit(stream) < share; }

uint32_t stream_below(struct stream *stream, uint32_t n) {
    return (uint32_t)(((stream_bits(stream) >> 32) * n) >> 32);
}

int stream_between(struct stream *stream, int low, int high) {
    return low + (int)stream_below(stream, (uint32_t)(high - low + 1));
}

double stream_normal(struct stream *stream) {
    double u = stream_unit(stream), v = stream_unit(stream);
    return sqrt(-2.0 * log(1.0 - u)) * cos(6.283185307179586 * v);
}

double stream_lognormal(struct stream *stream, double median, double sigma) {
    return median * exp(sigma * stream_normal(stream));
}

size_t stream_pick(struct stream *stream, const double *weights, size_t n) {
    double total = 0;
    for (size_t i = 0; i < n; i++)
        total += weights[i];
    double u = stream_unit(stream) * total;
    for (size_t i = 0; i + 1 < n; i++) {
        if (u < weights[i])
            return i;
        u -= weights[i];
    }
    return n - 1;
}

uint32_t whole(struct stream *stream, double expected) {
    double floor_of = floor(expected);
    return (uint32_t)floor_of + (stream_chance(stream, expected - floor_of) ? 1 : 0);
}

/* √p of the n-th prime, its fraction as 64 bits. */
static uint64_t irrational(unsigned n) {
    static const uint16_t primes[] = {2,   3,   5,   7,   11,  13,  17,  19,  23,  29,  31,
                                      37,  41,  43,  47,  53,  59,  61,  67,  71,  73,  79,
                                      83,  89,  97,  101, 103, 107, 109, 113, 127, 131, 137,
                                      139, 149, 151, 157, 163, 167, 173, 179, 181, 191, 193,
                                      197, 199, 211, 223, 227, 229, 233, 239, 241, 251, 257};
    double root = sqrt((double)primes[n % (sizeof primes / sizeof *primes)]);
    return (uint64_t)((root - floor(root)) * 0x1p53) << 11;
}

struct even even_of(uint64_t seed, unsigned purpose) {
    struct stream stream = stream_of(seed, 0x65766e00u + purpose);
    return (struct even){stream_bits(&stream), irrational(purpose) | 1};
}

double even_unit(struct even *even) {
    even->state += even->step;
    return (double)(even->state >> 11) * 0x1p-53;
}

bool even_chance(struct even *even, double share) { return even_unit(even) < share; }
