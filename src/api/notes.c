/*
 * /api/v1/customers/{id}/notes: what colleagues wrote down about a customer. Who may see the customer may read and add; only who wrote
 * a note changes or deletes it, an administrator deletes any.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "api/notes.h"

#include <stdio.h>

#include "api/customer_read.h"
#include "collect/mask.h"

enum { NOTES_STANDARD = 50, NOTES_MAX = 500 };

static const char *asker(const struct request *request) {
    return request->principal.name ? request->principal.name : "";
}

static bool is_own(const struct request *request, const struct note *note) {
    return strcmp(asker(request), note->author) == 0;
}

json_t *note_json(const struct request *request, const struct note *note) {
    bool own = is_own(request, note);
    return json_pack("{s:I, s:s, s:s, s:o, s:o, s:b, s:b}", "number", (json_int_t)note->number,
                     "text", note->text, "author", note->author, "created_at",
                     api_instant(note->created_ms), "changed_at", api_instant(note->changed_ms),
                     "can_change", own, "can_delete",
                     own || (request->principal.scopes & SCOPE_ADMIN));
}

/* The customer, if the asker may see anything of it. */
static int find_seen(struct request *request, uint32_t *owner, struct err *err) {
    struct reader *reader;
    struct customer_summary summary;
    int code = customers_find(app_folder(request->app)->customers, slice_of(request->params[0]),
                              owner, err);
    if (code || !request->principal.units)
        return code;
    code = reader_open(&reader, request, request->arena, err);
    if (code)
        return code;
    code = reader_summaries(reader, owner, 1, &summary, err);
    reader_close(reader);
    return code || summary.interactions ? code : err_set(err, E_NOT_FOUND, "no such customer");
}

static void note_act(struct request *request, uint32_t owner, const char *what, uint64_t number) {
    char id[CUSTOMER_ID_BYTES];
    customer_id_format(owner, id);
    audit_act(request, what, id, arena_format(request->arena, "%llu", (unsigned long long)number));
}

static int list(struct request *request, struct response *response, struct err *err) {
    struct note *notes;
    int64_t limit, before;
    uint32_t owner;
    char next[24];
    int code = request_query_int(request, "limit", NOTES_STANDARD, 1, NOTES_MAX, &limit, err);
    if (!code)
        code = request_query_int(request, "cursor", 0, 0, INT64_MAX, &before, err);
    if (!code)
        code = find_seen(request, &owner, err);
    size_t n = code ? 0 : (size_t)limit;
    if (!code)
        code = notes_list(app_folder(request->app)->customers, owner, (uint64_t)before,
                          request->arena, &notes, &n, err);
    if (code)
        return code;
    json_t *rows = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(rows, note_json(request, &notes[i]));
    if (n)
        snprintf(next, sizeof next, "%llu", (unsigned long long)notes[n - 1].number);
    response_list(response, rows, n && n == (size_t)limit ? next : NULL);
    return HANDLED;
}

static int read_text(struct request *request, json_t **body, const char **text, struct err *err) {
    static const char *const known[] = {"text", NULL};
    int code = request_json(request, body, err);
    if (code)
        return code;
    code = api_known(*body, known, err);
    if (!code)
        code = api_text(*body, "text", NULL, NOTE_MAX_BYTES, text, err);
    if (!code && !(*text)[strspn(*text, " \t\r\n")])
        code = err_at(err, E_INVALID, "/text", "a note needs a text");
    if (code)
        return code;
    *text = mask_text(*text, request->arena);
    return 0;
}

static int answer_note(struct request *request, struct response *response, int status,
                       uint32_t owner, uint64_t number, struct err *err) {
    struct note note;
    int code =
        notes_find(app_folder(request->app)->customers, owner, number, request->arena, &note, err);
    if (code)
        return code;
    json_t *json = note_json(request, &note);
    response_json(response, status, json);
    json_decref(json);
    return HANDLED;
}

static int add(struct request *request, struct response *response, struct err *err) {
    const char *text;
    uint32_t owner;
    uint64_t number;
    json_t *body = NULL;
    int code = find_seen(request, &owner, err);
    if (!code)
        code = read_text(request, &body, &text, err);
    if (!code)
        code = notes_add(app_folder(request->app)->customers, owner, asker(request), text, &number,
                         err);
    json_decref(body);
    if (code)
        return code;
    note_act(request, owner, "customer.note", number);
    return answer_note(request, response, 201, owner, number, err);
}

/* The note of the address, and its customer. */
static int find_note(struct request *request, uint32_t *owner, struct note *note, struct err *err) {
    uint64_t number = 0;
    int code = find_seen(request, owner, err);
    if (!code)
        code = api_number(request->params[1], &number, err);
    return code ? code
                : notes_find(app_folder(request->app)->customers, *owner, number, request->arena,
                             note, err);
}

static int change(struct request *request, struct response *response, struct err *err) {
    const char *text;
    uint32_t owner;
    struct note note;
    json_t *body = NULL;
    int code = find_note(request, &owner, &note, err);
    if (!code && !is_own(request, &note))
        code = err_set(err, E_FORBIDDEN, "only who wrote a note changes it");
    if (!code)
        code = read_text(request, &body, &text, err);
    if (!code)
        code = notes_change(app_folder(request->app)->customers, note.number, text, err);
    json_decref(body);
    if (code)
        return code;
    note_act(request, owner, "customer.note_change", note.number);
    return answer_note(request, response, 200, owner, note.number, err);
}

static int take_away(struct request *request, struct response *response, struct err *err) {
    uint32_t owner;
    struct note note;
    int code = find_note(request, &owner, &note, err);
    if (!code && !is_own(request, &note) && !(request->principal.scopes & SCOPE_ADMIN))
        code = err_set(err, E_FORBIDDEN, "only who wrote a note deletes it");
    if (!code)
        code = notes_remove(app_folder(request->app)->customers, note.number, err);
    if (code)
        return code;
    note_act(request, owner, "customer.note_delete", note.number);
    response->status = 204;
    return HANDLED;
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/customers/{id}/notes", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT,
     .handle = list, .summary = "Notes on a customer, newest first"},
    {METHOD_POST, "/api/v1/customers/{id}/notes", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT,
     .handle = add, .summary = "Writes a note: {\"text\"}"},
    {METHOD_PATCH, "/api/v1/customers/{id}/notes/{number}", ACCESS_API, SCOPE_QUERY,
     .role = ROLE_AGENT, .handle = change, .summary = "Changes one's own note"},
    {METHOD_DELETE, "/api/v1/customers/{id}/notes/{number}", ACCESS_API, SCOPE_QUERY,
     .role = ROLE_AGENT, .handle = take_away, .summary = "Deletes one's own note"},
};
const struct route_table api_note_routes = ROUTE_TABLE(routes);
