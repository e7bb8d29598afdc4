/*
 * Whom Vereda asks: plans for its two surveys. They do not run: the demonstration has no way to send.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "demo/fill.h"
#include "invite/invite.h"

static const char *const documents[] = {
    "{\"name\":\"Tras el chat\",\"survey\":\"Chat\",\"after\":{\"event\":\"Chat Ended\"},"
    "\"delay\":\"10m\",\"channels\":[\"email\",\"sms\"],"
    "\"hours\":{\"from\":\"09:00\",\"to\":\"21:00\"},"
    "\"subject\":{\"es\":\"¿Cómo ha ido la conversación?\",\"en\":\"How did the chat go?\"}}",
    "{\"name\":\"Relacional, un mes después del alta\",\"survey\":\"Relacional\","
    "\"after\":{\"event\":\"Installation Completed\"},\"delay\":\"30d\",\"share\":0.5,"
    "\"channels\":[\"email\"],\"reminder\":{\"after\":\"5d\"}}",
};

int demo_invitations(struct folder *folder, const struct principal *principal, struct err *err) {
    json_t *list = NULL;
    int code = invite_plans(folder, &list, err);
    size_t there = json_array_size(list); /* of a fill that was interrupted */
    json_decref(list);
    for (size_t i = there; i < sizeof documents / sizeof *documents && !code; i++) {
        uint64_t id = 0;
        json_t *document = json_loads(documents[i], 0, NULL);
        code = invite_plan_put(folder, principal, &id, document, err);
        json_decref(document);
    }
    return code;
}
