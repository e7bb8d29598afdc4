/*
 * The CDNOW sample (B. Hardie): 6,919 purchases of 2,357 customers who first bought in the first quarter of 1997.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_TESTS_BACKEND_CDNOW_H
#define SENDA_TESTS_BACKEND_CDNOW_H

#include "world.h"

/* Imports its purchases ("Purchase" with "dollars") up to and with a day ("19970930"); returns how many. Skips the test where the
 * file is not here. Columns: id in the whole file, id in the sample, date, articles, dollars. */
static inline uint64_t cdnow_import(struct world *world, const char *until) {
    static const char sample[] = SHARED_DIR "/data/cdnow/CDNOW_sample.txt";
    char line[256], all[16], id[16], date[16], articles[16], dollars[16], path[256];
    struct buf csv;
    FILE *file = fopen(sample, "r");
    if (!file) {
        print_message("%s is not here\n", sample);
        skip();
    }
    buf_init(&csv, 1 << 20);
    buf_add_text(&csv, "id,date,dollars\n");
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "%15s %15s %15s %15s %15s", all, id, date, articles, dollars) == 5 &&
            strcmp(date, until) <= 0)
            buf_add_format(&csv, "%s,%.4s-%.2s-%.2s,%s\n", id, date, date + 4, date + 6, dollars);
    fclose(file);
    snprintf(path, sizeof path, "%s/cdnow.csv", world->dir);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(csv.p, 1, csv.n, out), csv.n);
    fclose(out);
    buf_release(&csv);
    return world_import(world, path,
                        "{\"customer\":\"id\",\"time\":\"date\",\"event\":{\"const\":\"Purchase\"},"
                        "\"properties\":[\"dollars\"]}");
}

#endif
