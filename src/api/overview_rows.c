/*
 * A customer's rows at a glance: see overview_rows.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "api/overview_rows.h"

#include <math.h>
#include <stdlib.h>

#include "base/time.h"
#include "query/sight.h"

enum {
    CHANNELS = 32,
    UNITS = 32,
    MATTERS = 256,
    ANSWERS = 64,
    OPINIONS_SHOWN = 6,
    OPEN_DAYS = 365
};

static json_t *name_json(struct request *request, enum dictionary_kind kind, uint16_t code) {
    struct slice name = dictionary_name(app_folder(request->app)->dictionary, kind, code);
    json_t *json = code != CODE_NONE && name.n ? json_stringn(name.p, name.n) : NULL;
    return json ? json : json_null();
}

/* CODE_NONE also where the asker is not shown it. */
static uint32_t property(struct request *request, const char *name) {
    struct folder *folder = app_folder(request->app);
    struct sight sight = sight_of(folder, &request->principal);
    uint16_t code = dictionary_find(folder->dictionary, DICTIONARY_PROPERTY, slice_of(name));
    return sight_hides(&sight, code) ? CODE_NONE : code;
}

static int64_t time_of(const struct part *part, uint32_t row) {
    return (int64_t)part->sec[row] * 1000 + part->ms[row];
}

/* ---- contacts ---- */

struct counted {
    uint16_t code, event, touchpoint, unit;
    uint64_t n;
    int64_t last_ms;
};

/* What opens a matter, and what closes one of the kind. */
static const struct {
    const char *kind, *opens, *closes[3];
} matters[] = {
    {"case", "Case Opened", {"Case Closed", "Case Resolved", NULL}},
    {"complaint", "Complaint Filed", {"Complaint Resolved", "Complaint Closed", NULL}},
    {"claim", "Claim Filed", {"Claim Resolved", "Claim Closed", NULL}},
    {"fault", "Fault Reported", {"Fault Resolved", "Fault Closed", NULL}},
    {"fault", "Fault Opened", {"Fault Resolved", "Fault Closed", "Technician Visited"}},
};
enum { MATTER_KINDS = sizeof matters / sizeof matters[0] };
/* Properties that name the matter. */
static const char *const references[] = {"case",      "case_id",  "complaint", "complaint_id",
                                         "claim",     "claim_id", "fault",     "fault_id",
                                         "reference", "ticket"};
enum { REFERENCES = sizeof references / sizeof references[0] };

struct matter {
    size_t kind;
    bool closes;
    int64_t time_ms;
    uint16_t event, channel, unit;
    struct slice reference; /* in the arena; absent: not said */
};

struct contacts {
    struct request *request;
    struct counted channels[CHANNELS], units[UNITS];
    size_t n_channels, n_units, n_matters, n_codes;
    struct matter *matters; /* [MATTERS] */
    uint16_t opens[MATTER_KINDS], closes[MATTER_KINDS][3];
    uint32_t codes[REFERENCES];
    uint64_t n;
    int64_t since_ms; /* matters from then on */
};

static void count(struct counted *list, size_t *n, size_t most, uint16_t code,
                  const struct part *part, uint32_t row) {
    size_t i = 0;
    while (i < *n && list[i].code != code)
        i++;
    if (code == CODE_NONE || i == most)
        return;
    if (i == *n)
        list[(*n)++] = (struct counted){.code = code, .last_ms = INT64_MIN};
    list[i].n++;
    if (time_of(part, row) >= list[i].last_ms) {
        list[i].last_ms = time_of(part, row);
        list[i].event = part->event[row];
        list[i].touchpoint = part->touchpoint[row];
        list[i].unit = part->unit[row];
    }
}

static struct slice reference_of(const struct contacts *contacts, const struct part *part,
                                 uint32_t row) {
    for (size_t i = 0; i < contacts->n_codes; i++) {
        struct value value = part_value(part, row, contacts->codes[i]);
        if (value.type == VALUE_TEXT && value.text.n)
            return arena_copy(contacts->request->arena, value.text);
        if (value.type == VALUE_INT)
            return slice_of(
                arena_format(contacts->request->arena, "%lld", (long long)value.integer));
    }
    return (struct slice){0};
}

