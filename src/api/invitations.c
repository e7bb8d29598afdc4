/*
 * /api/v1/invitation-plans: who is invited to surveys, and why not; /api/v1/outlets: by which relay and gateway; addresses that
 * want nothing.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/api.h"
#include "api/customer_read.h"
#include "base/limits.h"
#include "invite/invite.h"

static int send_json(struct response *response, int status, json_t *json) {
    response_json(response, status, json);
    json_decref(json);
    return HANDLED;
}

/* ---- plans ---- */

static int list(struct request *request, struct response *response, struct err *err) {
    json_t *rows;
    int code = invite_plans(app_folder(request->app), &rows, err);
    if (code)
        return code;
    response_list(response, rows, NULL);
    return HANDLED;
}

static int answer(struct request *request, struct response *response, uint64_t id, int status,
                  struct err *err) {
    json_t *plan;
    int code = invite_plan(app_folder(request->app), id, &plan, err);
    return code ? code : send_json(response, status, plan);
}

static int get(struct request *request, struct response *response, struct err *err) {
    uint64_t id;
    int code = api_number(request->params[0], &id, err);
    return code ? code : answer(request, response, id, 200, err);
}

static int keep(struct request *request, struct response *response, uint64_t id, struct err *err) {
    int status = id ? 200 : 201;
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = invite_plan_put(app_folder(request->app), &request->principal, &id, body, err);
    if (!code)
        audit_act_number(request, "invitation.plan", id);
    json_decref(body);
    return code ? code : answer(request, response, id, status, err);
}

static int add(struct request *request, struct response *response, struct err *err) {
    return keep(request, response, 0, err);
}

static int change(struct request *request, struct response *response, struct err *err) {
    uint64_t id;
    int code = api_unchanged(request, invite_plan, &id, err);
    return code ? code : keep(request, response, id, err);
}

static int drop(struct request *request, struct response *response, struct err *err) {
    uint64_t id;
    int code = api_number(request->params[0], &id, err);
    if (!code)
        code = invite_plan_remove(app_folder(request->app), id, err);
    if (!code)
        audit_act(request, "invitation.remove", request->params[0], "");
    response->status = 204;
    return code;
}

static int run(struct request *request, struct response *response, bool running, struct err *err) {
    uint64_t id;
    int code = api_number(request->params[0], &id, err);
    if (!code)
        code = invite_plan_run(app_folder(request->app), id, running, err);
    if (!code)
        audit_act(request, running ? "invitation.start" : "invitation.pause", request->params[0],
                  "");
    return code ? code : answer(request, response, id, 200, err);
}

static int start(struct request *request, struct response *response, struct err *err) {
    return run(request, response, true, err);
}

static int pause(struct request *request, struct response *response, struct err *err) {
    return run(request, response, false, err);
}

static int preview(struct request *request, struct response *response, struct err *err) {
    uint64_t id;
    json_t *message = NULL;
    const char *language = request_query(request, "language");
    int code = api_number(request->params[0], &id, err);
    if (!code)
        code = invite_preview(app_folder(request->app), id, language ? language : request->language,
                              &message, err);
    return code ? code : send_json(response, 200, message);
}

static int try_plan(struct request *request, struct response *response, struct err *err) {
    uint64_t id;
    const char *to, *language;
    json_t *body;
    int code = api_number(request->params[0], &id, err);
    if (!code)
        code = request_json(request, &body, err);
    if (code)
        return code;
    code = api_text(body, "to", NULL, 254, &to, err);
    if (!code)
        code = api_text(body, "language", request->language, 10, &language, err);
    if (!code)
        code = invite_try(app_folder(request->app), id, to, language, err);
    if (!code)
        audit_act(request, "invitation.try", request->params[0], "");
    json_decref(body);
    return code ? code : send_json(response, 200, json_pack("{s:b}", "sent", 1));
}

/* ---- invitations ---- */

static int results(struct request *request, struct response *response, struct err *err) {
    uint64_t id;
    json_t *plan = NULL, *json = NULL;
    int code = api_number(request->params[0], &id, err);
    if (!code)
        code = invite_plan(app_folder(request->app), id, &plan, err);
    json_decref(plan);
    if (!code)
        code = invite_results(app_folder(request->app), id, &request->principal, &json, err);
    return code ? code : send_json(response, 200, json);
}

