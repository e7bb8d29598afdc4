/*
 * What event_parse collects while it reads, before it knows the event's type. Private to collect/event_*.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_COLLECT_EVENT_FIELDS_H
#define SENDA_COLLECT_EVENT_FIELDS_H

#include "collect/event_scan.h"

/* Members of context that are kept with an interaction: X(name, object inside context, member) */
#define KEPT_TABLE(X)                                                                              \
    X(PAGE_PATH, "page.", "path")                                                                  \
    X(PAGE_URL, "page.", "url")                                                                    \
    X(PAGE_REFERRER, "page.", "referrer")                                                          \
    X(PAGE_TITLE, "page.", "title")                                                                \
    X(CAMPAIGN_NAME, "campaign.", "name")                                                          \
    X(CAMPAIGN_SOURCE, "campaign.", "source")                                                      \
    X(CAMPAIGN_MEDIUM, "campaign.", "medium")                                                      \
    X(CAMPAIGN_TERM, "campaign.", "term")                                                          \
    X(CAMPAIGN_CONTENT, "campaign.", "content")                                                    \
    X(LOCALE, "", "locale")                                                                        \
    X(DEVICE_TYPE, "device.", "type")                                                              \
    X(OS_NAME, "os.", "name")                                                                      \
    X(APP_VERSION, "app.", "version")                                                              \
    X(IP, "", "ip")

enum kept {
#define X(name, group, member) KEPT_##name,
    KEPT_TABLE(X)
#undef X
        KEPT_COUNT
};

enum { MAX_EXTERNAL_IDS = 32, MAX_CHOICES = 32 };

struct event_context {
    struct slice channel, touchpoint, unit, traits; /* traits: raw object; absent if none */
    unsigned said;                                  /* bit i: kept[i] is set */
    struct slice kept[KEPT_COUNT];
    struct identity external[MAX_EXTERNAL_IDS];
    size_t n_external;
    struct event_choice choices[MAX_CHOICES];
    size_t n_choices;
};

/* Says nothing yet; what `said` and n_external do not cover stays unset. */
static inline void event_context_init(struct event_context *context) {
    context->channel = context->touchpoint = context->unit = context->traits =
        (struct slice){NULL, 0};
    context->said = 0;
    context->n_external = 0;
    context->n_choices = 0;
}

/* A run of properties or traits; nulls are in it. */
struct event_list {
    struct event_property *properties; /* [LIMIT_EVENT_PROPERTIES + 1] */
    size_t n;
};

/* At the value of "context". */
enum refusal event_read_context(struct scan *scan, struct event_context *context);
/* At the value of "properties" or "traits": an object or null. what: for messages. */
enum refusal event_read_list(struct scan *scan, const char *what, struct event_list *list);
/* Text with no control characters, at most max bytes; null and "" leave *text absent. A whole number is its digits if
 * `number` allows it. */
enum refusal event_read_name(struct scan *scan, const char *what, size_t max, bool number,
                             struct slice *text);
/* Copies what is said to the event: interactions only keep the closed list. *n grows by what is added to properties. */
void event_take_context(const struct event_context *context, struct arena *arena,
                        struct event *event, struct event_property *properties, size_t *n);

#endif
