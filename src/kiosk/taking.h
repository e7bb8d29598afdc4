/*
 * A batch of taps on its way: shared by take.c (the batch), tap.c (what one tap says) and tap_event.c (what it becomes).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_KIOSK_TAKING_H
#define SENDA_KIOSK_TAKING_H

#include "kiosk/internal.h"

enum { TAP_ID_BYTES = 64, TAP_EVENTS = 3 };

struct tap {
    const char *id, *text, *language, *misuse;
    int64_t seq, at_ms, mono_ms, revision, value, faces, extra, time_ms;
    bool same_boot, has_mono;
    const json_t *choices, *answers; /* answers: of a terminal, else NULL */
    int64_t survey_version;
    const struct survey *survey;
    bool partial;
    size_t telling; /* which of the batch's events says what came of it */
    struct slice raw;
    const char *fault; /* why it is refused, or NULL */
};

struct taking {
    struct folder *folder;
    const char *address;
    struct kiosk_signer signer;
    struct arena arena;
    json_t *body, *parsed; /* parsed: its taps, whose texts are viewed */
    json_t *documents;     /* by revision */
    int64_t received_ms, skew_ms, mono_ms, newest;
    const char *chain, *boot;
    struct tap *taps;
    struct survey **surveys; /* [n] kept as long as events view them */
    size_t n, n_surveys;
    struct event *events;
    size_t n_events;
    struct event_result *results;
};

/* Members of a JSON object: "" and 0 where absent. */
const char *tap_text(const json_t *json, const char *name);
int64_t tap_int(const json_t *json, const char *name);

/* ---- tap.c ---- */
/* The screen's document in a revision, 0: the newest; kept with the batch. NULL: it cannot be read. */
const json_t *taking_document(struct taking *taking, int64_t revision);
/* The question of a kind ("choice", "text") after a face, or NULL. */
const json_t *tap_follow_up(const json_t *document, int64_t face, const char *kind);
/* A text in the screen's first language: answers are compared across languages. */
const char *tap_first_text(const json_t *document, const json_t *texts);
const char *tap_survey(const json_t *document); /* id, or NULL */
/* Reads tap->raw; what is wrong with it becomes tap->fault. */
void tap_read(struct taking *taking, struct tap *tap);
/* When it happened: see CLOCK. before_ms: the tap before it, 0: none. False if its clock told nothing credible. */
bool tap_date(const struct taking *taking, struct tap *tap, int64_t before_ms);

/* ---- tap_event.c ---- */
/* `Kiosk Tapped`. */
void tap_event(struct taking *taking, const struct tap *tap, struct event *event);
/* A terminal's visit: its answers, checked against the version that it was shown, behind taking->events; or a fault. */
void tap_survey_events(struct taking *taking, struct tap *tap);

#endif
