/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "api/segment_members.h"

#include <stdlib.h>

#include "api/api.h"
#include "api/customer_read.h"
#include "backend/members.h"

enum { PAGE_STANDARD = 50, PAGE_MAX = 1000 };

static json_t *text_or_null(struct slice text) {
    json_t *json = text.n ? json_stringn(text.p, text.n) : NULL;
    return json ? json : json_null();
}

static int members_json(struct request *request, const uint32_t *owners, size_t n, json_t **rows,
                        struct err *err) {
    struct slice *user_ids = ARENA_ARRAY(request->arena, struct slice, n + 1),
                 *names = ARENA_ARRAY(request->arena, struct slice, n + 1);
    int code = n ? customers_user_ids(app_folder(request->app)->customers, owners, n,
                                      request->arena, user_ids, err)
                 : 0;
    if (!code)
        code = customer_names(request, owners, n, names, err);
    if (code)
        return code;
    *rows = json_array();
    for (size_t i = 0; i < n; i++) {
        char id[CUSTOMER_ID_BYTES];
        customer_id_format(owners[i], id);
        json_array_append_new(*rows,
                              json_pack("{s:s, s:o, s:o}", "id", id, "user_id",
                                        text_or_null(user_ids[i]), "name", text_or_null(names[i])));
    }
    return 0;
}

/* "c_0000000042" -> 42; 0 where there is no cursor. */
static int cursor_of(struct request *request, uint32_t *after, struct err *err) {
    const char *text = request_query(request, "cursor");
    char *end = NULL;
    *after = 0;
    if (!text)
        return 0;
    unsigned long number = strncmp(text, "c_", 2) == 0 ? strtoul(text + 2, &end, 10) : 0;
    if (!number || !end || *end || number > UINT32_MAX)
        return err_at(err, E_INVALID, "/cursor", "is not a cursor that an answer gave");
    *after = (uint32_t)number;
    return 0;
}

int segment_members_answer(struct request *request, struct response *response,
                           const roaring_bitmap_t *set, const char *what, struct err *err) {
    int64_t limit;
    uint32_t after = 0;
    json_t *rows;
    int code = request_query_int(request, "limit", PAGE_STANDARD, 1, PAGE_MAX, &limit, err);
    if (!code)
        code = cursor_of(request, &after, err);
    if (code)
        return code;
    uint32_t *owners = ARENA_ARRAY(request->arena, uint32_t, (size_t)limit + 1);
    size_t n = 0;
    roaring_uint32_iterator_t at;
    roaring_init_iterator(set, &at);
    bool more = roaring_move_uint32_iterator_equalorlarger(&at, after + 1);
    for (; more && n <= (size_t)limit; more = roaring_advance_uint32_iterator(&at))
        owners[n++] = at.current_value;
    bool next = n > (size_t)limit;
    n -= next;
    code = members_json(request, owners, n, &rows, err);
    if (code)
        return code;
    char id[CUSTOMER_ID_BYTES] = "";
    if (next)
        customer_id_format(owners[n - 1], id);
    json_t *out =
        json_pack("{s:o, s:o, s:I}", "data", rows, "next", next ? json_string(id) : json_null(),
                  "count", (json_int_t)roaring_bitmap_get_cardinality(set));
    audit_note(request, "query.people", what, "segment");
    response_json(response, 200, out);
    json_decref(out);
    return HANDLED;
}

int segment_may_know(struct request *request, uint32_t owner, struct err *err) {
    struct snapshot *snapshot;
    roaring_bitmap_t *seen = NULL;
    int code = timeline_snapshot(app_folder(request->app)->timeline, &snapshot, err);
    if (code)
        return code;
    code = members_seen(snapshot, &request->principal, &seen, err);
    snapshot_release(snapshot);
    if (!code && seen && !roaring_bitmap_contains(seen, owner))
        code = err_set(err, E_NOT_FOUND, "no such customer");
    if (seen)
        roaring_bitmap_free(seen);
    return code;
}
