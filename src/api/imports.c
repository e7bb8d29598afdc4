/*
 * /api/v1/imports: files in. A file is sent (as multipart/form-data, field "file", or as the body with ?name=), looked
 * at, started with a map, and followed.
 *
 * A command of this machine gives {"path": …} in place of the bytes: the file is read where it lies.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/import_jobs.h"
#include "base/limits.h"
#include "collect/import.h"
#include "customer/vault_file.h"

enum { GUESS_MAX_BYTES = 4 * 1024 * 1024, NAME_BYTES = 200 };
#define UPLOAD_MAX_BYTES ((size_t)2 * 1024 * 1024 * 1024)

/* ---- the file ---- */

/* The last part of a name, without what does not belong in one. */
static const char *plain_name(struct request *request, struct slice name) {
    const char *slash = memrchr(name.p, '/', name.n), *back = memrchr(name.p, '\\', name.n);
    const char *start = slash > back ? slash + 1 : back ? back + 1 : name.p;
    size_t n = (size_t)(name.p + name.n - start);
    char *copy = arena_text(request->arena, (struct slice){start, n < NAME_BYTES ? n : NAME_BYTES});
    for (char *c = copy; *c; c++)
        if ((unsigned char)*c < 0x20)
            *c = '_';
    return copy[0] ? copy : "file";
}

static int write_upload(struct request *request, struct slice bytes, const char *name,
                        const char **path, struct err *err) {
    const char *dir = arena_format(request->arena, "%s/imports", app_folder(request->app)->dir);
    mkdir(dir, 0700);
    /* The ending tells the format. */
    const char *dot = strchr(name, '.');
    char *place =
        arena_format(request->arena, "%s/XXXXXX%.40s", dir, dot && !strchr(dot, '/') ? dot : "");
    int fd = mkstemps(place, (int)strlen(place) - (int)strlen(dir) - 7);
    if (fd < 0)
        return err_set(err, E_IO, "the upload cannot be kept");
    close(fd);
    int code = vault_file_write(app_folder(request->app)->vault, place, bytes, err);
    if (code)
        unlink(place);
    *path = place;
    return code;
}

struct upload {
    const char *file, *path;
    bool uploaded, start;
    json_t *options;
};

static bool has_type(const struct request *request, const char *type) {
    const char *given = request_header(request, "Content-Type");
    return given && strncasecmp(given, type, strlen(type)) == 0;
}

static const char *field(struct request *request, const char *name) {
    const char *text = request_query(request, name);
    if (!text && has_type(request, "multipart/form-data"))
        text = request_form(request, name);
    return text && text[0] ? text : NULL;
}

