/*
 * Who may call what: every route of the API against nobody, every role, and keys with one scope each, from one table.
 *
 * A route that the table lacks fails the test: whoever adds one says here who may call it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "../http/http_world.h"

#include "cli/desk.h"

/* Least role of a person (0: nobody signed in is needed, -1: no person, only keys), scope of a key (0: none will do). */
struct right {
    const char *method, *pattern;
    int role;
    unsigned scope;
};
enum { ANYBODY = 0, EVERY_KEY = 1 << 30 };

static const struct right rights[] = {
    {"GET", "/senda.js", ANYBODY, EVERY_KEY},
    {"GET", "/healthz", ROLE_ADMIN, SCOPE_METRICS | SCOPE_ADMIN},
    {"GET", "/readyz", ROLE_ADMIN, SCOPE_METRICS | SCOPE_ADMIN},
    {"GET", "/api/v1/openapi.json", ANYBODY, EVERY_KEY},
    {"POST", "/api/v1/sessions", ANYBODY, EVERY_KEY},
    {"GET", "/metrics", ROLE_ADMIN, SCOPE_METRICS | SCOPE_ADMIN},
    {"POST", "/api/v1/query", ROLE_VIEWER, SCOPE_QUERY},
    {"GET", "/api/v1/questions", ROLE_VIEWER, SCOPE_QUERY},
    {"POST", "/api/v1/questions", ROLE_VIEWER, SCOPE_QUERY},
    {"DELETE", "/api/v1/questions/{id}", ROLE_VIEWER, 0}, /* a person, or a key that manages too */
    {"GET", "/api/v1/sources", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/api/v1/sources", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/sources/{id}", ROLE_ANALYST, SCOPE_MANAGE},
    {"PATCH", "/api/v1/sources/{id}", ROLE_ANALYST, SCOPE_MANAGE},
    {"DELETE", "/api/v1/sources/{id}", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/api/v1/sources/{id}/rotate", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/sources/{id}/snippet", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/sources/{id}/refusals", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/sources/{id}/arrivals", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/customers", ROLE_AGENT, SCOPE_QUERY},
    {"GET", "/api/v1/customers/{id}", ROLE_AGENT, SCOPE_QUERY},
    {"GET", "/api/v1/customers/{id}/timeline", ROLE_AGENT, SCOPE_QUERY},
    {"POST", "/api/v1/customers/{id}/merge", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/customers/{id}/merges", ROLE_AGENT, SCOPE_QUERY},
    {"POST", "/api/v1/customers/{id}/unmerge", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/api/v1/customers/{id}/erase", ROLE_ADMIN, SCOPE_ADMIN},
    {"DELETE", "/api/v1/customers/{id}", ROLE_ADMIN, SCOPE_ADMIN},
    {"GET", "/api/v1/erasures", ROLE_ADMIN, SCOPE_ADMIN},
    {"GET", "/api/v1/purposes", ROLE_AGENT, SCOPE_QUERY},
    {"PUT", "/api/v1/purposes/{name}", ROLE_ADMIN, SCOPE_ADMIN},
    {"DELETE", "/api/v1/purposes/{name}", ROLE_ADMIN, SCOPE_ADMIN},
    {"GET", "/api/v1/customers/{id}/consents", ROLE_AGENT, SCOPE_QUERY},
    {"PUT", "/api/v1/customers/{id}/consents/{purpose}", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/api/v1/customers/{id}/consent-link", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/erasures/{number}", ROLE_ADMIN, SCOPE_ADMIN},
    {"POST", "/api/v1/erasures/{number}/retry", ROLE_ADMIN, SCOPE_ADMIN},
    {"DELETE", "/api/v1/erasures/{number}/suppression", ROLE_ADMIN, SCOPE_ADMIN},
    {"GET", "/api/v1/surveys", ROLE_VIEWER, SCOPE_QUERY},
    {"POST", "/api/v1/surveys", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/api/v1/surveys/import", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/surveys/{id}", ROLE_VIEWER, SCOPE_QUERY},
    {"PUT", "/api/v1/surveys/{id}", ROLE_ANALYST, SCOPE_MANAGE},
    {"DELETE", "/api/v1/surveys/{id}", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/api/v1/surveys/{id}/publish", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/api/v1/surveys/{id}/close", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/api/v1/surveys/{id}/open", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/surveys/{id}/versions", ROLE_VIEWER, SCOPE_QUERY},
    {"GET", "/api/v1/surveys/{id}/versions/{version}", ROLE_VIEWER, SCOPE_QUERY},
    {"GET", "/api/v1/surveys/{id}/export", ROLE_VIEWER, SCOPE_QUERY},
    {"GET", "/api/v1/surveys/{id}/results", ROLE_VIEWER, SCOPE_QUERY},
    {"GET", "/api/v1/surveys/{id}/answers", ROLE_AGENT, SCOPE_QUERY},
    {"GET", "/api/v1/surveys/{id}/responses", ROLE_UNIT_MANAGER, SCOPE_QUERY},
    {"POST", "/api/v1/surveys/{id}/responses", ROLE_ANALYST, SCOPE_IMPORT},
    {"POST", "/api/v1/surveys/{id}/links", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/customers/{id}/overview", ROLE_AGENT, SCOPE_QUERY},
    {"GET", "/api/v1/customers/{id}/notes", ROLE_AGENT, SCOPE_QUERY},
    {"POST", "/api/v1/customers/{id}/notes", ROLE_AGENT, SCOPE_QUERY},
    {"PATCH", "/api/v1/customers/{id}/notes/{number}", ROLE_AGENT, SCOPE_QUERY},
    {"DELETE", "/api/v1/customers/{id}/notes/{number}", ROLE_AGENT, SCOPE_QUERY},
    {"GET", "/api/v1/customers/{id}/groups", ROLE_AGENT, SCOPE_QUERY},
    {"GET", "/api/v1/groups", ROLE_AGENT, SCOPE_QUERY},
    {"GET", "/api/v1/groups/{id}", ROLE_AGENT, SCOPE_QUERY},
    {"POST", "/api/v1/groups", ROLE_ANALYST, SCOPE_MANAGE},
    {"PUT", "/api/v1/groups/{id}", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/api/v1/groups/{id}/members", ROLE_ANALYST, SCOPE_MANAGE},
    {"DELETE", "/api/v1/groups/{id}/members/{customer}", ROLE_ANALYST, SCOPE_MANAGE},
    {"DELETE", "/api/v1/groups/{id}", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/merge-proposals", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/merge-proposals/{number}", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/api/v1/merge-proposals/{number}/merge", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/api/v1/merge-proposals/{number}/reject", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/identifier-kinds", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/identifier-kinds/{name}", ROLE_ANALYST, SCOPE_MANAGE},
    {"PUT", "/api/v1/identifier-kinds/{name}", ROLE_ANALYST, SCOPE_MANAGE},
    {"DELETE", "/api/v1/identifier-kinds/{name}", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/dropped-identifiers", ROLE_ANALYST, SCOPE_MANAGE},
    {"DELETE", "/api/v1/dropped-identifiers/{number}", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/full-identifier-kinds", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/touchpoints", ROLE_VIEWER, SCOPE_QUERY},
    {"PUT", "/api/v1/touchpoints", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/units", ROLE_VIEWER, SCOPE_QUERY},
    {"POST", "/api/v1/units", ROLE_ANALYST, SCOPE_MANAGE},
    {"PUT", "/api/v1/units/{name}", ROLE_ANALYST, SCOPE_MANAGE},
    {"DELETE", "/api/v1/units/{name}", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/api/v1/units/import", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/unit-rules", ROLE_ANALYST, SCOPE_MANAGE},
    {"PUT", "/api/v1/unit-rules", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/hierarchies", ROLE_VIEWER, SCOPE_QUERY},
    {"PUT", "/api/v1/hierarchies/{name}", ROLE_ANALYST, SCOPE_MANAGE},
    {"DELETE", "/api/v1/hierarchies/{name}", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/users", ROLE_ADMIN, SCOPE_ADMIN},
    {"POST", "/api/v1/users", ROLE_ADMIN, SCOPE_ADMIN},
    {"GET", "/api/v1/users/{id}", ROLE_ADMIN, SCOPE_ADMIN},
    {"PATCH", "/api/v1/users/{id}", ROLE_ADMIN, SCOPE_ADMIN},
    {"DELETE", "/api/v1/users/{id}", ROLE_ADMIN, SCOPE_ADMIN},
    {"POST", "/api/v1/users/{id}/link", ROLE_ADMIN, SCOPE_ADMIN},
    {"DELETE", "/api/v1/users/{id}/totp", ROLE_ADMIN, SCOPE_ADMIN},
    {"GET", "/api/v1/users/{id}/sessions", ROLE_ADMIN, SCOPE_ADMIN},
    {"DELETE", "/api/v1/users/{id}/sessions", ROLE_ADMIN, SCOPE_ADMIN},
    {"POST", "/api/v1/passwords", ANYBODY, EVERY_KEY},
    {"GET", "/api/v1/me/totp", ROLE_VIEWER, 0},
    {"POST", "/api/v1/me/totp", ROLE_VIEWER, 0},
    {"PUT", "/api/v1/me/totp", ROLE_VIEWER, 0},
    {"DELETE", "/api/v1/me/totp", ROLE_VIEWER, 0},
    {"POST", "/api/v1/me/totp/codes", ROLE_VIEWER, 0},
    {"DELETE", "/api/v1/sessions", ROLE_VIEWER, 0},
    {"GET", "/api/v1/me", ROLE_VIEWER, 0},
    {"PATCH", "/api/v1/me", ROLE_VIEWER, 0},
    {"GET", "/api/v1/keys", ROLE_ADMIN, SCOPE_ADMIN},
    {"POST", "/api/v1/keys", ROLE_ADMIN, SCOPE_ADMIN},
    {"POST", "/api/v1/keys/{id}/rotate", ROLE_ADMIN, SCOPE_ADMIN},
    {"DELETE", "/api/v1/keys/{id}", ROLE_ADMIN, SCOPE_ADMIN},
    {"GET", "/api/v1/sessions", ROLE_VIEWER, 0},
    {"DELETE", "/api/v1/sessions/{id}", ROLE_VIEWER, 0},
    {"DELETE", "/api/v1/sessions/current", ROLE_VIEWER, 0},
    {"GET", "/api/v1/settings", ROLE_VIEWER, SCOPE_QUERY},
    {"PATCH", "/api/v1/settings", ROLE_ADMIN, SCOPE_ADMIN},
    {"GET", "/api/v1/imports", ROLE_ANALYST, SCOPE_IMPORT},
    {"POST", "/api/v1/imports", ROLE_ANALYST, SCOPE_IMPORT},
    {"GET", "/api/v1/imports/{id}", ROLE_ANALYST, SCOPE_IMPORT},
    {"DELETE", "/api/v1/imports/{id}", ROLE_ANALYST, SCOPE_IMPORT},
    {"POST", "/api/v1/imports/{id}/preview", ROLE_ANALYST, SCOPE_IMPORT},
    {"POST", "/api/v1/imports/{id}/start", ROLE_ANALYST, SCOPE_IMPORT},
    {"POST", "/api/v1/imports/{id}/cancel", ROLE_ANALYST, SCOPE_IMPORT},
    {"GET", "/api/v1/imports/{id}/rejected", ROLE_ANALYST, SCOPE_IMPORT},
    {"GET", "/api/v1/exports/{what}", ROLE_UNIT_MANAGER, SCOPE_QUERY},
    {"GET", "/api/v1/audit", ROLE_ADMIN, SCOPE_ADMIN},
    {"GET", "/api/v1/audit/check", ROLE_ADMIN, SCOPE_ADMIN},
    {"GET", "/api/v1/stream", ROLE_VIEWER, SCOPE_QUERY},
    {"POST", "/api/v1/backups", ROLE_ADMIN, SCOPE_ADMIN},
    {"POST", "/api/v1/verify", ROLE_ADMIN, SCOPE_ADMIN},
    {"POST", "/api/v1/reindex", ROLE_ADMIN, SCOPE_ADMIN},
    {"POST", "/api/v1/rotate-key", ROLE_ADMIN, SCOPE_ADMIN},
    {"GET", "/api/v1/properties", ROLE_ANALYST, SCOPE_MANAGE},
    {"PUT", "/api/v1/properties/{name}", ROLE_ADMIN, SCOPE_ADMIN},
    {"GET", "/api/v1/retention", ROLE_ADMIN, SCOPE_ADMIN},
    {"PUT", "/api/v1/retention", ROLE_ADMIN, SCOPE_ADMIN},
    {"POST", "/api/v1/retention/preview", ROLE_ADMIN, SCOPE_ADMIN},
    {"GET", "/api/v1/customers/{id}/export", ROLE_UNIT_MANAGER, SCOPE_QUERY},
    {"GET", "/api/v1/value", ROLE_AGENT, SCOPE_QUERY},
    {"GET", "/api/v1/value/settings", ROLE_VIEWER, SCOPE_QUERY},
    {"PUT", "/api/v1/value/settings", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/customers/{id}/value", ROLE_AGENT, SCOPE_QUERY},
    {"GET", "/api/v1/segmentations", ROLE_VIEWER, SCOPE_QUERY},
    {"POST", "/api/v1/segmentations", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/api/v1/segmentations/preview", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/segmentations/{name}", ROLE_VIEWER, SCOPE_QUERY},
    {"PUT", "/api/v1/segmentations/{name}", ROLE_ANALYST, SCOPE_MANAGE},
    {"DELETE", "/api/v1/segmentations/{name}", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/segmentations/{name}/versions", ROLE_VIEWER, SCOPE_QUERY},
    {"GET", "/api/v1/segmentations/{name}/history", ROLE_VIEWER, SCOPE_QUERY},
    {"GET", "/api/v1/segmentations/{name}/results", ROLE_VIEWER, SCOPE_QUERY},
    {"GET", "/api/v1/segmentations/{name}/members", ROLE_AGENT, SCOPE_QUERY},
    {"GET", "/api/v1/customers/{id}/segmentations", ROLE_AGENT, SCOPE_QUERY},
    {"GET", "/api/v1/segments", ROLE_VIEWER, SCOPE_QUERY},
    {"POST", "/api/v1/segments", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/api/v1/segments/preview", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/segments/overlap", ROLE_VIEWER, SCOPE_QUERY},
    {"GET", "/api/v1/segments/{name}", ROLE_VIEWER, SCOPE_QUERY},
    {"PUT", "/api/v1/segments/{name}", ROLE_ANALYST, SCOPE_MANAGE},
    {"DELETE", "/api/v1/segments/{name}", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/segments/{name}/members", ROLE_AGENT, SCOPE_QUERY},
    {"GET", "/api/v1/segments/{name}/history", ROLE_VIEWER, SCOPE_QUERY},
    {"GET", "/api/v1/segments/{name}/export", ROLE_UNIT_MANAGER, SCOPE_QUERY},
    {"GET", "/api/v1/customers/{id}/segments", ROLE_AGENT, SCOPE_QUERY},
    {"GET", "/api/v1/value/model", ROLE_AGENT, SCOPE_QUERY},
    {"POST", "/api/v1/value/run", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/api/v1/value/cancel", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/value/customers", ROLE_AGENT, SCOPE_QUERY},
    {"GET", "/api/v1/churn", ROLE_AGENT, SCOPE_QUERY},
    {"GET", "/api/v1/churn/survival", ROLE_AGENT, SCOPE_QUERY},
    {"GET", "/api/v1/health", ROLE_AGENT, SCOPE_QUERY},
    {"GET", "/api/v1/scores/surveys", ROLE_VIEWER, SCOPE_QUERY},
    {"PUT", "/api/v1/scores/surveys/{name}", ROLE_ANALYST, SCOPE_MANAGE},
    {"DELETE", "/api/v1/scores/surveys/{name}", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/scores/margins", ROLE_VIEWER, SCOPE_QUERY},
    {"GET", "/api/v1/scores/margins/{name}", ROLE_VIEWER, SCOPE_QUERY},
    {"PUT", "/api/v1/scores/margins/{name}", ROLE_ANALYST, SCOPE_MANAGE},
    {"DELETE", "/api/v1/scores/margins/{name}", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/scores/settings", ROLE_VIEWER, SCOPE_QUERY},
    {"PUT", "/api/v1/scores/settings", ROLE_ADMIN, SCOPE_ADMIN},
    {"GET", "/api/v1/diary", ROLE_VIEWER, SCOPE_QUERY},
    {"POST", "/api/v1/diary", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/diary/{id}", ROLE_VIEWER, SCOPE_QUERY},
    {"PUT", "/api/v1/diary/{id}", ROLE_ANALYST, SCOPE_MANAGE},
    {"DELETE", "/api/v1/diary/{id}", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/diary/{id}/effect", ROLE_VIEWER, SCOPE_QUERY},
    {"GET", "/api/v1/promises", ROLE_VIEWER, SCOPE_QUERY},
    {"POST", "/api/v1/promises", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/promises/{id}", ROLE_VIEWER, SCOPE_QUERY},
    {"PUT", "/api/v1/promises/{id}", ROLE_ANALYST, SCOPE_MANAGE},
    {"DELETE", "/api/v1/promises/{id}", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/promises/{id}/versions", ROLE_VIEWER, SCOPE_QUERY},
    {"GET", "/api/v1/promises/{id}/results", ROLE_VIEWER, SCOPE_QUERY},
    {"GET", "/api/v1/promises/{id}/matrix", ROLE_VIEWER, SCOPE_QUERY},
    {"GET", "/api/v1/promises/{id}/customers", ROLE_AGENT, SCOPE_QUERY},
    {"GET", "/api/v1/customers/{id}/promises", ROLE_AGENT, SCOPE_QUERY},
    {"GET", "/api/v1/single-sign-on", ROLE_ADMIN, SCOPE_ADMIN},
    {"PUT", "/api/v1/single-sign-on", ROLE_ADMIN, SCOPE_ADMIN},
    {"DELETE", "/api/v1/single-sign-on", ROLE_ADMIN, SCOPE_ADMIN},
    {"POST", "/api/v1/single-sign-on/check", ROLE_ADMIN, SCOPE_ADMIN},
    {"GET", "/api/v1/kiosks", ROLE_VIEWER, SCOPE_QUERY},
    {"POST", "/api/v1/kiosks", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/kiosks/{id}", ROLE_VIEWER, SCOPE_QUERY},
    {"PATCH", "/api/v1/kiosks/{id}", ROLE_ANALYST, SCOPE_MANAGE},
    {"DELETE", "/api/v1/kiosks/{id}", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/api/v1/kiosks/{id}/key", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/kiosks/{id}/poster", ROLE_VIEWER, SCOPE_QUERY},
    {"GET", "/api/v1/kiosks/{id}/moments", ROLE_VIEWER, SCOPE_QUERY},
    {"POST", "/k/{kiosk}/taps", ANYBODY, EVERY_KEY}, /* who has the screen's key signs */
    {"GET", "/k/{kiosk}/definition.json", ANYBODY, EVERY_KEY},
    {"GET", "/api/v1/reviews", ROLE_AGENT, SCOPE_QUERY},
    {"POST", "/api/v1/reviews", ROLE_ANALYST, SCOPE_IMPORT},
    {"GET", "/api/v1/reviews/{id}", ROLE_AGENT, SCOPE_QUERY},
    {"PATCH", "/api/v1/reviews/{id}", ROLE_UNIT_MANAGER,
     0}, /* a person, or a key that manages too */
    {"POST", "/api/v1/reviews/{id}/undo", ROLE_UNIT_MANAGER, 0},
    {"PUT", "/api/v1/reviews/{id}/reply", ROLE_UNIT_MANAGER, 0},
    {"DELETE", "/api/v1/reviews/{id}/reply", ROLE_UNIT_MANAGER, 0},
    {"POST", "/api/v1/reviews/{id}/votes", ROLE_ANALYST, SCOPE_IMPORT},
    {"GET", "/w/reviews/{subject}/data", ANYBODY, EVERY_KEY},
    {"GET", "/w/reviews/{subject}/jsonld", ANYBODY, EVERY_KEY},
    {"POST", "/w/reviews/{subject}/{id}/vote", ANYBODY, EVERY_KEY},
    {"GET", "/api/v1/reviews/subjects", ROLE_AGENT, SCOPE_QUERY},
    {"GET", "/api/v1/reviews/subjects/{name}", ROLE_AGENT, SCOPE_QUERY},
    {"PUT", "/api/v1/reviews/subjects/{name}", ROLE_ANALYST, SCOPE_MANAGE},
    {"DELETE", "/api/v1/reviews/subjects/{name}", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/api/v1/reviews/links", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/reviews/due", ROLE_ANALYST, SCOPE_MANAGE},
    {"PATCH", "/api/v1/reviews/due/{review}/{months}", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/reviews/settings", ROLE_AGENT, SCOPE_QUERY},
    {"PATCH", "/api/v1/reviews/settings", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/invitation-plans", ROLE_VIEWER, SCOPE_QUERY},
    {"POST", "/api/v1/invitation-plans", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/invitation-plans/{id}", ROLE_VIEWER, SCOPE_QUERY},
    {"PUT", "/api/v1/invitation-plans/{id}", ROLE_ANALYST, SCOPE_MANAGE},
    {"DELETE", "/api/v1/invitation-plans/{id}", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/api/v1/invitation-plans/{id}/start", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/api/v1/invitation-plans/{id}/pause", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/invitation-plans/{id}/preview", ROLE_VIEWER, SCOPE_QUERY},
    {"POST", "/api/v1/invitation-plans/{id}/try", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/invitation-plans/{id}/results", ROLE_VIEWER, SCOPE_QUERY},
    {"GET", "/api/v1/invitation-plans/{id}/invitations", ROLE_AGENT, SCOPE_QUERY},
    {"POST", "/api/v1/invitation-plans/{id}/invite", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/customers/{id}/invitations", ROLE_AGENT, SCOPE_QUERY},
    {"GET", "/api/v1/outlets", ROLE_ADMIN, SCOPE_ADMIN},
    {"PUT", "/api/v1/outlets", ROLE_ADMIN, SCOPE_ADMIN},
    {"POST", "/api/v1/outlets/try", ROLE_ADMIN, SCOPE_ADMIN},
    {"GET", "/api/v1/webhooks", ROLE_ADMIN, SCOPE_ADMIN},
    {"POST", "/api/v1/webhooks", ROLE_ADMIN, SCOPE_ADMIN},
    {"GET", "/api/v1/webhooks/{id}", ROLE_ADMIN, SCOPE_ADMIN},
    {"PUT", "/api/v1/webhooks/{id}", ROLE_ADMIN, SCOPE_ADMIN},
    {"DELETE", "/api/v1/webhooks/{id}", ROLE_ADMIN, SCOPE_ADMIN},
    {"POST", "/api/v1/webhooks/{id}/secret", ROLE_ADMIN, SCOPE_ADMIN},
    {"POST", "/api/v1/webhooks/{id}/test", ROLE_ADMIN, SCOPE_ADMIN},
    {"GET", "/api/v1/webhooks/{id}/deliveries", ROLE_ADMIN, SCOPE_ADMIN},
    {"POST", "/api/v1/webhooks/{id}/deliveries/{delivery}/replay", ROLE_ADMIN, SCOPE_ADMIN},
    {"POST", "/api/v1/bounces", ROLE_ANALYST, SCOPE_MANAGE},
    {"DELETE", "/api/v1/bounces", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/api/v1/jobs", ROLE_ADMIN, SCOPE_ADMIN},
    {"POST", "/api/v1/jobs/{name}/run", ROLE_ADMIN, SCOPE_ADMIN},
    {"POST", "/api/v1/jobs/{name}/cancel", ROLE_ADMIN, SCOPE_ADMIN},
};
enum { RIGHTS = sizeof rights / sizeof *rights, ROLES = 6, SCOPES = 6 };

static struct http_world world;
static struct { char cookie[256], csrf[128]; } people[ROLES];
static char keys[SCOPES][TOKEN_TEXT_BYTES];

static const struct right *find_right(const char *method, const char *pattern) {
    for (size_t i = 0; i < RIGHTS; i++)
        if (strcmp(rights[i].method, method) == 0 && strcmp(rights[i].pattern, pattern) == 0)
            return &rights[i];
    return NULL;
}

/* ---- askers ---- */

static void sign_in(size_t i, const char *email, const char *password) {
    struct response response = {0};
    struct request *request = request_new(world.app, "POST", "/api/v1/sessions", false);
    char body[256];
    snprintf(body, sizeof body, "{\"email\":\"%s\",\"password\":\"%s\"}", email, password);
    request_set_body(request, slice_of(body));
    router_dispatch(world.app, request, &response);
    assert_int_equal(response.status, 201);
    json_t *json = json_loadb(response.body.p, response.body.n, 0, NULL);
    snprintf(people[i].csrf, sizeof people[i].csrf, "%s",
             json_string_value(json_object_get(json, "csrf")));
    for (size_t h = 0; h < response.n_headers; h++)
        if (strcmp(response.headers[h].name, "Set-Cookie") == 0)
            snprintf(people[i].cookie, sizeof people[i].cookie, "%.*s",
                     (int)strcspn(response.headers[h].value, ";"), response.headers[h].value);
    json_decref(json);
    response_release(&response);
    request_free(request);
}

static int open_world(void **state) {
    (void)state;
    struct err err = {0};
    struct principal shell = {.name = "shell", .role = ROLE_OWNER};
    world_open(&world, APP_OPTIONS.tables, APP_OPTIONS.n_tables);
    for (int i = 0; i < ROLES; i++) {
        char email[64];
        snprintf(email, sizeof email, "p%d@example.org", i);
        struct user user = {
            .email = email, .name = email, .role = (enum role)(ROLE_VIEWER + i), .language = ""};
        if (user_add(app_accounts(world.app), &shell, &user, "a long password", &err))
            fail_msg("%s", err.message);
        sign_in((size_t)i, email, "a long password");
    }
    for (int i = 0; i < SCOPES; i++) {
        struct api_key key = {.name = "one scope", .scopes = 1U << i};
        if (api_key_add(app_accounts(world.app), &shell, &key, keys[i], &err))
            fail_msg("%s", err.message);
    }
    return 0;
}

static int close_world(void **state) {
    (void)state;
    world_close(&world);
    return 0;
}

/* ---- asking ---- */

/* The pattern with its parameters as numbers that nothing has. */
static void target_of(const char *pattern, char target[256]) {
    size_t n = 0;
    while (*pattern && n + 8 < 256) {
        if (*pattern == '{') {
            n += (size_t)snprintf(target + n, 256 - n, "999999");
            pattern += strcspn(pattern, "}") + 1;
        } else {
            target[n++] = *pattern++;
        }
    }
    target[n] = 0;
}

static int ask(const char *method, const char *pattern, const char *cookie, const char *csrf,
               const char *key) {
    char target[256], bearer[128];
    struct response response = {0};
    target_of(pattern, target);
    struct request *request = request_new(world.app, method, target, false);
    if (cookie)
        request_add_header(request, "Cookie", cookie);
    if (csrf)
        request_add_header(request, "X-CSRF-Token", csrf);
    snprintf(bearer, sizeof bearer, "Bearer %s", key ? key : "");
    if (key)
        request_add_header(request, "Authorization", bearer);
    request_set_body(request, SLICE_LITERAL("{}"));
    router_dispatch(world.app, request, &response);
    int status = response.status;
    response_release(&response);
    request_free(request);
    return status;
}

static bool is_refusal(int status) { return status == 401 || status == 403; }

static void check(const struct right *right, const char *who, int status, bool may) {
    if (is_refusal(status) == may)
        fail_msg("%s %s as %s answered %d", right->method, right->pattern, who, status);
}

static void check_route(const struct right *right) {
    check(right, "nobody", ask(right->method, right->pattern, NULL, NULL, NULL),
          right->role == ANYBODY);
    bool ends = strcmp(right->pattern, "/api/v1/sessions/current") == 0;
    for (int i = 0; i < ROLES && !ends; i++)
        check(right, role_name((enum role)(ROLE_VIEWER + i)),
              ask(right->method, right->pattern, people[i].cookie, people[i].csrf, NULL),
              right->role <= (int)ROLE_VIEWER + i);
    for (unsigned i = 0; i < SCOPES; i++)
        check(right, scope_name((enum scope)(1U << i)),
              ask(right->method, right->pattern, NULL, NULL, keys[i]),
              right->scope == EVERY_KEY || (right->scope & (1U << i)) != 0);
}

static void every_route_is_known_and_guarded(void **state) {
    (void)state;
    size_t checked = 0;
    for (size_t t = 0; t < APP_OPTIONS.n_tables; t++)
        for (size_t i = 0; i < APP_OPTIONS.tables[t]->n; i++) {
            const struct route *route = &APP_OPTIONS.tables[t]->routes[i];
            if (!route->summary || route->access == ACCESS_WRITE_KEY)
                continue;
            for (unsigned bit = 1; bit < METHOD_OPTIONS; bit <<= 1) {
                if (!(route->methods & bit))
                    continue;
                const struct right *right =
                    find_right(method_name((enum method)bit), route->pattern);
                if (!right)
                    fail_msg("who may call %s %s?", method_name((enum method)bit), route->pattern);
                check_route(right);
                checked++;
            }
        }
    assert_true(checked > 40);
}

/* The least role that opens a page or sends its form. */
static const struct right pages[] = {
    {"GET", "/", ROLE_VIEWER, 0},
    {"POST", "/sign-out", ROLE_VIEWER, 0},
    {"GET", "/explore", ROLE_VIEWER, 0},
    {"GET", "/scores", ROLE_VIEWER, 0},
    {"GET", "/settings/sso", ROLE_ADMIN, SCOPE_ADMIN},
    {"POST", "/settings/sso", ROLE_ADMIN, SCOPE_ADMIN},
    {"GET", "/segmentations", ROLE_VIEWER, 0},
    {"GET", "/segmentations/new", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/segmentations/new", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/segmentations/{name}", ROLE_VIEWER, 0},
    {"GET", "/segmentations/{name}/members", ROLE_AGENT, 0},
    {"GET", "/segmentations/{name}/edit", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/segmentations/{name}/edit", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/segmentations/{name}/remove", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/groups", ROLE_AGENT, 0},
    {"GET", "/groups/new", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/groups/new", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/groups/{id}", ROLE_AGENT, 0},
    {"POST", "/groups/{id}", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/groups/{id}/members", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/groups/{id}/members/remove", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/groups/{id}/remove", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/segments", ROLE_VIEWER, 0},
    {"GET", "/segments/new", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/segments/new", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/segments/{name}", ROLE_VIEWER, 0},
    {"GET", "/segments/{name}/edit", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/segments/{name}/edit", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/segments/{name}/remove", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/surveys", ROLE_VIEWER, 0},
    {"POST", "/surveys", ROLE_ANALYST, 0},
    {"POST", "/surveys/import", ROLE_ANALYST, 0},
    {"GET", "/surveys/{id}", ROLE_VIEWER, 0},
    {"GET", "/surveys/{id}/answers", ROLE_AGENT, 0},
    {"GET", "/surveys/{id}/edit", ROLE_ANALYST, 0},
    {"GET", "/surveys/{id}/preview", ROLE_ANALYST, 0},
    {"POST", "/surveys/{id}/preview", ROLE_ANALYST, 0},
    {"GET", "/surveys/{id}/preview/image/{question}/{option}", ROLE_ANALYST, 0},
    {"POST", "/surveys/{id}/do/{what}", ROLE_ANALYST, 0},
    {"GET", "/settings/outlets", ROLE_ADMIN, SCOPE_ADMIN},
    {"POST", "/settings/outlets", ROLE_ADMIN, SCOPE_ADMIN},
    {"GET", "/settings/webhooks", ROLE_ADMIN, SCOPE_ADMIN},
    {"POST", "/settings/webhooks", ROLE_ADMIN, SCOPE_ADMIN},
    {"GET", "/settings/webhooks/{id}", ROLE_ADMIN, SCOPE_ADMIN},
    {"POST", "/settings/webhooks/{id}", ROLE_ADMIN, SCOPE_ADMIN},
    {"GET", "/invitations", ROLE_VIEWER, 0},
    {"POST", "/invitations", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/invitations/{id}", ROLE_VIEWER, 0},
    {"POST", "/invitations/{id}", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/invitations/{id}/message", ROLE_VIEWER, 0},
    {"GET", "/invitations/{id}/people", ROLE_AGENT, 0},
    {"GET", "/scores/answers", ROLE_AGENT, 0},
    {"GET", "/scores/answers.csv", ROLE_AGENT, 0},
    {"GET", "/scores/people", ROLE_AGENT, 0},
    {"GET", "/scores/people.csv", ROLE_AGENT, 0},
    {"GET", "/scores.csv", ROLE_VIEWER, 0},
    {"POST", "/scores/survey", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/scores/settings", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/scores/margins", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/scores/margins", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/scores/margins/{name}", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/scores/margins/{name}/remove", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/scores/staff", ROLE_ADMIN, SCOPE_ADMIN},
    {"GET", "/diary/{id}/edit", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/diary/{id}", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/diary", ROLE_VIEWER, 0},
    {"POST", "/diary", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/diary/{id}", ROLE_VIEWER, 0},
    {"POST", "/diary/{id}/remove", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/promises", ROLE_VIEWER, 0},
    {"GET", "/value", ROLE_AGENT, 0},
    {"POST", "/value", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/value/settings", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/value/settings", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/churn", ROLE_AGENT, 0},
    {"POST", "/promises", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/promises/{id}", ROLE_VIEWER, 0},
    {"GET", "/promises/{id}/edit", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/promises/{id}/edit", ROLE_ANALYST, SCOPE_MANAGE},
    {"POST", "/promises/{id}/remove", ROLE_ANALYST, SCOPE_MANAGE},
    {"GET", "/promises/{id}/customers", ROLE_AGENT, 0},
    {"GET", "/promises/{id}/customers.csv", ROLE_AGENT, 0},
    {"GET", "/explore/{kind}", ROLE_VIEWER, 0},
    {"GET", "/explore/{kind}/values", ROLE_VIEWER, 0},
    {"GET", "/explore/{kind}/people", ROLE_AGENT, 0},
    {"GET", "/explore/{kind}/people.csv", ROLE_UNIT_MANAGER, 0},
    {"GET", "/explore/saved", ROLE_VIEWER, 0},
    {"POST", "/explore/saved", ROLE_VIEWER, 0},
    {"POST", "/explore/saved/{id}/remove", ROLE_VIEWER, 0},
    {"GET", "/reviews", ROLE_AGENT, 0},
    {"GET", "/reviews/queue", ROLE_UNIT_MANAGER, 0},
    {"POST", "/reviews/{id}", ROLE_UNIT_MANAGER, 0},
    {"GET", "/reviews/subjects", ROLE_AGENT, 0},
    {"POST", "/reviews/subjects", ROLE_ANALYST, 0},
    {"POST", "/reviews/settings", ROLE_ANALYST, 0},
    {"POST", "/reviews/due/{review}/{months}", ROLE_ANALYST, 0},
    {"GET", "/reviews/subjects/{name}", ROLE_AGENT, 0},
    {"POST", "/reviews/subjects/{name}", ROLE_ANALYST, 0},
    {"GET", "/customers", ROLE_AGENT, 0},
    {"GET", "/customers/{id}", ROLE_AGENT, 0},
    {"GET", "/customers/{id}/merge", ROLE_ANALYST, 0},
    {"POST", "/customers/{id}/merge", ROLE_ANALYST, 0},
    {"POST", "/customers/{id}/unmerge", ROLE_ANALYST, 0},
    {"GET", "/customers/duplicates", ROLE_ANALYST, 0},
    {"POST", "/customers/duplicates", ROLE_ADMIN, 0},
    {"GET", "/customers/duplicates/{number}", ROLE_ANALYST, 0},
    {"POST", "/customers/duplicates/{number}", ROLE_ANALYST, 0},
    {"POST", "/customers/{id}/notes", ROLE_AGENT, 0},
    {"GET", "/settings/identifiers", ROLE_ANALYST, 0},
    {"POST", "/settings/identifiers", ROLE_ANALYST, 0},
    {"GET", "/import", ROLE_ANALYST, 0},
    {"POST", "/import", ROLE_ANALYST, 0},
    {"GET", "/import/{id}", ROLE_ANALYST, 0},
    {"POST", "/import/{id}", ROLE_ANALYST, 0},
    {"POST", "/import/{id}/cancel", ROLE_ANALYST, 0},
    {"GET", "/sources", ROLE_ANALYST, 0},
    {"POST", "/sources", ROLE_ANALYST, 0},
    {"GET", "/sources/new", ROLE_ANALYST, 0},
    {"GET", "/sources/{id}", ROLE_ANALYST, 0},
    {"POST", "/sources/{id}", ROLE_ANALYST, 0},
    {"POST", "/sources/{id}/state", ROLE_ANALYST, 0},
    {"POST", "/sources/{id}/rotate", ROLE_ANALYST, 0},
    {"GET", "/kiosks", ROLE_VIEWER, 0},
    {"POST", "/kiosks", ROLE_ANALYST, 0},
    {"GET", "/kiosks/new", ROLE_ANALYST, 0},
    {"GET", "/kiosks/{id}", ROLE_VIEWER, 0},
    {"GET", "/kiosks/{id}/moments", ROLE_VIEWER, 0},
    {"POST", "/kiosks/{id}", ROLE_ANALYST, 0},
    {"POST", "/kiosks/{id}/pair", ROLE_ANALYST, 0},
    {"POST", "/kiosks/{id}/remove", ROLE_ANALYST, 0},
    {"GET", "/settings", ROLE_VIEWER, 0},
    {"GET", "/settings/organisation", ROLE_VIEWER, 0},
    {"POST", "/settings/organisation", ROLE_ADMIN, 0},
    {"GET", "/settings/touchpoints", ROLE_VIEWER, 0},
    {"POST", "/settings/touchpoints", ROLE_ANALYST, 0},
    {"POST", "/settings/touchpoints/preview", ROLE_ANALYST, 0},
    {"GET", "/settings/units", ROLE_VIEWER, 0},
    {"POST", "/settings/units", ROLE_ANALYST, 0},
    {"POST", "/settings/units/import", ROLE_ANALYST, 0},
    {"POST", "/settings/units/rules", ROLE_ANALYST, 0},
    {"POST", "/settings/units/hierarchies", ROLE_ANALYST, 0},
    {"GET", "/settings/people", ROLE_ADMIN, 0},
    {"POST", "/settings/people", ROLE_ADMIN, 0},
    {"GET", "/settings/people/{id}", ROLE_ADMIN, 0},
    {"POST", "/settings/people/{id}", ROLE_ADMIN, 0},
    {"GET", "/settings/keys", ROLE_ADMIN, 0},
    {"POST", "/settings/keys", ROLE_ADMIN, 0},
    {"GET", "/settings/audit", ROLE_ADMIN, 0},
    {"GET", "/settings/privacy", ROLE_ADMIN, 0},
    {"GET", "/settings/privacy/purpose", ROLE_ADMIN, 0},
    {"POST", "/settings/privacy/retention", ROLE_ADMIN, 0},
    {"GET", "/settings/privacy/properties", ROLE_ADMIN, 0},
    {"POST", "/settings/privacy/properties", ROLE_ADMIN, 0},
    {"POST", "/settings/privacy/purpose", ROLE_ADMIN, 0},
    {"POST", "/customers/{id}/consents", ROLE_ANALYST, 0},
    {"POST", "/customers/{id}/consent-link", ROLE_ANALYST, 0},
    {"GET", "/settings/privacy/erasures/{number}", ROLE_ADMIN, 0},
    {"POST", "/settings/privacy/erasures/{number}", ROLE_ADMIN, 0},
    {"GET", "/customers/{id}/erase", ROLE_ADMIN, 0},
    {"GET", "/customers/{id}/export", ROLE_UNIT_MANAGER, 0},
    {"POST", "/customers/{id}/erase", ROLE_ADMIN, 0},
    {"GET", "/settings/jobs", ROLE_ADMIN, 0},
    {"POST", "/settings/jobs", ROLE_ADMIN, 0},
    {"GET", "/settings/me", ROLE_VIEWER, 0},
    {"POST", "/settings/me", ROLE_VIEWER, 0},
    {"POST", "/settings/me/password", ROLE_VIEWER, 0},
    {"GET", "/settings/me/second-factor", ROLE_VIEWER, 0},
    {"POST", "/settings/me/second-factor", ROLE_VIEWER, 0},
    {"POST", "/settings/me/sessions", ROLE_VIEWER, 0},
};

static const struct right *find_page(const char *method, const char *pattern) {
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        if (strcmp(pages[i].method, method) == 0 && strcmp(pages[i].pattern, pattern) == 0)
            return &pages[i];
    return NULL;
}

/* Whoever may not gets 403; whoever may, does at least see the page (forms are sent by tests of their own). */
static void check_page(const char *method, const char *pattern) {
    const struct right *page = find_page(method, pattern);
    if (!page)
        fail_msg("who may open %s %s?", method, pattern);
    int status = ask(method, pattern, NULL, NULL, NULL);
    if (status != 303 && status != 401)
        fail_msg("%s %s without a session answered %d", method, pattern, status);
    bool shows = strcmp(method, "GET") == 0;
    for (int i = 0; i < ROLES; i++) {
        bool may = page->role <= (int)ROLE_VIEWER + i;
        if (may && !shows)
            continue;
        status = ask(method, pattern, people[i].cookie, people[i].csrf, NULL);
        check(page, role_name((enum role)(ROLE_VIEWER + i)), status, may);
    }
}

static void pages_need_a_person_who_may(void **state) {
    (void)state;
    size_t checked = 0;
    for (size_t t = 0; t < APP_OPTIONS.n_tables; t++)
        for (size_t i = 0; i < APP_OPTIONS.tables[t]->n; i++) {
            const struct route *route = &APP_OPTIONS.tables[t]->routes[i];
            if (route->access != ACCESS_SESSION || route->summary)
                continue;
            for (unsigned bit = 1; bit < METHOD_OPTIONS; bit <<= 1)
                if (route->methods & bit) {
                    check_page(method_name((enum method)bit), route->pattern);
                    checked++;
                }
        }
    assert_true(checked > 40);
}

static void changes_need_the_token(void **state) {
    (void)state;
    enum { ADMIN = 4 };
    assert_int_equal(ask("PATCH", "/api/v1/settings", people[ADMIN].cookie, NULL, NULL), 403);
    assert_int_equal(ask("PATCH", "/api/v1/settings", people[ADMIN].cookie, people[0].csrf, NULL),
                     403);
    assert_int_equal(
        ask("PATCH", "/api/v1/settings", people[ADMIN].cookie, people[ADMIN].csrf, NULL), 200);
}

static void other_sites_change_nothing(void **state) {
    (void)state;
    enum { ADMIN = 4 };
    static const char *const origins[] = {"https://evil.example", "null",
                                          "http://localhost.evil.example"};
    for (size_t i = 0; i < 3; i++) {
        struct response response = {0};
        struct request *request = request_new(world.app, "PATCH", "/api/v1/settings", false);
        request_add_header(request, "Host", "localhost");
        request_add_header(request, "Cookie", people[ADMIN].cookie);
        request_add_header(request, "X-CSRF-Token", people[ADMIN].csrf);
        request_add_header(request, "Origin", origins[i]);
        request_set_body(request, SLICE_LITERAL("{}"));
        router_dispatch(world.app, request, &response);
        assert_int_equal(response.status, 403);
        response_release(&response);
        request_free(request);
    }
}

static void signing_out_ends_the_session(void **state) {
    (void)state;
    enum { AGENT = 1 };
    assert_int_equal(ask("GET", "/api/v1/me", people[AGENT].cookie, NULL, NULL), 200);
    assert_int_equal(
        ask("DELETE", "/api/v1/sessions/current", people[AGENT].cookie, people[AGENT].csrf, NULL),
        204);
    assert_int_equal(ask("GET", "/api/v1/me", people[AGENT].cookie, NULL, NULL), 401);
}

static void wrong_passwords_are_slowed_down(void **state) {
    (void)state;
    int last = 0;
    for (int i = 0; i < 12 && last != 429; i++) {
        struct response response = {0};
        struct request *request = request_new(world.app, "POST", "/api/v1/sessions", false);
        request_set_body(request,
                         SLICE_LITERAL("{\"email\":\"p0@example.org\",\"password\":\"wrong\"}"));
        router_dispatch(world.app, request, &response);
        last = response.status;
        assert_true(last == 401 || last == 429);
        response_release(&response);
        request_free(request);
    }
    assert_int_equal(last, 429);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_known_and_guarded),
        cmocka_unit_test(pages_need_a_person_who_may),
        cmocka_unit_test(changes_need_the_token),
        cmocka_unit_test(other_sites_change_nothing),
        cmocka_unit_test(signing_out_ends_the_session),
        cmocka_unit_test(wrong_passwords_are_slowed_down),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