static int send_rows(struct request *request, struct response *response, uint64_t plan,
                     uint32_t customer, struct err *err) {
    struct invite_filter filter = {.plan = plan,
                                   .customer = customer,
                                   .state = request_query(request, "state"),
                                   .reason = request_query(request, "reason"),
                                   .asker = &request->principal};
    const char *cursor = request_query(request, "cursor");
    json_t *rows;
    int code = cursor ? api_number(cursor, &filter.before, err) : 0;
    if (!code)
        code = invite_list(app_folder(request->app), &filter, &rows, err);
    if (code)
        return code;
    size_t n = json_array_size(rows);
    const json_t *last = json_object_get(json_array_get(rows, n - 1), "id");
    response_list(response, rows, n == INVITE_PAGE ? json_string_value(last) : NULL);
    return HANDLED;
}

static int of_plan(struct request *request, struct response *response, struct err *err) {
    uint64_t id;
    int code = api_number(request->params[0], &id, err);
    if (code)
        return code;
    audit_note(request, "customer.list", request->params[0], "invitations");
    return send_rows(request, response, id, 0, err);
}

static int of_customer(struct request *request, struct response *response, struct err *err) {
    uint32_t owner;
    char id[CUSTOMER_ID_BYTES];
    int code = customer_find_visible(request, request->params[0], &owner, err);
    if (code == E_NOT_FOUND && request->principal.units) { /* as of one whom they may not see */
        response_list(response, json_array(), NULL);
        return HANDLED;
    }
    if (code)
        return code;
    customer_id_format(owner, id);
    audit_note(request, "customer.read", id, "invitations");
    return send_rows(request, response, 0, owner, err);
}

static int pick(struct request *request, struct response *response, struct err *err) {
    struct folder *folder = app_folder(request->app);
    uint64_t plan;
    json_t *body = NULL, *one;
    size_t i, n = 0;
    int code = api_number(request->params[0], &plan, err);
    if (!code)
        code = request_json(request, &body, err);
    if (code)
        return code;
    const json_t *customers = json_object_get(body, "customers");
    uint32_t *owners = ARENA_ARRAY(request->arena, uint32_t, INVITE_BY_HAND_MAX + 1);
    if (!json_array_size(customers) || json_array_size(customers) > INVITE_BY_HAND_MAX)
        code =
            err_at(err, E_INVALID, "/customers", "a list of 1 to %d customers", INVITE_BY_HAND_MAX);
    json_array_foreach(code ? NULL : customers, i, one) {
        char pointer[40];
        const char *id = json_string_value(one);
        struct err none = {0};
        snprintf(pointer, sizeof pointer, "/customers/%zu", i);
        if (!id || customers_find(folder->customers, slice_of(id), &owners[n++], &none)) {
            code = err_at(err, E_INVALID, pointer, "there is no such customer");
            break;
        }
    }
    if (!code)
        code = invite_by_hand(folder, plan, owners, n, err);
    json_decref(body);
    if (code)
        return code;
    audit_act(request, "invitation.pick", request->params[0], "");
    return send_json(response, 202, json_pack("{s:I}", "invited", (json_int_t)n));
}

/* ---- ways out ---- */

static int get_outlets(struct request *request, struct response *response, struct err *err) {
    json_t *json;
    int code = outlets_get(app_folder(request->app), &json, err);
    return code ? code : send_json(response, 200, json);
}

static int put_outlets(struct request *request, struct response *response, struct err *err) {
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = outlets_put(app_folder(request->app), body, err);
    json_decref(body);
    if (code)
        return code;
    audit_act(request, "outlets.put", "", "");
    return get_outlets(request, response, err);
}

static int try_outlet(struct request *request, struct response *response, struct err *err) {
    const char *channel, *to;
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = api_text(body, "channel", "email", 16, &channel, err);
    if (!code && strcmp(channel, "email") != 0 && strcmp(channel, "sms") != 0 &&
        strcmp(channel, "whatsapp") != 0)
        code = err_at(err, E_INVALID, "/channel", "channels are email, sms, whatsapp");
    if (!code)
        code = api_text(body, "to", NULL, 254, &to, err);
    if (!code)
        code = outlets_try(app_folder(request->app), channel, to, err);
    if (!code)
        audit_act(request, "outlets.try", channel, "");
    json_decref(body);
    return code ? code : send_json(response, 200, json_pack("{s:b}", "sent", 1));
}

/* ---- addresses ---- */

static int mark(struct request *request, struct response *response, bool allow, struct err *err) {
    const char *address;
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = api_text(body, "address", NULL, 254, &address, err);
    if (!code && !address[0])
        code = err_at(err, E_INVALID, "/address", "must be an address");
    if (!code)
        code = allow ? invite_allow(app_folder(request->app), address, err)
                     : invite_bounce(app_folder(request->app), address, err);
    json_decref(body);
    response->status = 204;
    return code;
}

