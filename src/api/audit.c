/*
 * /api/v1/audit: sign-ins and changes, newest first.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>

#include "api/api.h"

static int list(struct request *request, struct response *response, struct err *err) {
    struct audit_entry *entries;
    int64_t limit, before;
    size_t n;
    char cursor[24];
    int code = request_query_int(request, "limit", 100, 1, 1000, &limit, err);
    if (!code)
        code = request_query_int(request, "cursor", 0, 0, INT64_MAX, &before, err);
    if (!code)
        code = audit_list(app_accounts(request->app), (uint64_t)before, (size_t)limit,
                          request->arena, &entries, &n, err);
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

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/audit", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN, .handle = list,
     .summary = "Sign-ins and changes, newest first"},
};
const struct route_table api_audit_routes = ROUTE_TABLE(routes);
