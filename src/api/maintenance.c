/*
 * Operation over the API: backups, the check of everything, rebuilding the index. They take their time; the answer
 * comes when they are done.
 *
 * A backup is written where the asker says, so only a command of this machine may ask (the local socket).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <sys/stat.h>

#include "api/api.h"
#include "base/clock.h"
#include "folder/backup.h"
#include "folder/verify.h"
#include "number/number.h"

enum { FINDINGS_MAX_BYTES = 4 * 1024 * 1024 };

static double seconds_since(int64_t began_us) {
    return (double)(clock_monotonic_us() - began_us) / 1e6;
}

static int answer(struct response *response, json_t *json, struct err *err) {
    if (!json)
        return err_set(err, E_INTERNAL, "cannot write the answer");
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

static int backup(struct request *request, struct response *response, struct err *err) {
    const struct principal *principal = &request->principal;
    const char *to = NULL;
    struct stat status;
    json_t *body;
    int64_t began_us = clock_monotonic_us();
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = api_text(body, "to", NULL, 4000, &to, err);
    if (!code && (principal->user || principal->key))
        code = err_set(err, E_FORBIDDEN, "only a command on the server's machine can do this");
    if (!code && to[0] != '/')
        code = err_at(err, E_INVALID, "/to", "the file must be given with its whole path");
    if (!code)
        code = folder_backup(app_folder(request->app), to, NULL, NULL, err);
    if (!code) {
        audit_act(request, "backup", "", "");
        double bytes = stat(to, &status) == 0 ? (double)status.st_size : 0;
        code = answer(response,
                      json_pack("{s:s, s:I, s:b, s:f}", "file", to, "bytes", (json_int_t)bytes,
                                "holds_key", !folder_key_is_outside(), "seconds",
                                seconds_since(began_us)),
                      err);
    }
    json_decref(body);
    return code;
}

/* One finding a line. */
static json_t *findings_json(struct slice findings) {
    json_t *list = json_array();
    while (findings.n) {
        const char *end = memchr(findings.p, '\n', findings.n);
        size_t n = end ? (size_t)(end - findings.p) : findings.n;
        if (n)
            json_array_append_new(list, json_stringn(findings.p, n));
        findings = end ? (struct slice){end + 1, findings.n - n - 1} : (struct slice){"", 0};
    }
    return list;
}

static int verify(struct request *request, struct response *response, struct err *err) {
    struct buf findings;
    json_t *body = NULL;
    bool ok = false;
    int64_t began_us = clock_monotonic_us();
    int code = request->body.n ? request_json(request, &body, err) : 0;
    bool repair = json_is_true(json_object_get(body, "repair"));
    json_decref(body);
    if (code)
        return code;
    buf_init(&findings, FINDINGS_MAX_BYTES);
    code = repair ? folder_verify_mended(app_folder(request->app), &findings, &ok, err)
                  : folder_verify(app_folder(request->app), false, &findings, err);
    if (!code)
        numbers_verify(app_folder(request->app), repair, &findings);
    ok = repair ? ok : findings.n == 0;
    if (!code)
        code = answer(response,
                      json_pack("{s:b, s:o, s:b, s:f}", "ok", ok, "findings",
                                findings_json(buf_slice(&findings)), "repaired",
                                repair && ok && findings.n, "seconds", seconds_since(began_us)),
                      err);
    buf_release(&findings);
    return code;
}

static int rotate_key(struct request *request, struct response *response, struct err *err) {
    static const char *const known[] = {"new_key_file", NULL};
    const struct principal *principal = &request->principal;
    const char *file = "";
    json_t *body = NULL;
    int code = request->body.n ? request_json(request, &body, err) : 0;
    if (!code && body)
        code = api_known(body, known, err);
    if (!code && body)
        code = api_text(body, "new_key_file", "", 4000, &file, err);
    if (!code && (principal->user || principal->key))
        code = err_set(err, E_REFUSED, "only a command on the server's machine can do this");
    if (!code && file[0] && file[0] != '/')
        code =
            err_at(err, E_INVALID, "/new_key_file", "the file must be given with its whole path");
    if (!code)
        code = folder_rotate_key(app_folder(request->app), file[0] ? file : NULL, err);
    json_decref(body);
    if (code)
        return code;
    audit_act(request, "key.rotate_outside", "", "");
    return answer(response,
                  json_pack("{s:b, s:b}", "rotated", 1, "outside", folder_key_is_outside()), err);
}

static int reindex(struct request *request, struct response *response, struct err *err) {
    struct timeline *timeline = app_folder(request->app)->timeline;
    struct timeline_stats stats;
    int64_t began_us = clock_monotonic_us();
    int code = timeline_reindex(timeline, NULL, NULL, err);
    if (code)
        return code;
    timeline_stats(timeline, &stats);
    audit_act(request, "reindex", "", "");
    return answer(response,
                  json_pack("{s:I, s:i, s:f}", "interactions", (json_int_t)stats.rows, "parts",
                            (int)stats.parts, "seconds", seconds_since(began_us)),
                  err);
}

static const struct route routes[] = {
    {METHOD_POST, "/api/v1/backups", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN, .handle = backup,
     .summary = "Writes a backup to the file {\"to\"} (commands on the server's machine only)"},
    {METHOD_POST, "/api/v1/verify", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN, .handle = verify,
     .summary = "Checks everything that is stored; {\"repair\":true} rebuilds a damaged index and "
                "damaged keys"},
    {METHOD_POST, "/api/v1/rotate-key", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN,
     .handle = rotate_key,
     .summary = "Another outside key, a new one or that of {\"new_key_file\"} (commands on the "
                "server's machine only)"},
    {METHOD_POST, "/api/v1/reindex", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN, .handle = reindex,
     .summary = "Rebuilds the index from the log"},
};
const struct route_table api_maintenance_routes = ROUTE_TABLE(routes);