static void take_matter(struct contacts *contacts, const struct part *part, uint32_t row) {
    uint16_t event = part->event[row];
    for (size_t k = 0; event != CODE_NONE && k < MATTER_KINDS; k++) {
        bool opens = event == contacts->opens[k], closes = false;
        for (size_t i = 0; i < 3; i++)
            closes = closes || event == contacts->closes[k][i];
        if ((!opens && !closes) || contacts->n_matters == MATTERS ||
            time_of(part, row) < contacts->since_ms)
            continue;
        contacts->matters[contacts->n_matters++] =
            (struct matter){.kind = k,
                            .closes = closes,
                            .time_ms = time_of(part, row),
                            .event = event,
                            .channel = part->channel[row],
                            .unit = part->unit[row],
                            .reference = reference_of(contacts, part, row)};
    }
}

static void take_contact(void *context, const struct part *part, uint32_t row) {
    struct contacts *contacts = context;
    contacts->n++;
    count(contacts->channels, &contacts->n_channels, CHANNELS, part->channel[row], part, row);
    count(contacts->units, &contacts->n_units, UNITS, part->unit[row], part, row);
    take_matter(contacts, part, row);
}

static int most_first(const void *a, const void *b) {
    const struct counted *x = a, *y = b;
    return (x->n < y->n) - (x->n > y->n);
}

static int oldest_first(const void *a, const void *b) {
    const struct matter *x = a, *y = b;
    if (x->time_ms != y->time_ms)
        return x->time_ms < y->time_ms ? -1 : 1;
    return x->closes - y->closes;
}

/* What closes a matter takes those of its reference, of whatever kind, else the last one of its kind. */
static size_t close_matters(struct matter *list, size_t n) {
    size_t open = 0;
    if (n)
        qsort(list, n, sizeof *list, oldest_first);
    for (size_t i = 0; i < n; i++) {
        struct matter matter = list[i];
        size_t kept = 0, last = SIZE_MAX;
        if (!matter.closes) {
            list[open++] = matter;
            continue;
        }
        for (size_t k = 0; k < open; k++)
            if (list[k].kind == matter.kind)
                last = k;
        for (size_t k = 0; k < open; k++) {
            bool named = matter.reference.n && list[k].reference.n;
            bool closed = named ? slice_equal(matter.reference, list[k].reference)
                                : !matter.reference.n && k == last;
            if (!closed)
                list[kept++] = list[k];
        }
        open = kept;
    }
    return open;
}

static json_t *open_json(struct request *request, const struct contacts *contacts) {
    json_t *list = json_array();
    size_t n = close_matters(contacts->matters, contacts->n_matters);
    while (n-- > 0) {
        const struct matter *matter = &contacts->matters[n];
        json_array_append_new(
            list,
            json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "kind", matters[matter->kind].kind, "event",
                      name_json(request, DICTIONARY_EVENT, matter->event), "reference",
                      matter->reference.n ? json_stringn(matter->reference.p, matter->reference.n)
                                          : json_null(),
                      "time", api_instant(matter->time_ms), "channel",
                      name_json(request, DICTIONARY_CHANNEL, matter->channel), "unit",
                      name_json(request, DICTIONARY_UNIT, matter->unit)));
    }
    return list;
}

static json_t *channels_json(struct request *request, const struct contacts *contacts) {
    json_t *list = json_array();
    for (size_t i = 0; i < contacts->n_channels; i++) {
        const struct counted *channel = &contacts->channels[i];
        json_array_append_new(
            list,
            json_pack("{s:o, s:I, s:f, s:o, s:o, s:o, s:o}", "channel",
                      name_json(request, DICTIONARY_CHANNEL, channel->code), "count",
                      (json_int_t)channel->n, "share", (double)channel->n / (double)contacts->n,
                      "last", api_instant(channel->last_ms), "event",
                      name_json(request, DICTIONARY_EVENT, channel->event), "touchpoint",
                      name_json(request, DICTIONARY_TOUCHPOINT, channel->touchpoint), "unit",
                      name_json(request, DICTIONARY_UNIT, channel->unit)));
    }
    return list;
}

static void find_codes(struct contacts *contacts) {
    const struct dictionary *dictionary = app_folder(contacts->request->app)->dictionary;
    for (size_t k = 0; k < MATTER_KINDS; k++) {
        contacts->opens[k] =
            dictionary_find(dictionary, DICTIONARY_EVENT, slice_of(matters[k].opens));
        for (size_t i = 0; i < 3 && matters[k].closes[i]; i++)
            contacts->closes[k][i] =
                dictionary_find(dictionary, DICTIONARY_EVENT, slice_of(matters[k].closes[i]));
    }
    for (size_t i = 0; i < REFERENCES; i++) {
        uint32_t code = property(contacts->request, references[i]);
        if (code != CODE_NONE)
            contacts->codes[contacts->n_codes++] = code;
    }
}

