/*
 * What one tap says, and when it happened.
 *
 * CLOCK  A tap of the same start of the device as the batch (boot) is as old as its counter says (mono), whatever happened to the
 * device's clock since. One of an earlier start bears the device's clock, repaired by how much that clock is off now. No tap
 * lies in the future, and none before the kiosk was made: it then takes the instant of the tap before it.
 * What has no credible instant is no misuse for being close to another.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>

#include "base/time.h"
#include "kiosk/taking.h"

enum { EARLY_MS = 86400000, SLACK_MS = 2000 };

const char *tap_text(const json_t *json, const char *name) {
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

int64_t tap_int(const json_t *json, const char *name) {
    return json_integer_value(json_object_get(json, name));
}

const json_t *taking_document(struct taking *taking, int64_t revision) {
    char name[24];
    struct err ignored = {0};
    snprintf(name, sizeof name, "%lld", (long long)revision);
    json_t *document = json_object_get(taking->documents, name);
    if (document || kiosk_document(taking->folder, taking->signer.id, revision, &document,
                                   &taking->newest, &ignored))
        return document;
    json_object_set_new(taking->documents, name, document);
    return document;
}

const json_t *tap_follow_up(const json_t *document, int64_t face, const char *kind) {
    const json_t *list = json_object_get(document, "follow_ups");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i), *faces = json_object_get(one, "faces");
        for (size_t k = 0; k < json_array_size(faces); k++)
            if (strcmp(tap_text(one, "kind"), kind) == 0 &&
                json_integer_value(json_array_get(faces, k)) == face)
                return one;
    }
    return NULL;
}

const char *tap_first_text(const json_t *document, const json_t *texts) {
    const char *language =
        json_string_value(json_array_get(json_object_get(document, "languages"), 0));
    return language ? tap_text(texts, language) : "";
}

const char *tap_survey(const json_t *document) {
    return json_string_value(json_object_get(document, "survey"));
}

static const char *fault_of(struct taking *taking, struct tap *tap) {
    const json_t *document = taking_document(taking, tap->revision);
    size_t id = strlen(tap->id);
    if (!id || id > TAP_ID_BYTES)
        return "id must be a text of 1 to 64 bytes";
    if (tap->seq < 1)
        return "seq must be a whole number from 1";
    const char *kind = tap_text(document, "kind");
    if (strcmp(kind, tap->answers ? "terminal" : "faces") != 0)
        return "this screen asks otherwise";
    if (tap->answers)
        return json_is_object(tap->answers) && tap_survey(document) ? NULL
                                                                    : "this screen shows no survey";
    if (tap->faces < 3 || tap->faces > 5 || tap->value < 1 || tap->value > tap->faces)
        return "value must be a face, 1 to faces, and faces 3 to 5";
    if (strlen(tap->text) > KIOSK_TEXT_BYTES)
        return "text is too long";
    if (!document)
        return "this screen has no such revision";
    if (tap->text[0] && !tap_follow_up(document, tap->value, "text"))
        return "no text is asked after this face";
    const json_t *options =
        json_object_get(tap_follow_up(document, tap->value, "choice"), "options");
    for (size_t i = 0; i < json_array_size(tap->choices); i++) {
        const json_t *choice = json_array_get(tap->choices, i);
        if (!json_is_integer(choice) || json_integer_value(choice) < 0 ||
            (size_t)json_integer_value(choice) >= json_array_size(options))
            return "choices must be numbers of options after this face";
    }
    return json_array_size(tap->choices) > KIOSK_OPTIONS ? "too many choices" : NULL;
}

void tap_read(struct taking *taking, struct tap *tap) {
    json_t *json = json_loadb(tap->raw.p, tap->raw.n, JSON_REJECT_DUPLICATES, NULL);
    json_array_append_new(taking->parsed, json);
    tap->id = tap_text(json, "id");
    tap->text = tap_text(json, "text");
    tap->language = tap_text(json, "language");
    tap->seq = tap_int(json, "seq");
    tap->revision = tap_int(json, "revision");
    tap->value = tap_int(json, "value");
    tap->faces = tap_int(json, "faces");
    tap->extra = tap_int(json, "extra");
    tap->choices = json_object_get(json, "choices");
    tap->answers = json_object_get(json, "answers");
    tap->survey_version = tap_int(json, "survey_version");
    tap->partial = json_is_true(json_object_get(json, "partial"));
    tap->has_mono = json_is_integer(json_object_get(json, "mono"));
    tap->mono_ms = tap_int(json, "mono");
    tap->same_boot = taking->boot[0] && strcmp(tap_text(json, "boot"), taking->boot) == 0;
    if (!json_is_object(json))
        tap->fault = "tap must be a JSON object";
    else if (time_parse(slice_of(tap_text(json, "at")), NULL, &tap->at_ms))
        tap->fault = "at must be an instant";
    else
        tap->fault = fault_of(taking, tap);
}

bool tap_date(const struct taking *taking, struct tap *tap, int64_t before_ms) {
    int64_t earliest_ms = taking->signer.created_ms - EARLY_MS;
    if (tap->same_boot && tap->has_mono && tap->mono_ms <= taking->mono_ms)
        tap->time_ms = taking->received_ms - (taking->mono_ms - tap->mono_ms);
    else
        tap->time_ms = tap->at_ms + taking->skew_ms;
    bool credible = tap->time_ms >= earliest_ms && tap->time_ms <= taking->received_ms + SLACK_MS;
    if (tap->time_ms > taking->received_ms)
        tap->time_ms = taking->received_ms;
    else if (tap->time_ms < earliest_ms)
        tap->time_ms = before_ms >= earliest_ms ? before_ms : taking->signer.created_ms;
    return credible;
}
