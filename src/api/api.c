/*
 * Small helpers of the API's files.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "api/api.h"

#include <stdio.h>
#include <stdlib.h>

#include "backend/backend.h"
#include "base/hash.h"
#include "base/time.h"

void api_say(struct request *request, json_t *json, const char *member) {
    size_t i;
    json_t *row;
    json_array_foreach(json, i, row) api_say(request, row, member);
    const char *english = json_string_value(json_object_get(json, member));
    if (english)
        json_object_set_new(json, member, json_string(request_said(request, english)));
}

json_t *api_instant(int64_t time_ms) {
    char text[TIME_TEXT_BYTES];
    if (!time_ms)
        return json_null();
    time_format(time_ms, text);
    return json_string(text);
}

static void pointer_of(const char *name, char pointer[128]) {
    snprintf(pointer, 128, "/%.100s", name);
}

int api_text(const json_t *body, const char *name, const char *standard, size_t max,
             const char **text, struct err *err) {
    const json_t *member = json_object_get(body, name);
    char pointer[128];
    pointer_of(name, pointer);
    if (!member || json_is_null(member)) {
        *text = standard;
        return standard ? 0 : err_at(err, E_INVALID, pointer, "%s is missing", name);
    }
    *text = json_string_value(member);
    if (!*text)
        return err_at(err, E_INVALID, pointer, "%s must be a text", name);
    if (json_string_length(member) > max)
        return err_at(err, E_INVALID, pointer, "%s is over %zu bytes", name, max);
    for (const char *c = *text; *c; c++)
        if ((unsigned char)*c < 0x20)
            return err_at(err, E_INVALID, pointer, "%s has a control character", name);
    return 0;
}

int api_texts(const json_t *body, const char *name, struct arena *arena, const char ***texts,
              size_t *n, struct err *err) {
    const json_t *member = json_object_get(body, name);
    char pointer[128];
    *texts = NULL;
    *n = 0;
    if (!member || json_is_null(member))
        return 0;
    pointer_of(name, pointer);
    if (!json_is_array(member))
        return err_at(err, E_INVALID, pointer, "%s must be a list of texts", name);
    *texts = ARENA_ARRAY(arena, const char *, json_array_size(member) + 1);
    size_t i;
    json_t *text;
    json_array_foreach(member, i, text) {
        const char *value = json_string_value(text);
        if (!value)
            return err_at(err, E_INVALID, pointer, "%s must be a list of texts", name);
        (*texts)[(*n)++] = arena_text(arena, slice_of(value));
    }
    return 0;
}

json_t *api_text_list(const char *const *texts, size_t n) {
    if (!texts)
        return json_null();
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_string(texts[i]));
    return list;
}

int api_number(const char *text, uint64_t *number, struct err *err) {
    char *end = NULL;
    if (text[0] < '0' || text[0] > '9')
        return err_set(err, E_NOT_FOUND, "nothing is at this address");
    *number = strtoull(text, &end, 10);
    return *end || strlen(text) > 18 ? err_set(err, E_NOT_FOUND, "nothing is at this address") : 0;
}

const char *api_etag(struct request *request, const json_t *current) {
    struct buf text;
    buf_init(&text, 1 << 24);
    json_print(current, &text);
    const char *etag = arena_format(request->arena, "\"%016llx\"",
                                    (unsigned long long)hash_bytes(buf_slice(&text).p, text.n));
    buf_release(&text);
    return etag;
}

int api_if_match(struct request *request, const json_t *current, struct err *err) {
    const char *wanted = request_header(request, "If-Match");
    if (!wanted || strcmp(wanted, "*") == 0 || strstr(wanted, api_etag(request, current)))
        return 0;
    return err_set(err, E_PRECONDITION, "somebody changed it meanwhile");
}

int api_unchanged(struct request *request,
                  int (*find)(struct folder *folder, uint64_t id, json_t **current,
                              struct err *err),
                  uint64_t *id, struct err *err) {
    json_t *now = NULL;
    int code = api_number(request->params[0], id, err);
    if (!code)
        code = find(app_folder(request->app), *id, &now, err);
    if (!code)
        code = api_if_match(request, now, err);
    json_decref(now);
    return code;
}

int api_known(json_t *body, const char *const *names, struct err *err) {
    const char *name;
    json_t *value;
    json_object_foreach(body, name, value) {
        size_t i = 0;
        while (names[i] && strcmp(names[i], name) != 0)
            i++;
        char pointer[80];
        snprintf(pointer, sizeof pointer, "/%.64s", name);
        if (!names[i])
            return err_at(err, E_INVALID, pointer, "unknown member \"%.64s\"", name);
    }
    return 0;
}

int api_ask(struct request *request, json_t *query, json_t **data, struct err *err) {
    json_t *answer = NULL;
    int code = query_run(app_folder(request->app), BACKEND_LOCAL, query, &request->principal, NULL,
                         &answer, err);
    json_decref(query);
    *data = code ? NULL : json_incref(json_object_get(answer, "data"));
    json_decref(answer);
    return code;
}

int api_check_rule(struct request *request, const json_t *rule, const char *pointer,
                   struct err *err) {
    struct principal anywhere = request->principal; /* its units are no matter here */
    struct err refusal = {0};
    anywhere.units = NULL;
    anywhere.n_units = 0;
    json_t *query = json_pack("{s:s, s:O?}", "kind", "customers", "of", rule);
    int code = query_check(app_folder(request->app), query, &anywhere, &refusal);
    json_decref(query);
    if (code != E_FORBIDDEN)
        return 0;
    bool below = strncmp(refusal.pointer, "/of", 3) == 0;
    return err_repeat(
        err, code, arena_format(request->arena, "%s%s", pointer, refusal.pointer + (below ? 3 : 0)),
        &refusal);
}
