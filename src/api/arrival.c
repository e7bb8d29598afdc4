/*
 * Arrivals as JSON: codes become names, profiles become customers with their name or userId.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "api/arrival.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/customer_read.h"

static json_t *name_json(struct slice name) {
    json_t *text = name.n ? json_stringn(name.p, name.n) : NULL;
    return text ? text : json_null();
}

static json_t *arrival_json(struct request *request, const struct arrival *arrival,
                            struct slice who) {
    struct folder *folder = app_folder(request->app);
    char id[CUSTOMER_ID_BYTES], source[8];
    customer_id_format(arrival->customer, id);
    snprintf(source, sizeof source, "%u", arrival->source);
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:s, s:s, s:o, s:b}", "time", api_instant(arrival->time_ms),
        "received", api_instant(arrival->received_ms), "event",
        name_json(dictionary_name(folder->dictionary, DICTIONARY_EVENT, arrival->event)), "channel",
        name_json(dictionary_name(folder->dictionary, DICTIONARY_CHANNEL, arrival->channel)),
        "source", source, "customer", id, "who", who.n ? name_json(who) : json_string(id), "named",
        who.n > 0);
}

static int compare_u32(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Those that the asker may see, in front; returns how many. */
static size_t visible(const struct principal *principal, struct arrival *arrivals, size_t n) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (principal_sees(principal, arrivals[i].unit))
            arrivals[kept++] = arrivals[i];
    return kept;
}

int arrivals_json(struct request *request, int source, size_t limit, uint64_t after, json_t **rows,
                  uint64_t *last, struct err *err) {
    struct folder *folder = app_folder(request->app);
    struct arrival *arrivals = ARENA_ARRAY(request->arena, struct arrival, limit + 1);
    size_t n = ingest_arrivals(folder->ingest, source, arrivals, limit), kept = 0, distinct = 0;
    uint64_t newest = n ? arrivals[0].seq : 0;
    n = visible(&request->principal, arrivals, n);
    uint32_t *owners = ARENA_ARRAY(request->arena, uint32_t, n + 1);
    while (kept < n && arrivals[kept].seq > after)
        owners[kept] = arrivals[kept].customer, kept++;
    if (last && newest > *last)
        *last = newest;
    qsort(owners, kept, sizeof *owners, compare_u32);
    for (size_t i = 0; i < kept; i++)
        if (!distinct || owners[distinct - 1] != owners[i])
            owners[distinct++] = owners[i];
    struct slice *user_ids = ARENA_ARRAY(request->arena, struct slice, distinct + 1),
                 *names = ARENA_ARRAY(request->arena, struct slice, distinct + 1);
    int code = distinct ? customers_user_ids(folder->customers, owners, distinct, request->arena,
                                             user_ids, err)
                        : 0;
    if (!code)
        code = customer_names(request, owners, distinct, names, err);
    if (code)
        return code;
    *rows = json_array();
    for (size_t i = 0; i < kept; i++) {
        uint32_t *found =
            bsearch(&arrivals[i].customer, owners, distinct, sizeof *owners, compare_u32);
        size_t at = (size_t)(found - owners);
        json_array_append_new(
            *rows, arrival_json(request, &arrivals[i], names[at].n ? names[at] : user_ids[at]));
    }
    return 0;
}