int overview_contacts(struct request *request, struct reader *reader, uint32_t owner,
                      json_t *answer, struct err *err) {
    struct contacts *contacts = ARENA_ARRAY(request->arena, struct contacts, 1);
    *contacts = (struct contacts){.request = request};
    contacts->matters = ARENA_ARRAY(request->arena, struct matter, MATTERS);
    contacts->since_ms = request->received_ms - (int64_t)OPEN_DAYS * DAY_MS;
    find_codes(contacts);
    int code = reader_rows(reader, owner, PART_INTERACTIONS, contacts->codes, contacts->n_codes,
                           take_contact, contacts, err);
    if (code)
        return code;
    qsort(contacts->channels, contacts->n_channels, sizeof(struct counted), most_first);
    qsort(contacts->units, contacts->n_units, sizeof(struct counted), most_first);
    json_t *units = json_array();
    for (size_t i = 0; i < contacts->n_units; i++)
        json_array_append_new(
            units, json_pack("{s:o, s:I}", "unit",
                             name_json(request, DICTIONARY_UNIT, contacts->units[i].code), "count",
                             (json_int_t)contacts->units[i].n));
    json_object_set_new(answer, "channels", channels_json(request, contacts));
    json_object_set_new(answer, "units", units);
    json_object_set_new(answer, "open", open_json(request, contacts));
    return 0;
}

/* ---- opinions ---- */

struct opinion {
    int64_t time_ms;
    uint64_t seq;
    uint16_t event, channel, unit;
    struct slice question, metric, comment; /* in the arena */
    double value, points, low, high;        /* NAN: not said */
};

enum { QUESTION, METRIC, VALUE, SCALE_MIN, SCALE_MAX, POINTS, ANSWER_CODES };

struct opinions {
    struct request *request;
    uint32_t codes[ANSWER_CODES];
    uint32_t touched[ANSWER_CODES];
    size_t n_touched;
    struct opinion list[ANSWERS]; /* newest first */
    size_t n;
    uint64_t answers;
};

static double number_of(const struct opinions *opinions, const struct part *part, uint32_t row,
                        int which) {
    struct value value = {.type = VALUE_ABSENT};
    if (opinions->codes[which] != CODE_NONE)
        value = part_value(part, row, opinions->codes[which]);
    return value.type == VALUE_INT      ? (double)value.integer
           : value.type == VALUE_NUMBER ? value.number
                                        : (double)NAN;
}

static struct slice text_of(const struct opinions *opinions, const struct part *part, uint32_t row,
                            int which) {
    struct value value = {.type = VALUE_ABSENT};
    if (opinions->codes[which] != CODE_NONE)
        value = part_value(part, row, opinions->codes[which]);
    return value.type == VALUE_TEXT ? arena_copy(opinions->request->arena, value.text)
                                    : (struct slice){0};
}

static void take_opinion(void *context, const struct part *part, uint32_t row) {
    struct opinions *opinions = context;
    struct opinion opinion = {.time_ms = time_of(part, row),
                              .seq = part->seq_base + part->seq[row],
                              .event = part->event[row],
                              .channel = part->channel[row],
                              .unit = part->unit[row]};
    opinions->answers++;
    size_t at = opinions->n;
    while (at && (opinions->list[at - 1].time_ms < opinion.time_ms ||
                  (opinions->list[at - 1].time_ms == opinion.time_ms &&
                   opinions->list[at - 1].seq < opinion.seq)))
        at--;
    if (at == ANSWERS)
        return;
    opinion.question = text_of(opinions, part, row, QUESTION);
    opinion.metric = text_of(opinions, part, row, METRIC);
    opinion.value = number_of(opinions, part, row, VALUE);
    opinion.comment = text_of(opinions, part, row, VALUE);
    opinion.points = number_of(opinions, part, row, POINTS);
    opinion.low = number_of(opinions, part, row, SCALE_MIN);
    opinion.high = number_of(opinions, part, row, SCALE_MAX);
    size_t n = opinions->n < ANSWERS ? opinions->n++ : ANSWERS - 1;
    memmove(&opinions->list[at + 1], &opinions->list[at], (n - at) * sizeof(struct opinion));
    opinions->list[at] = opinion;
}

