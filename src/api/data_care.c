/*
 * /api/v1/properties and /api/v1/retention: what each property is, and how long what is kept.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "api/api.h"
#include "base/limits.h"
#include "collect/consent.h"
#include "folder/registry.h"

enum { NOTE_MAX = 500 };

static json_t *note_json(const struct property_note *note) {
    return json_pack("{s:s, s:s, s:b, s:o, s:s}", "name", note->name, "sensitivity",
                     SENSITIVITY_NAMES[note->sensitivity], "declared", note->declared, "purpose",
                     note->purpose[0] ? json_string(note->purpose) : json_null(), "note",
                     note->note);
}

static int list(struct request *request, struct response *response, struct err *err) {
    struct property_note *notes;
    size_t n;
    int code = registry_list(app_folder(request->app), request->arena, &notes, &n, err);
    if (code < 0)
        return code;
    json_t *rows = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(rows, note_json(&notes[i]));
    response_list(response, rows, NULL);
    return HANDLED;
}

static int read_sensitivity(const json_t *body, struct property_note *note, struct err *err) {
    const char *text = json_string_value(json_object_get(body, "sensitivity"));
    for (int i = 0; text && i < SENSITIVITIES; i++)
        if (strcmp(text, SENSITIVITY_NAMES[i]) == 0) {
            note->sensitivity = (enum sensitivity)i;
            return 0;
        }
    return err_at(err, E_INVALID, "/sensitivity",
                  "sensitivity is automatic, open, personal or sensitive");
}

static int put(struct request *request, struct response *response, struct err *err) {
    static const char *const known[] = {"sensitivity", "purpose", "note", NULL};
    struct property_note note = {.name = request->params[0], .declared = true};
    struct purpose purpose;
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = api_known(body, known, err);
    if (!code)
        code = read_sensitivity(body, &note, err);
    if (!code)
        code = api_text(body, "purpose", "", LIMIT_NAME_BYTES, &note.purpose, err);
    if (!code)
        code = api_text(body, "note", "", NOTE_MAX, &note.note, err);
    if (!code && strlen(note.name) > LIMIT_NAME_BYTES)
        code = err_at(err, E_INVALID, "/name", "the name is too long");
    if (!code && note.purpose[0] &&
        !purpose_find(ingest_consents(app_folder(request->app)->ingest), slice_of(note.purpose),
                      &purpose))
        code = err_at(err, E_INVALID, "/purpose", "no such purpose");
    if (!code)
        code = registry_put(app_folder(request->app), &note, err);
    if (!code) {
        audit_act(request, "property.change", note.name, SENSITIVITY_NAMES[note.sensitivity]);
        note.declared = note.sensitivity != SENSITIVITY_AUTOMATIC;
        json_t *json = note_json(&note);
        json_object_set_new(
            json, "unsealed_parts",
            json_integer((json_int_t)timeline_unsealed(app_folder(request->app)->timeline)));
        response_json(response, 200, json);
        json_decref(json);
    }
    json_decref(body);
    return code ? code : HANDLED;
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/properties", ACCESS_API, SCOPE_MANAGE, .handle = list,
     .summary = "Every property with its sensitivity (open, personal, sensitive) and purpose"},
    {METHOD_PUT, "/api/v1/properties/{name}", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN,
     .handle = put,
     .summary = "Says what a property is: {\"sensitivity\", \"purpose\", \"note\"}; automatic "
                "takes it back"},
};
const struct route_table api_data_care_routes = ROUTE_TABLE(routes);
