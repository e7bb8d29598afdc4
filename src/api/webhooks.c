/*
 * /api/v1/webhooks: whom Senda tells what happens, by signed requests or mail, and what became of each message.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "api/api.h"
#include "webhook/webhook.h"

static int send_json(struct response *response, int status, json_t *json) {
    response_json(response, status, json);
    json_decref(json);
    return HANDLED;
}

static int list(struct request *request, struct response *response, struct err *err) {
    json_t *rows;
    int code = webhooks_list(app_folder(request->app), &rows, err);
    if (code)
        return code;
    response_list(response, rows, NULL);
    return HANDLED;
}

/* secret: shown once, NULL: not. */
static int answer(struct request *request, struct response *response, uint64_t id, int status,
                  const char *secret, struct err *err) {
    json_t *webhook;
    int code = webhook_find(app_folder(request->app), id, &webhook, err);
    if (code)
        return code;
    if (secret)
        json_object_set_new(webhook, "secret", json_string(secret));
    return send_json(response, status, webhook);
}

static int get(struct request *request, struct response *response, struct err *err) {
    uint64_t id;
    int code = api_number(request->params[0], &id, err);
    return code ? code : answer(request, response, id, 200, NULL, err);
}

static int keep(struct request *request, struct response *response, uint64_t id, struct err *err) {
    char secret[SIGNED_SECRET_BYTES];
    bool is_new = !id;
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = webhook_put(app_folder(request->app), &id, body, request->principal.name, secret, err);
    if (!code)
        audit_act_number(request, "webhook.put", id);
    json_decref(body);
    return code ? code
                : answer(request, response, id, is_new ? 201 : 200, is_new ? secret : NULL, err);
}

static int add(struct request *request, struct response *response, struct err *err) {
    return keep(request, response, 0, err);
}

static int change(struct request *request, struct response *response, struct err *err) {
    uint64_t id;
    int code = api_unchanged(request, webhook_find, &id, err);
    return code ? code : keep(request, response, id, err);
}

static int drop(struct request *request, struct response *response, struct err *err) {
    uint64_t id;
    int code = api_number(request->params[0], &id, err);
    if (!code)
        code = webhook_remove(app_folder(request->app), id, err);
    if (!code)
        audit_act(request, "webhook.remove", request->params[0], "");
    response->status = 204;
    return code;
}

static int rekey(struct request *request, struct response *response, struct err *err) {
    char secret[SIGNED_SECRET_BYTES];
    uint64_t id;
    int code = api_number(request->params[0], &id, err);
    if (!code)
        code = webhook_rekey(app_folder(request->app), id, secret, err);
    if (!code)
        audit_act(request, "webhook.secret", request->params[0], "");
    return code ? code : answer(request, response, id, 200, secret, err);
}

static int test(struct request *request, struct response *response, struct err *err) {
    uint64_t id;
    int code = api_number(request->params[0], &id, err);
    if (!code)
        code = webhook_test(app_folder(request->app), id, err);
    return code ? code : send_json(response, 202, json_pack("{s:b}", "waiting", 1));
}

static int deliveries(struct request *request, struct response *response, struct err *err) {
    struct folder *folder = app_folder(request->app);
    uint64_t id, before = 0;
    const char *cursor = request_query(request, "cursor");
    json_t *rows = NULL;
    int code = api_number(request->params[0], &id, err);
    if (!code && cursor)
        code = api_number(cursor, &before, err);
    if (!code)
        code = webhook_find(folder, id, &rows, err);
    json_decref(rows);
    if (!code)
        code = webhook_deliveries(folder, id, before, &rows, err);
    if (!code)
        api_say(request, rows, "error");
    if (code)
        return code;
    size_t n = json_array_size(rows);
    const json_t *last = json_object_get(json_array_get(rows, n - 1), "id");
    response_list(response, rows, n == WEBHOOK_PAGE ? json_string_value(last) : NULL);
    return HANDLED;
}

static int replay(struct request *request, struct response *response, struct err *err) {
    uint64_t id, delivery;
    int code = api_number(request->params[0], &id, err);
    if (!code)
        code = api_number(request->params[1], &delivery, err);
    if (!code)
        code = webhook_replay(app_folder(request->app), id, delivery, err);
    if (!code)
        audit_act(request, "webhook.replay", request->params[1], "");
    return code ? code : send_json(response, 202, json_pack("{s:b}", "waiting", 1));
}

#define ADMIN ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN
#define WEBHOOKS "/api/v1/webhooks"
static const struct route routes[] = {
    {METHOD_GET, WEBHOOKS, ADMIN, .handle = list,
     .summary = "Whom Senda tells what happens (docs/operations.md)"},
    {METHOD_POST, WEBHOOKS, ADMIN, .handle = add,
     .summary = "Makes one: {\"name\",\"target\":\"https://…\" or "
                "\"mailto:…\",\"events\",\"enabled\",\"unit\"}; "
                "the answer has its secret, once"},
    {METHOD_GET, WEBHOOKS "/{id}", ADMIN, .handle = get, .summary = "One webhook"},
    {METHOD_PUT, WEBHOOKS "/{id}", ADMIN, .handle = change, .summary = "Changes a webhook"},
    {METHOD_DELETE, WEBHOOKS "/{id}", ADMIN, .handle = drop,
     .summary = "Removes it with what waits for it"},
    {METHOD_POST, WEBHOOKS "/{id}/secret", ADMIN, .handle = rekey,
     .summary = "A new secret, shown once; the old one signs no more"},
    {METHOD_POST, WEBHOOKS "/{id}/test", ADMIN, .handle = test,
     .summary = "Sends a message of type webhook.test"},
    {METHOD_GET, WEBHOOKS "/{id}/deliveries", ADMIN, .handle = deliveries,
     .summary = "Messages and what became of them, newest first (?cursor=)"},
    {METHOD_POST, WEBHOOKS "/{id}/deliveries/{delivery}/replay", ADMIN, .handle = replay,
     .summary = "Sends a message again, with the same webhook-id"},
};
const struct route_table api_webhook_routes = ROUTE_TABLE(routes);
