/*
 * The peer's benchmark events (32-byte records of gen.c, in arrival order) as lines of JSON that Senda imports.
 *
 *     events FILE.arrival.bin > FILE.jsonl
 *
 * Instants are cut to whole seconds, as the bare scan compares them, so that all engines give identical answers.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>

struct record { /* ev_t of the generator's common.h */
    int64_t ts;
    uint32_t customer, session;
    float value;
    uint16_t properties;
    uint8_t type, channel, touchpoint, padding[3];
    uint32_t delay;
};
_Static_assert(sizeof(struct record) == 32, "the generator's record");

static void print(const struct record *r) {
    time_t s = (time_t)(r->ts / 1000);
    struct tm t;
    gmtime_r(&s, &t);
    printf("{\"type\":\"track\",\"event\":\"E%u\",\"userId\":\"u%u\",\"timestamp\":\"%04d-%02d-%"
           "02dT%02d:%02d:%02dZ\",",
           r->type, r->customer, t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min,
           t.tm_sec);
    printf(
        "\"context\":{\"channel\":\"c%u\",\"touchpoint\":\"t%u\"},\"properties\":{\"value\":%.2f",
        r->channel, r->touchpoint, (double)r->value);
    if (r->properties) {
        unsigned c = r->properties;
        printf(",\"sku\":%u,\"qty\":%u,\"ref\":\"r%u\"", 10000 + c * 7, 1 + c % 5, c % 97);
    }
    fputs("}}\n", stdout);
}

int main(int argc, char **argv) {
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (!file) {
        fprintf(stderr, "usage: events FILE.arrival.bin\n");
        return 2;
    }
    static struct record records[4096];
    size_t n;
    while ((n = fread(records, sizeof *records, 4096, file)) > 0)
        for (size_t i = 0; i < n; i++)
            print(records + i);
    fclose(file);
    return 0;
}
