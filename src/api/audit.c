/*
 * /api/v1/audit: who came in, saw whom and changed what.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>

#include "api/api.h"
#include "base/time.h"

static int read_instant(struct request *request, const char *name, int64_t *time_ms,
                        struct err *err) {
    const char *text = request_query(request, name);
    if (!text || !text[0])
        return 0;
    return time_parse(slice_of(text), app_folder(request->app)->zone, time_ms)
               ? err_at(err, E_INVALID, arena_format(request->arena, "/%s", name),
                        "%s is not an instant", name)
               : 0;
}

static int list(struct request *request, struct response *response, struct err *err) {
    struct audit_filter filter = {.who = request_query(request, "who"),
                                  .what = request_query(request, "what"),
                                  .about = request_query(request, "about")};
    struct audit_entry *entries;
    int64_t limit, before = 0;
    size_t n;
    char cursor[24];
    int code = request_query_int(request, "limit", 100, 1, 1000, &limit, err);
    if (!code)
        code = request_query_int(request, "cursor", 0, 0, INT64_MAX, &before, err);
    if (!code)
        code = read_instant(request, "from", &filter.from_ms, err);
    if (!code)
        code = read_instant(request, "to", &filter.to_ms, err);
    filter.before = (uint64_t)before;
    if (!code)
        code = audit_list(app_accounts(request->app), &filter, (size_t)limit, request->arena,
                          &entries, &n, err);
    if (code)
        return code;
    json_t *rows = json_array();
    for (size_t i = 0; i < n; i++) {
        const struct audit_entry *entry = &entries[i];
        json_array_append_new(rows, json_pack("{s:o, s:s, s:s, s:s, s:s, s:s}", "time",
                                              api_instant(entry->time_ms), "who", entry->who,
                                              "address", entry->address, "what", entry->what,
                                              "about", entry->about, "detail", entry->detail));
    }
    if (n)
        snprintf(cursor, sizeof cursor, "%llu", (unsigned long long)entries[n - 1].id);
    response_list(response, rows, n == (size_t)limit ? cursor : NULL);
    return HANDLED;
}

static int check(struct request *request, struct response *response, struct err *err) {
    uint64_t entries, broken;
    int code = audit_check(app_accounts(request->app), &entries, &broken, err);
    if (code)
        return code;
    json_t *json = json_pack(
        "{s:I, s:b, s:o}", "entries", (json_int_t)entries, "intact", !broken, "first_broken",
        broken ? json_sprintf("%llu", (unsigned long long)broken) : json_null());
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/audit", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN, .handle = list,
     .summary = "Who came in, saw whom and changed what, newest first: ?who= &what= &about= &from= "
                "&to="},
    {METHOD_GET, "/api/v1/audit/check", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN,
     .handle = check, .summary = "Is the chain of the audit whole?"},
};
const struct route_table api_audit_routes = ROUTE_TABLE(routes);
