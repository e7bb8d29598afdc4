/*
 * Each night: is what is stored still whole? A disk that forgets is noticed while a backup still exists. Index and keys that
 * are damaged are rebuilt, also where nothing told of it (a file that changed and kept its time).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "folder/verify.h"
#include "jobs/table.h"
#include "number/number.h"

enum { FINDINGS_MAX_BYTES = 64 * 1024 };

static int64_t lines(struct slice text) {
    int64_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    return n;
}

static int run(struct job_run *run, struct err *err) {
    struct buf findings;
    bool sound = false;
    buf_init(&findings, FINDINGS_MAX_BYTES);
    int code = folder_verify_mended(job_folder(run), &findings, &sound, err);
    if (!code)
        numbers_verify(job_folder(run), true, &findings);
    int64_t found = lines(buf_slice(&findings));
    if (!code)
        job_result(run, json_pack("{s:I, s:b}", "faults", (json_int_t)(sound ? 0 : found), "mended",
                                  sound && found));
    if (!code && !sound) {
        code = err_set(err, E_CORRUPT, "%lld faults in what is stored", (long long)found);
        err_hint(err, "Run senda verify, then restore a backup.");
    }
    buf_release(&findings);
    return code;
}

const struct job job_check = {.name = "storage.check",
                              .summary = "checks every checksum of the log, its keys, the index "
                                         "and the estimates, and the records, and "
                                         "rebuilds what can be",
                              .lane = JOB_LONG,
                              .daily_minute = 4 * 60,
                              .run = run};