/* Options from the query string or the form's fields. */
static int read_fields(struct request *request, struct upload *upload, struct err *err) {
    static const char *const names[] = {"format", "sheet", "lifecycle", "source"};
    upload->options = json_object();
    for (size_t i = 0; i < 4; i++) {
        const char *text = field(request, names[i]);
        if (text)
            json_object_set_new(upload->options, names[i], json_string(text));
    }
    const char *map = field(request, "map");
    json_t *json = map ? json_loads(map, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (map && !json_is_object(json)) {
        json_decref(json);
        return err_at(err, E_INVALID, "/map", "the map is not a JSON object");
    }
    if (json)
        json_object_set_new(upload->options, "map", json);
    upload->start = field(request, "start") != NULL;
    return 0;
}

static int read_path(struct request *request, struct upload *upload, struct err *err) {
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    const char *path = json_string_value(json_object_get(body, "path"));
    upload->options = json_deep_copy(body);
    json_object_del(upload->options, "path");
    json_object_del(upload->options, "start");
    upload->start = json_is_true(json_object_get(body, "start"));
    if (!path || path[0] != '/')
        code = err_at(err, E_INVALID, "/path", "path must be absolute");
    else if (access(path, R_OK) != 0)
        code = err_at(err, E_NOT_FOUND, "/path", "the file cannot be read");
    else {
        upload->path = arena_text(request->arena, slice_of(path));
        upload->file = plain_name(request, slice_of(path));
    }
    json_decref(body);
    return code;
}

static int read_upload(struct request *request, struct upload *upload, struct err *err) {
    struct slice bytes = request->body, name = slice_of(request_query(request, "name"));
    bool multipart = has_type(request, "multipart/form-data");
    if (request->principal.user == 0 && request->principal.key == 0 &&
        has_type(request, "application/json") && !name.p)
        return read_path(request, upload, err);
    int code = read_fields(request, upload, err);
    if (!code && multipart)
        code = request_upload(request, "file", &bytes, &name, err);
    if (!code && !multipart && !name.n)
        code = err_set(err, E_INVALID, "give the file's name as ?name=");
    if (!code && !bytes.n)
        code = err_set(err, E_INVALID, "the file is empty");
    if (code)
        return code;
    upload->file = plain_name(request, name);
    upload->uploaded = true;
    return write_upload(request, bytes, upload->file, &upload->path, err);
}

/* ---- looking at it ---- */

static int guess(struct request *request, const char *path, const char *file, const json_t *wanted,
                 json_t **json, struct err *err) {
    struct folder *folder = app_folder(request->app);
    struct import_options options;
    struct buf text;
    int fd, code = vault_file_open(folder->vault, path, &fd, err);
    if (code)
        return code;
    struct import_file source = {.path = arena_format(request->arena, "/proc/self/fd/%d", fd),
                                 .name = file};
    buf_init(&text, GUESS_MAX_BYTES);
    import_options_read(wanted, folder, request->arena, &options);
    options.cancelled = request->cancelled;
    code = import_guess(&source, &options, &text, err);
    close(fd);
    if (!code) {
        *json = json_loadb(buf_slice(&text).p, text.n, JSON_ALLOW_NUL, NULL);
        if (!*json)
            code = err_set(err, E_INTERNAL, "the proposal is not JSON");
    }
    buf_release(&text);
    return code;
}

/* Why it failed and why rows were refused, of one import or of a list. */
static void say_why(struct request *request, json_t *json) {
    static const char *const members[] = {"failure", "hint"};
    size_t i;
    json_t *row;
    for (size_t m = 0; m < 2; m++)
        api_say(request, json, members[m]);
    api_say(request, json_object_get(json, "rejections"), "message");
    json_array_foreach(json, i, row)
        api_say(request, json_object_get(row, "rejections"), "message");
}

static int answer(struct request *request, struct response *response, uint64_t id, int status,
                  struct err *err) {
    json_t *json;
    int code = import_jobs_get(import_jobs_of(request->app), id, true, &json, err);
    if (code)
        return code;
    say_why(request, json);
    response_json(response, status, json);
    json_decref(json);
    return HANDLED;
}

static int add(struct request *request, struct response *response, struct err *err) {
    struct import_jobs *jobs = import_jobs_of(request->app);
    struct upload upload = {0};
    json_t *looks = NULL;
    uint64_t id = 0;
    int code = read_upload(request, &upload, err);
    if (!code && !upload.start)
        code = guess(request, upload.path, upload.file, upload.options, &looks, err);
    if (!code)
        code = import_jobs_add(jobs, upload.file, upload.path, upload.uploaded, upload.options,
                               looks, request->principal.name, &id, err);
    json_t *nothing = json_object();
    if (!code && upload.start)
        code = import_jobs_start(jobs, id, nothing, err);
    json_decref(nothing);
    if (code && upload.uploaded && upload.path && !id)
        unlink(upload.path);
    if (!code) {
        audit_act_number(request, "import.add", id);
        response_header(
            request, response, "Location",
            arena_format(request->arena, "/api/v1/imports/%llu", (unsigned long long)id));
        code = answer(request, response, id, 201, err);
    }
    json_decref(looks);
    json_decref(upload.options);
    return code;
}

static int list(struct request *request, struct response *response, struct err *err) {
    int64_t limit, cursor;
    json_t *rows;
    int code = request_query_int(request, "limit", 50, 1, 500, &limit, err);
    if (!code)
        code = request_query_int(request, "cursor", 0, 0, INT64_MAX, &cursor, err);
    if (!code)
        code = import_jobs_list(import_jobs_of(request->app), (uint64_t)cursor, (size_t)limit,
                                &rows, err);
    if (code)
        return code;
    say_why(request, rows);
    size_t n = json_array_size(rows);
    const char *last =
        json_string_value(json_object_get(json_array_get(rows, n ? n - 1 : 0), "id"));
    response_list(response, rows,
                  n == (size_t)limit ? arena_text(request->arena, slice_of(last)) : NULL);
    return HANDLED;
}

static int get(struct request *request, struct response *response, struct err *err) {
    uint64_t id;
    int code = api_number(request->params[0], &id, err);
    return code ? code : answer(request, response, id, 200, err);
}

static int drop(struct request *request, struct response *response, struct err *err) {
    uint64_t id;
    int code = api_number(request->params[0], &id, err);
    response->status = 204;
    return code ? code : import_jobs_remove(import_jobs_of(request->app), id, err);
}

/* Another look with other options: what would become of the first rows. */
static int preview(struct request *request, struct response *response, struct err *err) {
    const char *path, *file;
    json_t *options = NULL, *body = NULL, *json = NULL;
    uint64_t id;
    int code = api_number(request->params[0], &id, err);
    if (!code)
        code = import_jobs_file(import_jobs_of(request->app), id, request->arena, &path, &file,
                                &options, err);
    if (!code)
        code = request_json(request, &body, err);
    if (!code) {
        json_object_update(options, body);
        code = guess(request, path, file, options, &json, err);
    }
    if (!code)
        response_json(response, 200, json);
    json_decref(json);
    json_decref(body);
    json_decref(options);
    return code;
}

static int start(struct request *request, struct response *response, struct err *err) {
    json_t *body = NULL;
    uint64_t id;
    int code = api_number(request->params[0], &id, err);
    if (!code)
        code = request->body.n ? request_json(request, &body, err) : 0;
    if (!code && !body)
        body = json_object();
    if (!code)
        code = import_jobs_start(import_jobs_of(request->app), id, body, err);
    json_decref(body);
    return code ? code : answer(request, response, id, 202, err);
}

static int cancel(struct request *request, struct response *response, struct err *err) {
    uint64_t id;
    int code = api_number(request->params[0], &id, err);
    if (!code)
        code = import_jobs_cancel(import_jobs_of(request->app), id, err);
    return code ? code : answer(request, response, id, 202, err);
}

/* ---- what was refused ---- */

static int read_file(void *context, struct buf *chunk) {
    char block[32 * 1024];
    size_t n = fread(block, 1, sizeof block, context);
    buf_add(chunk, block, n);
    return n ? 1 : 0;
}

static void close_file(void *context) { fclose(context); }

static int rejected(struct request *request, struct response *response, struct err *err) {
    uint64_t id;
    int fd = -1, code = api_number(request->params[0], &id, err);
    if (!code)
        code = import_jobs_rejected(import_jobs_of(request->app), id, &fd, err);
    FILE *file = code ? NULL : fdopen(fd, "rb");
    if (!file)
        return code ? code : err_set(err, E_INTERNAL, "the refused rows cannot be read");
    response->type = "application/x-ndjson";
    response_header(request, response, "Content-Disposition",
                    "attachment; filename=\"rejected.jsonl\"");
    response->stream = read_file;
    response->stream_done = close_file;
    response->stream_context = file;
    return HANDLED;
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/imports", ACCESS_API, SCOPE_IMPORT, .handle = list,
     .summary = "Imports, newest first"},
    {METHOD_POST, "/api/v1/imports", ACCESS_API, SCOPE_IMPORT, .handle = add,
     .body_limit = UPLOAD_MAX_BYTES,
     .summary = "Sends a file (multipart field \"file\", or the body with ?name=); answers what it "
                "looks like; start=1 "
                "starts at once"},
    {METHOD_GET, "/api/v1/imports/{id}", ACCESS_API, SCOPE_IMPORT, .handle = get,
     .summary = "One import and its progress"},
    {METHOD_DELETE, "/api/v1/imports/{id}", ACCESS_API, SCOPE_IMPORT, .handle = drop,
     .summary = "Forgets an import; its interactions stay"},
    {METHOD_POST, "/api/v1/imports/{id}/preview", ACCESS_API, SCOPE_IMPORT, .handle = preview,
     .summary = "What the first rows become with {\"map\",\"format\",\"sheet\"}"},
    {METHOD_POST, "/api/v1/imports/{id}/start", ACCESS_API, SCOPE_IMPORT, .handle = start,
     .summary = "Imports the file with {\"map\",\"format\",\"sheet\",\"lifecycle\"}"},
    {METHOD_POST, "/api/v1/imports/{id}/cancel", ACCESS_API, SCOPE_IMPORT, .handle = cancel,
     .summary = "Stops an import; what is in stays"},
    {METHOD_GET, "/api/v1/imports/{id}/rejected", ACCESS_API, SCOPE_IMPORT, .handle = rejected,
     .summary = "The refused rows with their reasons, a JSON object a line"},
};
const struct route_table api_import_routes = ROUTE_TABLE(routes);
