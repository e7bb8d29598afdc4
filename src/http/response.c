/*
 * Answers: JSON, problem documents (RFC 9457), redirects.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>
#include <strings.h>

#include "base/json_out.h"
#include "base/limits.h"
#include "http/internal.h"

enum { BODY_MAX_BYTES = 256 * 1024 * 1024 };

void response_header(struct request *request, struct response *response, const char *name,
                     const char *value) {
    size_t max = sizeof response->headers / sizeof *response->headers;
    if (response->n_headers == max)
        return;
    /* No line may be smuggled into the head. */
    char *copy = arena_text(request->arena, slice_of(value));
    for (char *c = copy; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            *c = ' ';
    response->headers[response->n_headers++] = (struct response_header){name, copy};
}

static bool has_header(const struct response *response, const char *name) {
    for (size_t i = 0; i < response->n_headers; i++)
        if (strcasecmp(response->headers[i].name, name) == 0)
            return true;
    return false;
}

/* As jansson writes it compactly, but numbers by their shortest form: 0.1, not 0.10000000000000001. */
static void add_json(struct buf *out, const json_t *json) {
    size_t i, n = 0;
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        buf_add_char(out, '{');
        for (void *at = json_object_iter((json_t *)(uintptr_t)json); at;
             at = json_object_iter_next((json_t *)(uintptr_t)json, at)) {
            if (n++)
                buf_add_char(out, ',');
            json_add_text(out, slice_of(json_object_iter_key(at)));
            buf_add_char(out, ':');
            add_json(out, json_object_iter_value(at));
        }
        buf_add_char(out, '}');
        break;
    case JSON_ARRAY:
        buf_add_char(out, '[');
        for (i = 0; i < json_array_size(json); i++) {
            if (i)
                buf_add_char(out, ',');
            add_json(out, json_array_get(json, i));
        }
        buf_add_char(out, ']');
        break;
    case JSON_STRING:
        json_add_text(out, (struct slice){json_string_value(json), json_string_length(json)});
        break;
    case JSON_INTEGER: json_add_int(out, json_integer_value(json)); break;
    case JSON_REAL: json_add_number(out, json_real_value(json)); break;
    case JSON_TRUE: buf_add_text(out, "true"); break;
    case JSON_FALSE: buf_add_text(out, "false"); break;
    default: buf_add_text(out, "null"); break;
    }
}

void response_json(struct response *response, int status, const json_t *json) {
    response->status = status;
    response->type = "application/json";
    if (!response->body.max)
        buf_init(&response->body, BODY_MAX_BYTES);
    buf_clear(&response->body);
    json_print(json, &response->body);
}

void json_print(const json_t *json, struct buf *out) { add_json(out, json); }

void json_print_in_script(const json_t *json, struct buf *out) {
    struct buf plain;
    buf_init(&plain, BODY_MAX_BYTES);
    add_json(&plain, json);
    for (size_t i = 0; i < plain.n; i++)
        if (strchr("<>&", plain.p[i]) && plain.p[i])
            buf_add_format(out, "\\u%04x", (unsigned)plain.p[i]);
        else
            buf_add_char(out, plain.p[i]);
    buf_release(&plain);
}

/* Also of a request that was refused before anybody asked who it is. */
static bool is_language_asked(struct request *request) {
    if (!request->language)
        request_choose_language(request);
    return request->private->language_asked && app_options(request->app)->translate;
}

const char *request_said(struct request *request, const char *english) {
    struct err said;
    if (!english || !is_language_asked(request))
        return english;
    err_set(&said, E_INTERNAL, "%s", english);
    app_options(request->app)->translate(request->language, &said);
    return arena_text(request->arena, slice_of(said.message));
}

void response_problem(struct request *request, struct response *response, const struct err *err) {
    int code = err->code ? err->code : E_INTERNAL, status = err_status(code);
    struct err said = *err;
    const char *title = request_said(request, err_title(code));
    if (is_language_asked(request)) {
        app_options(request->app)->translate(request->language, &said);
        response_header(request, response, "Content-Language", request->language);
    }
    json_t *problem = json_pack("{s:o, s:s, s:s, s:i}", "type",
                                json_sprintf("urn:senda:problem:%s", err_type(code)), "title",
                                title, "code", err_type(code), "status", status);
    const char *message = said.message[0] ? said.message : title;
    json_t *detail = json_string(message), *hint = said.hint[0] ? json_string(said.hint) : NULL;
    json_object_set_new(problem, "detail", detail ? detail : json_string(title));
    if (hint)
        json_object_set_new(problem, "hint", hint);
    if (err->pointer[0]) {
        json_t *errors = json_pack("[{s:s, s:s, s:s}]", "pointer", err->pointer, "code",
                                   err_type(code), "message", message);
        if (errors)
            json_object_set_new(problem, "errors", errors);
    }
    response_json(response, status, problem);
    response->type = "application/problem+json";
    json_decref(problem);
    if ((status == 429 || status == 503) && !has_header(response, "Retry-After"))
        response_header(request, response, "Retry-After", code == E_NOSPACE ? "30" : "1");
}

void response_redirect(struct request *request, struct response *response, const char *location) {
    response->status = 303;
    response->type = "text/plain; charset=utf-8";
    response_header(request, response, "Location", location);
}

void response_list(struct response *response, json_t *rows, const char *cursor) {
    json_t *list =
        json_pack("{s:o, s:o}", "data", rows, "next", cursor ? json_string(cursor) : json_null());
    response_json(response, 200, list);
    json_decref(list);
}

void response_release(struct response *response) {
    if (response->stream_done)
        response->stream_done(response->stream_context);
    buf_release(&response->body);
    *response = (struct response){0};
}