/* A message as a mail server sent it back, or an address. */
static int bounce(struct request *request, struct response *response, struct err *err) {
    const char *type = request_header(request, "Content-Type");
    json_t *told;
    if (!type || strncasecmp(type, "message/rfc822", strlen("message/rfc822")) != 0)
        return mark(request, response, false, err);
    int code = invite_report(app_folder(request->app), request->body,
                             request_query(request, "recipient"), &told, err);
    return code ? code : send_json(response, 200, told);
}

static int allow(struct request *request, struct response *response, struct err *err) {
    return mark(request, response, true, err);
}

#define PLANS "/api/v1/invitation-plans"
static const struct route routes[] = {
    {METHOD_GET, PLANS, ACCESS_API, SCOPE_QUERY, .handle = list,
     .summary = "Who is invited to which survey after what (docs/surveys.md)"},
    {METHOD_POST, PLANS, ACCESS_API, SCOPE_MANAGE, .handle = add,
     .summary = "Makes a plan: {\"name\",\"survey\" or \"review\",\"after\" or "
                "\"calendar\",\"segment\",\"delay\",\"share\","
                "\"quarantine_days\",\"hours\",\"channels\",\"purpose\",\"reminder\",\"expires\","
                "\"subject\",\"text\"}; it does not run yet"},
    {METHOD_GET, PLANS "/{id}", ACCESS_API, SCOPE_QUERY, .handle = get, .summary = "One plan"},
    {METHOD_PUT, PLANS "/{id}", ACCESS_API, SCOPE_MANAGE, .handle = change,
     .summary = "Changes a plan"},
    {METHOD_DELETE, PLANS "/{id}", ACCESS_API, SCOPE_MANAGE, .handle = drop,
     .summary = "Removes a plan; its invitations stay"},
    {METHOD_POST, PLANS "/{id}/start", ACCESS_API, SCOPE_MANAGE, .handle = start,
     .summary = "Invites from now on"},
    {METHOD_POST, PLANS "/{id}/pause", ACCESS_API, SCOPE_MANAGE, .handle = pause,
     .summary = "Invites nobody for now"},
    {METHOD_GET, PLANS "/{id}/preview", ACCESS_API, SCOPE_QUERY, .handle = preview,
     .summary = "The message as a customer gets it (?language=)"},
    {METHOD_POST, PLANS "/{id}/try", ACCESS_API, SCOPE_MANAGE, .handle = try_plan,
     .summary = "Sends the message to {\"to\",\"language\"} as a trial"},
    {METHOD_GET, PLANS "/{id}/results", ACCESS_API, SCOPE_QUERY, .handle = results,
     .summary = "Sent, opened, answered, why not, by channel and touchpoint"},
    {METHOD_GET, PLANS "/{id}/invitations", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT,
     .handle = of_plan,
     .summary = "The people behind: invited, or why not (?state=, ?reason=, ?cursor=)"},
    {METHOD_POST, PLANS "/{id}/invite", ACCESS_API, SCOPE_MANAGE, .handle = pick,
     .summary = "Invites people that somebody chose: {\"customers\":[…]}; their answers say so"},
    {METHOD_GET, "/api/v1/customers/{id}/invitations", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT,
     .handle = of_customer, .summary = "What this customer was invited to, or why not"},
    {METHOD_GET, "/api/v1/outlets", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN,
     .handle = get_outlets, .summary = "Mail relay and gateway for text messages"},
    {METHOD_PUT, "/api/v1/outlets", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN,
     .handle = put_outlets,
     .summary = "Sets them: {\"base_url\",\"quarantine_days\",\"mail\":{…},\"gateway\":{…}}"},
    {METHOD_POST, "/api/v1/outlets/try", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN,
     .handle = try_outlet, .summary = "Sends a trial message: {\"channel\",\"to\"}"},
    {METHOD_POST, "/api/v1/bounces", ACCESS_API, SCOPE_MANAGE, .handle = bounce,
     .summary = "A relay's report: {\"address\"} does not work, or the message that came back "
                "(message/rfc822, "
                "?recipient=): who is no more is asked nothing again"},
    {METHOD_DELETE, "/api/v1/bounces", ACCESS_API, SCOPE_MANAGE, .handle = allow,
     .summary = "{\"address\"} may be used again, also if its owner had unsubscribed"},
};
const struct route_table api_invitation_routes = ROUTE_TABLE(routes);
