/*
 * Asking the server or one's own folder: see desk.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "cli/desk.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/limits.h"
#include "http/router.h"

enum { ANSWER_BYTES = 1 << 30, MENDS_MAX = 4 };

struct desk {
    char *socket_path; /* of the running server, or NULL */
    int dir_fd;        /* its folder: socket paths are short, a long one is reached through it */
    struct folder *folder;
    struct app *app;
};

static bool server_listens(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return false;
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool yes = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0)
        close(fd);
    return yes;
}

int desk_open(struct desk **out, const char *dir, struct err *err) {
    struct desk *desk = calloc(1, sizeof *desk);
    char *path = NULL;
    if (!desk)
        abort();
    desk->dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (asprintf(&path, "/proc/self/fd/%d/senda.sock", desk->dir_fd) < 0)
        abort();
    int code = 0;
    if (server_listens(path)) {
        desk->socket_path = path;
        path = NULL;
    } else {
        code = folder_open(&desk->folder, dir, err);
        if (!code)
            code = app_open(&desk->app, desk->folder, &APP_OPTIONS, err);
    }
    free(path);
    if (code) {
        desk_close(desk);
        return code;
    }
    *out = desk;
    return 0;
}

void desk_close(struct desk *desk) {
    if (!desk)
        return;
    if (desk->app)
        app_close(desk->app);
    if (desk->folder)
        folder_close(desk->folder);
    if (desk->dir_fd >= 0)
        close(desk->dir_fd);
    free(desk->socket_path);
    free(desk);
}

struct folder *desk_folder(struct desk *desk) {
    return desk->folder;
}
struct app *desk_app(struct desk *desk) {
    return desk->app;
}

/* ---- answers ---- */

/* Where a body goes: memory, or a file once the status says that it is a result. */
struct sink {
    struct buf *memory;
    FILE *file;
    bool failed;
};

static void sink_take(struct sink *sink, const void *bytes, size_t n) {
    if (sink->file)
        sink->failed |= fwrite(bytes, 1, n, sink->file) != n;
    else
        buf_add(sink->memory, bytes, n);
}

static int code_of_type(const char *type) {
    for (int code = -1; code >= -(int)ERR_COUNT; code--)
        if (type && strcmp(err_type(code), type) == 0)
            return code;
    return E_INTERNAL;
}

/* The last word of the type: a plain name or a URL that ends with it. */
static const char *type_name(const char *type) {
    const char *slash = type ? strrchr(type, '/') : NULL;
    const char *start = slash ? slash + 1 : type;
    const char *colon = start ? strrchr(start, ':') : NULL;
    return colon ? colon + 1 : start;
}

static int read_problem(int status, struct slice body, struct err *err) {
    json_t *problem = json_loadb(body.p, body.n, 0, NULL);
    const char *type = json_string_value(json_object_get(problem, "type"));
    const char *detail = json_string_value(json_object_get(problem, "detail"));
    json_t *first = json_array_get(json_object_get(problem, "errors"), 0);
    const char *pointer = json_string_value(json_object_get(first, "pointer"));
    int code =
        detail ? err_at(err, code_of_type(type_name(type)), pointer ? pointer : "", "%s", detail)
               : err_set(err, E_INTERNAL, "the server answered %d", status);
    const char *hint = json_string_value(json_object_get(problem, "hint"));
    if (detail && hint)
        err_hint(err, "%s", hint);
    json_decref(problem);
    return code;
}

/* ---- in this process ---- */

static int drain(struct response *response, struct sink *sink) {
    sink_take(sink, response->static_body.n ? response->static_body.p : response->body.p,
              response->static_body.n ? response->static_body.n : response->body.n);
    struct buf chunk;
    buf_init(&chunk, ANSWER_BYTES);
    int more = 1;
    while (response->stream && more > 0 && !sink->failed) {
        buf_clear(&chunk);
        more = response->stream(response->stream_context, &chunk);
        sink_take(sink, chunk.p, chunk.n);
        if (more == 2)
            usleep(10000);
    }
    buf_release(&chunk);
    return more < 0 ? more : 0;
}

static int ask_here(struct desk *desk, const struct ask *ask, struct sink *sink, struct err *err) {
    struct request *request = request_new(desk->app, ask->method, ask->target, true);
    if (ask->body.n) {
        request_add_header(request, "Content-Type", ask->type ? ask->type : "application/json");
        request_set_body(request, ask->body);
    }
    request_add_header(request, "Accept", ask->accept ? ask->accept : "application/json");
    struct response response = {.status = 200};
    buf_init(&response.body, ANSWER_BYTES);
    router_dispatch(desk->app, request, &response);
    int code =
        response.status >= 400 ? read_problem(response.status, buf_slice(&response.body), err) : 0;
    if (!code && (drain(&response, sink) || sink->failed))
        code = err_set(err, E_IO, "the answer could not be written");
    response_release(&response);
    request_free(request);
    return code;
}