/* As the scores count it: promoters and the upper answers are happy; below the middle is not. NULL: no number. */
static const char *mood_of(const struct opinion *opinion) {
    if (isnan(opinion->value) || isnan(opinion->points))
        return NULL;
    if (slice_is(opinion->metric, "nps"))
        return opinion->points > 0 ? "happy" : opinion->points < 0 ? "unhappy" : "neutral";
    double share = opinion->high > opinion->low
                       ? (opinion->value - opinion->low) / (opinion->high - opinion->low)
                       : (double)NAN;
    if (isnan(share))
        return NULL;
    bool counted = slice_is(opinion->metric, "csat") || slice_is(opinion->metric, "ces");
    bool happy = counted ? opinion->points > 0 : share >= 0.7;
    return happy ? "happy" : share < 0.5 ? "unhappy" : "neutral";
}

static json_t *slice_json(struct slice text) {
    json_t *json = text.n ? json_stringn(text.p, text.n) : NULL;
    return json ? json : json_null();
}

static json_t *opinion_json(struct request *request, const struct opinion *opinion,
                            struct slice comment) {
    const char *mood = mood_of(opinion);
    bool number = !isnan(opinion->value), scale = opinion->high > opinion->low;
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s?, s:o}", "time",
                     api_instant(opinion->time_ms), "event",
                     name_json(request, DICTIONARY_EVENT, opinion->event), "channel",
                     name_json(request, DICTIONARY_CHANNEL, opinion->channel), "unit",
                     name_json(request, DICTIONARY_UNIT, opinion->unit), "metric",
                     slice_json(opinion->metric), "question", slice_json(opinion->question),
                     "value", number ? json_real(opinion->value) : json_null(), "scale",
                     scale ? json_pack("[f, f]", opinion->low, opinion->high) : json_null(), "mood",
                     mood, "comment", slice_json(comment));
}

/* A comment is told with the number that came with it. */
static json_t *opinions_json(struct request *request, const struct opinions *opinions) {
    json_t *list = json_array();
    for (size_t i = 0; i < opinions->n && json_array_size(list) < OPINIONS_SHOWN; i++) {
        const struct opinion *opinion = &opinions->list[i], *other = NULL;
        struct slice comment = opinion->comment;
        for (size_t k = 0; k < opinions->n; k++) {
            const struct opinion *beside = &opinions->list[k];
            bool same = k != i && beside->time_ms == opinion->time_ms &&
                        beside->event == opinion->event && beside->unit == opinion->unit;
            if (same && isnan(opinion->value) && !isnan(beside->value))
                other = beside; /* told there */
            if (same && !isnan(opinion->value) && !comment.n)
                comment = beside->comment;
        }
        if (!other && (comment.n || !isnan(opinion->value)))
            json_array_append_new(list, opinion_json(request, opinion, comment));
    }
    return list;
}

int overview_opinions(struct request *request, struct reader *reader, uint32_t owner,
                      json_t *answer, struct err *err) {
    static const char *const names[ANSWER_CODES] = {"question",  "metric",    "value",
                                                    "scale_min", "scale_max", "points"};
    struct opinions *opinions = ARENA_ARRAY(request->arena, struct opinions, 1);
    *opinions = (struct opinions){.request = request};
    for (int i = 0; i < ANSWER_CODES; i++) {
        opinions->codes[i] = property(request, names[i]);
        if (opinions->codes[i] != CODE_NONE)
            opinions->touched[opinions->n_touched++] = opinions->codes[i];
    }
    int code = reader_rows(reader, owner, PART_ANSWERS, opinions->touched, opinions->n_touched,
                           take_opinion, opinions, err);
    if (code)
        return code;
    json_t *mood = json_null();
    for (size_t i = 0; i < opinions->n && json_is_null(mood); i++)
        if (mood_of(&opinions->list[i]))
            mood = json_pack("{s:s, s:o, s:I}", "state", mood_of(&opinions->list[i]), "since",
                             api_instant(opinions->list[i].time_ms), "answers",
                             (json_int_t)opinions->answers);
    json_object_set_new(answer, "mood", mood);
    json_object_set_new(answer, "opinions", opinions_json(request, opinions));
    return 0;
}
