/*
 * From target to handler without a network: matching, methods, parameters, forms, conditional answers, CORS, remembered
 * answers.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "http_world.h"

static int echo(struct request *request, struct response *response, struct err *err) {
    (void)err;
    json_t *json = json_pack("{s:s, s:s?, s:s?, s:s?, s:s?}", "pattern", request->route->pattern,
                             "first", request->params[0], "second", request->params[1], "q",
                             request_query(request, "q"), "form", request_form(request, "f"));
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

static int calls;

static int count(struct request *request, struct response *response, struct err *err) {
    (void)request, (void)err;
    json_t *json = json_pack("{s:i}", "calls", ++calls);
    response_json(response, 201, json);
    json_decref(json);
    return HANDLED;
}

static int refuse(struct request *request, struct response *response, struct err *err) {
    (void)request, (void)response;
    err_at(err, E_INVALID, "/steps/2", "no such step");
    return err_hint(err, "Look again.");
}

static int upload(struct request *request, struct response *response, struct err *err) {
    struct slice bytes, name;
    int code = request_upload(request, "file", &bytes, &name, err);
    if (code)
        return code;
    json_t *json = json_pack("{s:s%, s:s%, s:s?}", "bytes", bytes.p, bytes.n, "name", name.p,
                             name.n, "note", request_form(request, "note"));
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

static const struct route routes[] = {
    {METHOD_GET | METHOD_POST, "/things", .handle = echo},
    {METHOD_GET, "/things/{id}", .handle = echo},
    {METHOD_DELETE, "/things/{id}", .handle = echo},
    {METHOD_GET, "/things/new", .handle = echo},
    {METHOD_GET, "/things/{id}/parts/{part}", .handle = echo},
    {METHOD_GET, "/files/*", .handle = echo},
    {METHOD_POST, "/collect", ACCESS_WRITE_KEY, .inline_handler = true, .handle = count},
    {METHOD_GET, "/api/state", ACCESS_API, .handle = echo},
    {METHOD_POST, "/api/count", ACCESS_API, SCOPE_MANAGE, .handle = count},
    {METHOD_GET, "/bad", .handle = refuse},
    {METHOD_POST, "/api/refuse", ACCESS_API, .handle = refuse},
    {METHOD_POST, "/upload", .handle = upload},
};
static const struct route_table table = ROUTE_TABLE(routes);
static const struct route_table *const tables[] = {&table};
static struct http_world world;

static int open_world(void **state) {
    (void)state;
    world_open(&world, tables, 1);
    return 0;
}

static int close_world(void **state) {
    (void)state;
    world_close(&world);
    return 0;
}

struct asked {
    int status;
    json_t *json;
    struct request *request;
    struct response response;
};

static const char *answer_header(const struct asked *asked, const char *name) {
    for (size_t i = 0; i < asked->response.n_headers; i++)
        if (strcmp(asked->response.headers[i].name, name) == 0)
            return asked->response.headers[i].value;
    return NULL;
}

static struct asked ask_with(const char *method, const char *target, bool local,
                             const char *const *headers, struct slice body) {
    struct asked asked = {.request = request_new(world.app, method, target, local)};
    for (size_t i = 0; headers && headers[i]; i += 2)
        request_add_header(asked.request, headers[i], headers[i + 1]);
    request_set_body(asked.request, body);
    router_dispatch(world.app, asked.request, &asked.response);
    asked.status = asked.response.status;
    asked.json = json_loadb(buf_slice(&asked.response.body).p, asked.response.body.n, 0, NULL);
    return asked;
}

static struct asked ask(const char *method, const char *target) {
    return ask_with(method, target, true, NULL, SLICE_LITERAL(""));
}

static void done(struct asked *asked) {
    json_decref(asked->json);
    response_release(&asked->response);
    request_free(asked->request);
}

static void check_match(const char *target, const char *pattern, const char *first,
                        const char *second) {
    struct asked asked = ask("GET", target);
    assert_int_equal(asked.status, 200);
    assert_string_equal(json_string_value(json_object_get(asked.json, "pattern")), pattern);
    const char *one = json_string_value(json_object_get(asked.json, "first"));
    const char *two = json_string_value(json_object_get(asked.json, "second"));
    if (first)
        assert_string_equal(one, first);
    else
        assert_null(one);
    if (second)
        assert_string_equal(two, second);
    done(&asked);
}

static void matches(void **state) {
    (void)state;
    check_match("/things", "/things", NULL, NULL);
    check_match("/things/new", "/things/new", NULL, NULL);
    check_match("/things/7", "/things/{id}", "7", NULL);
    check_match("/things/a%2Fb", "/things/{id}", "a/b", NULL);
    check_match("/things/a/parts/b%20c?q=1", "/things/{id}/parts/{part}", "a", "b c");
    check_match("/files/x/y.js", "/files/*", "x/y.js", NULL);
}

static void misses(void **state) {
    (void)state;
    static const char *const targets[] = {
        "/", "/thing", "/things/", "/things/7/parts", "/things/7/parts/", "/files", "/a/b/c"};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        struct asked asked = ask("GET", targets[i]);
        assert_int_equal(asked.status, 404);
        assert_string_equal(asked.response.type, "application/problem+json");
        done(&asked);
    }
    struct asked asked = ask("GET", "/%zz");
    assert_int_equal(asked.status, 400);
    done(&asked);
}

static void says_which_methods(void **state) {
    (void)state;
    struct asked asked = ask("PUT", "/things/7");
    assert_int_equal(asked.status, 405);
    assert_string_equal(answer_header(&asked, "Allow"), "GET, HEAD, DELETE, OPTIONS");
    done(&asked);
    asked = ask("BREW", "/things");
    assert_int_equal(asked.status, 405);
    done(&asked);
    asked = ask("OPTIONS", "/things");
    assert_int_equal(asked.status, 204);
    assert_string_equal(answer_header(&asked, "Allow"), "GET, HEAD, POST, OPTIONS");
    assert_null(answer_header(&asked, "Access-Control-Allow-Origin"));
    done(&asked);
}

static void answers_preflights(void **state) {
    (void)state;
    static const char *const headers[] = {"Origin", "https://shop.example",
                                          "Access-Control-Request-Headers", "authorization,x-odd",
                                          NULL};
    struct asked asked = ask_with("OPTIONS", "/collect", false, headers, SLICE_LITERAL(""));
    assert_int_equal(asked.status, 204);
    assert_string_equal(answer_header(&asked, "Access-Control-Allow-Origin"),
                        "https://shop.example");
    assert_string_equal(answer_header(&asked, "Access-Control-Allow-Headers"),
                        "authorization,x-odd");
    assert_non_null(strstr(answer_header(&asked, "Access-Control-Allow-Methods"), "POST"));
    done(&asked);
}

static void describes_problems(void **state) {
    (void)state;
    struct asked asked = ask("GET", "/bad");
    assert_int_equal(asked.status, 422);
    assert_string_equal(json_string_value(json_object_get(asked.json, "detail")), "no such step");
    assert_string_equal(json_string_value(json_object_get(asked.json, "hint")), "Look again.");
    json_t *error = json_array_get(json_object_get(asked.json, "errors"), 0);
    assert_string_equal(json_string_value(json_object_get(error, "pointer")), "/steps/2");
    done(&asked);
}

static void reads_forms(void **state) {
    (void)state;
    static const char *const plain[] = {"Content-Type", "application/x-www-form-urlencoded", NULL};
    struct asked asked = ask_with("POST", "/things?q=a%26b", true, plain,
                                  SLICE_LITERAL("x=1&f=caf%C3%A9+s%C3%AD&f=2"));
    assert_string_equal(json_string_value(json_object_get(asked.json, "q")), "a&b");
    assert_string_equal(json_string_value(json_object_get(asked.json, "form")), "café sí");
    done(&asked);
    static const char *const parts[] = {"Content-Type", "multipart/form-data; boundary=XyZ", NULL};
    asked = ask_with(
        "POST", "/upload", true, parts,
        SLICE_LITERAL(
            "--XyZ\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n"
            "--XyZ\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n"
            "Content-Type: text/csv\r\n\r\nid;n\r\n1;--XyW\r\n\r\n--XyZ--\r\n"));
    assert_int_equal(asked.status, 200);
    assert_string_equal(json_string_value(json_object_get(asked.json, "bytes")),
                        "id;n\r\n1;--XyW\r\n");
    assert_string_equal(json_string_value(json_object_get(asked.json, "name")), "a.csv");
    assert_string_equal(json_string_value(json_object_get(asked.json, "note")), "hello");
    done(&asked);
    asked = ask_with("POST", "/upload", true, parts,
                     SLICE_LITERAL("--XyZ\r\nContent-Disposition: form-data; name=\"file\""));
    assert_int_equal(asked.status, 404);
    done(&asked);
}

static void answers_304(void **state) {
    (void)state;
    struct asked asked = ask("GET", "/api/state");
    assert_int_equal(asked.status, 200);
    char etag[64];
    snprintf(etag, sizeof etag, "%s", answer_header(&asked, "ETag"));
    done(&asked);
    const char *const headers[] = {"If-None-Match", etag, NULL};
    asked = ask_with("GET", "/api/state", true, headers, SLICE_LITERAL(""));
    assert_int_equal(asked.status, 304);
    assert_int_equal(asked.response.body.n, 0);
    done(&asked);
}

static void remembers_answers(void **state) {
    (void)state;
    static const char *const headers[] = {"Idempotency-Key", "k1", NULL};
    static const char *const others[] = {"Idempotency-Key", "k2", NULL};
    int before = calls;
    for (int i = 0; i < 2; i++) {
        struct asked asked = ask_with("POST", "/api/count", true, headers, SLICE_LITERAL("{}"));
        assert_int_equal(asked.status, 201);
        assert_int_equal(json_integer_value(json_object_get(asked.json, "calls")), before + 1);
        assert_int_equal(answer_header(&asked, "Idempotency-Replayed") != NULL, i == 1);
        done(&asked);
    }
    struct asked asked = ask_with("POST", "/api/count", true, headers, SLICE_LITERAL("{\"x\":1}"));
    assert_int_equal(asked.status, 422);
    done(&asked);
    asked = ask_with("POST", "/api/count", true, others, SLICE_LITERAL("{}"));
    assert_int_equal(json_integer_value(json_object_get(asked.json, "calls")), before + 2);
    done(&asked);
    /* A refusal keeps nothing. */
    for (int i = 0; i < 2; i++) {
        asked = ask_with("POST", "/api/refuse", true, headers, SLICE_LITERAL("{}"));
        assert_int_equal(asked.status, 422);
        assert_null(answer_header(&asked, "Idempotency-Replayed"));
        done(&asked);
    }
}