/* ---- through the socket ---- */

struct transfer {
    CURL *curl;
    struct sink *sink;
    struct buf problem;
};

static size_t receive(char *bytes, size_t size, size_t n, void *context) {
    struct transfer *transfer = context;
    long status = 0;
    curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 400)
        buf_add(&transfer->problem, bytes, size * n);
    else
        sink_take(transfer->sink, bytes, size * n);
    return transfer->sink->failed ? 0 : size * n;
}

static struct curl_slist *headers_of(const struct ask *ask) {
    char line[256];
    snprintf(line, sizeof line, "Content-Type: %s", ask->type ? ask->type : "application/json");
    struct curl_slist *headers = curl_slist_append(NULL, line);
    snprintf(line, sizeof line, "Accept: %s", ask->accept ? ask->accept : "application/json");
    headers = curl_slist_append(headers, line);
    return curl_slist_append(headers, "Expect:");
}

static int ask_server(struct desk *desk, const struct ask *ask, struct sink *sink,
                      struct err *err) {
    struct transfer transfer = {.curl = curl_easy_init(), .sink = sink};
    struct curl_slist *headers = headers_of(ask);
    char *url = NULL;
    if (!transfer.curl || asprintf(&url, "http://senda%s", ask->target) < 0)
        abort();
    buf_init(&transfer.problem, 1 << 20);
    curl_easy_setopt(transfer.curl, CURLOPT_URL, url);
    curl_easy_setopt(transfer.curl, CURLOPT_UNIX_SOCKET_PATH, desk->socket_path);
    curl_easy_setopt(transfer.curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(transfer.curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(transfer.curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(transfer.curl, CURLOPT_WRITEDATA, &transfer);
    if (strcmp(ask->method, "GET") != 0) {
        curl_easy_setopt(transfer.curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)ask->body.n);
        curl_easy_setopt(transfer.curl, CURLOPT_POSTFIELDS, ask->body.n ? ask->body.p : "");
        curl_easy_setopt(transfer.curl, CURLOPT_CUSTOMREQUEST, ask->method);
    }
    CURLcode result = curl_easy_perform(transfer.curl);
    long status = 0;
    curl_easy_getinfo(transfer.curl, CURLINFO_RESPONSE_CODE, &status);
    int code = 0;
    if (sink->failed)
        code = err_set(err, E_IO, "the answer could not be written");
    else if (result != CURLE_OK)
        code = err_set(err, E_BUSY, "the server did not answer: %s", curl_easy_strerror(result));
    else if (status >= 400)
        code = read_problem((int)status, buf_slice(&transfer.problem), err);
    buf_release(&transfer.problem);
    curl_slist_free_all(headers);
    curl_easy_cleanup(transfer.curl);
    free(url);
    return code;
}

/* Where no server tends the folder, a part that proves damaged is rebuilt from the log here, and the question asked
 * again: nothing of a refused answer went to the sink. */
static int ask_and_mend(struct desk *desk, const struct ask *ask, struct sink *sink,
                        struct err *err) {
    int code = ask_here(desk, ask, sink, err);
    for (int i = 0; code == E_CORRUPT && !desk->folder->upkeep && i < MENDS_MAX; i++) {
        struct err ignored = {0};
        if (folder_maintain(desk->folder, false, &ignored) < 0)
            break;
        *err = (struct err){0};
        code = ask_here(desk, ask, sink, err);
    }
    return code;
}

static int ask_any(struct desk *desk, const struct ask *ask, struct sink *sink, struct err *err) {
    return desk->app ? ask_and_mend(desk, ask, sink, err) : ask_server(desk, ask, sink, err);
}

int desk_ask(struct desk *desk, const struct ask *ask, struct buf *out, struct err *err) {
    return ask_any(desk, ask, &(struct sink){.memory = out}, err);
}

int desk_ask_stream(struct desk *desk, const struct ask *ask, FILE *out, struct err *err) {
    return ask_any(desk, ask, &(struct sink){.file = out}, err);
}

int desk_ask_json(struct desk *desk, const char *method, const char *target, const json_t *body,
                  json_t **answer, struct err *err) {
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    struct ask ask = {.method = method, .target = target, .body = slice_of(text)};
    struct buf out;
    buf_init(&out, ANSWER_BYTES);
    int code = desk_ask(desk, &ask, &out, err);
    if (!code && answer) {
        *answer = json_loadb(buf_slice(&out).p, out.n, JSON_DECODE_ANY, NULL);
        if (!*answer)
            code = err_set(err, E_INTERNAL, "the answer is not JSON");
    }
    buf_release(&out);
    free(text);
    return code;
}

void desk_print(const json_t *json) {
    struct buf text;
    buf_init(&text, ANSWER_BYTES);
    json_print(json, &text);
    puts(buf_slice(&text).p);
    buf_release(&text);
}