static void needs_rights(void **state) {
    (void)state;
    struct asked asked = ask_with("GET", "/api/state", false, NULL, SLICE_LITERAL(""));
    assert_int_equal(asked.status, 401);
    assert_non_null(answer_header(&asked, "WWW-Authenticate"));
    done(&asked);
    static const char *const wrong[] = {"Authorization", "Bearer sk_wrong", NULL};
    asked = ask_with("GET", "/api/state", false, wrong, SLICE_LITERAL(""));
    assert_int_equal(asked.status, 401);
    done(&asked);
}

static void keeps_lines_out_of_headers(void **state) {
    (void)state;
    struct response response = {0};
    struct request *request = request_new(world.app, "GET", "/things", true);
    response_header(request, &response, "Location", "/a\r\nSet-Cookie: x=1");
    assert_string_equal(response.headers[0].value, "/a  Set-Cookie: x=1");
    request_free(request);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches),
        cmocka_unit_test(misses),
        cmocka_unit_test(says_which_methods),
        cmocka_unit_test(answers_preflights),
        cmocka_unit_test(describes_problems),
        cmocka_unit_test(reads_forms),
        cmocka_unit_test(answers_304),
        cmocka_unit_test(remembers_answers),
        cmocka_unit_test(needs_rights),
        cmocka_unit_test(keeps_lines_out_of_headers),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
