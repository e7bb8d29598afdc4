/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "segment/follow.h"

#include <stdlib.h>
#include <string.h>

#include "segment/segment.h"
#include "timeline/dictionary.h"
#include "timeline/log.h"

enum { BACKLOG_ROWS = 200000 /* beyond, everybody is dirty instead of reading them */ };

void follow_init(struct follow *follow) {
    *follow = (struct follow){.dirty = roaring_bitmap_create(), .everybody = true};
    if (!follow->dirty)
        abort();
}

void follow_release(struct follow *follow) {
    time_line_release(&follow->time_line);
    roaring_bitmap_free(follow->dirty);
    free(follow->redirected);
    free(follow->owner);
}

void follow_skip(struct follow *follow, const struct snapshot *snapshot) {
    follow->seq = snapshot_last_seq(snapshot);
    follow->everybody = false;
    roaring_bitmap_clear(follow->dirty);
}

/* ---- which rows matter ---- */

static const char *const told[] = {SEGMENT_ENTERED, SEGMENT_LEFT, NULL};

static bool is_told(const char *name) {
    return !name || strcmp(name, SEGMENT_ENTERED) == 0 || strcmp(name, SEGMENT_LEFT) == 0;
}

/* They bear no channel. */
static void matcher_minds(struct follow_minds *minds, const json_t *matcher) {
    const json_t *event = json_object_get(matcher, "event"), *name;
    size_t i;
    if (json_object_get(matcher, "channel"))
        return;
    if (!event)
        minds->by_touchpoint = minds->by_touchpoint || json_object_get(matcher, "touchpoint") ||
                               json_object_get(matcher, "station");
    else if (!json_is_array(event))
        minds->by_name = minds->by_name || is_told(json_string_value(event));
    json_array_foreach((json_t *)(uintptr_t)event, i, name) if (is_told(json_string_value(name)))
        minds->by_name = true;
}

static void look_into(struct follow_minds *minds, const json_t *json, unsigned depth);

static void look_at_member(struct follow_minds *minds, const char *key, const json_t *value,
                           unsigned depth) {
    static const char *const matchers[] = {"did", "of", "then", "start", "end", NULL};
    const json_t *step;
    size_t i;
    for (const char *const *name = matchers; *name; name++)
        if (strcmp(key, *name) == 0) {
            matcher_minds(minds, value);
            return;
        }
    if (strcmp(key, "sequence") != 0)
        look_into(minds, value, depth);
    else if (!json_is_array(value))
        minds->by_name = true;
    else
        json_array_foreach((json_t *)(uintptr_t)value, i, step) matcher_minds(minds, step);
}

static void look_into(struct follow_minds *minds, const json_t *json, unsigned depth) {
    const json_t *value;
    const char *key;
    size_t i;
    minds->by_name = minds->by_name || !depth;
    if (!depth)
        return;
    json_array_foreach((json_t *)(uintptr_t)json, i, value) look_into(minds, value, depth - 1);
    json_object_foreach((json_t *)(uintptr_t)json, key, value)
        look_at_member(minds, key, value, depth - 1);
}

void follow_minds(struct follow_minds *minds, const json_t *rule) {
    enum { DEPTH = 20 };
    look_into(minds, rule, DEPTH);
}

/* May a rule of touchpoints hold for what is told? It has no channel and no path, and these two properties. */
static bool may_touch(const struct touchpoint_rule *rule) {
    return (!rule->event || is_told(rule->event)) && !rule->channel && !rule->path &&
           (!rule->property || strcmp(rule->property, "segment") == 0 ||
            strcmp(rule->property, "initial") == 0);
}

static int find_unminded(struct follow *follow, struct timeline *timeline, struct err *err) {
    struct touchpoint_rule *rules;
    struct arena arena;
    size_t n = 0;
    int code = 0;
    bool minded = follow->minds.by_name;
    arena_init(&arena);
    if (!minded && follow->minds.by_touchpoint)
        code = timeline_get_rules(timeline, &arena, &rules, &n, err);
    for (size_t i = 0; i < n && !minded; i++)
        minded = may_touch(&rules[i]);
    arena_release(&arena);
    if (code)
        return code;
    if (follow->unminded == minded) { /* other edges count now */
        time_line_clear(&follow->time_line);
        follow->time_line.without = minded ? NULL : told;
    }
    follow->unminded = !minded;
    return 0;
}

/* ---- looking ---- */

struct noting {
    struct follow *follow;
    const struct overlay *overlay;
    int64_t now_ms;
    uint16_t entered, left; /* codes of events that make nobody dirty, or CODE_NONE */
};

static int note_record(void *context, const struct log_record *record) {
    const struct noting *noting = context;
    struct follow *follow = noting->follow;
    if (noting->entered && record->row.source == 0 && /* Senda itself */
        (record->row.event == noting->entered || record->row.event == noting->left))
        return 0;
    uint32_t owner = overlay_owner(noting->overlay, record->row.customer);
    roaring_bitmap_add(follow->dirty, owner);
    time_line_note(&follow->time_line, owner, record->row.time_ms, noting->now_ms);
    return 0;
}

static int note_rows(struct follow *follow, struct log *log, const struct snapshot *snapshot,
                     int64_t now_ms, struct err *err) {
    uint64_t last = snapshot_last_seq(snapshot);
    const struct dictionary *names = snapshot_dictionary(snapshot);
    struct noting noting = {follow, snapshot_overlay(snapshot), now_ms, CODE_NONE, CODE_NONE};
    if (follow->unminded) {
        noting.entered = dictionary_find(names, DICTIONARY_EVENT, slice_of(SEGMENT_ENTERED));
        noting.left = dictionary_find(names, DICTIONARY_EVENT, slice_of(SEGMENT_LEFT));
    }
    uint32_t profiles = snapshot_profiles(snapshot);
    int code = 0;
    if (last > follow->seq + BACKLOG_ROWS) { /* what arrived may pass an edge soon */
        follow->everybody = true;
        time_line_clear(&follow->time_line);
    } else if (last > follow->seq) {
        code = log_read(log, follow->seq + 1, last + 1, note_record, &noting, err);
    }
    if (code)
        return code;
    if (profiles > follow->profiles)
        roaring_bitmap_add_range_closed(follow->dirty, follow->profiles + 1, profiles);
    follow->profiles = profiles;
    follow->seq = last;
    return 0;
}

static void note_owner(struct follow *follow, uint32_t profile, uint32_t before, uint32_t now) {
    roaring_bitmap_add(follow->dirty, profile);
    roaring_bitmap_add(follow->dirty, before);
    roaring_bitmap_add(follow->dirty, now);
}

static uint32_t *copied(const uint32_t *numbers, size_t n) {
    uint32_t *copy = malloc((n + 1) * sizeof *copy);
    if (!copy)
        abort();
    if (n)
        memcpy(copy, numbers, n * sizeof *copy);
    return copy;
}

/* Profiles whose owner is another since the last round: both lists ascend. */
static void note_merges(struct follow *follow, const struct overlay *overlay) {
    if (overlay->version == follow->overlay_version && overlay->n == follow->n_redirects)
        return;
    size_t old = 0, new = 0;
    while (old < follow->n_redirects || new < overlay->n) {
        uint32_t was = old < follow->n_redirects ? follow->redirected[old] : UINT32_MAX,
                 is = new < overlay->n ? overlay->profile[new] : UINT32_MAX;
        if (was < is)
            note_owner(follow, was, follow->owner[old], was);
        else if (is < was)
            note_owner(follow, is, is, overlay->owner[new]);
        else if (follow->owner[old] != overlay->owner[new])
            note_owner(follow, is, follow->owner[old], overlay->owner[new]);
        old += was <= is;
        new += is <= was;
    }
    free(follow->redirected);
    free(follow->owner);
    follow->redirected = copied(overlay->profile, overlay->n);
    follow->owner = copied(overlay->owner, overlay->n);
    follow->n_redirects = overlay->n;
    follow->overlay_version = overlay->version;
}

int follow_look(struct follow *follow, struct folder *folder, const struct snapshot *snapshot,
                int64_t now_ms, struct err *err) {
    int code = find_unminded(follow, folder->timeline, err);
    if (!code)
        code = note_rows(follow, folder->log, snapshot, now_ms, err);
    if (code)
        return code;
    note_merges(follow, snapshot_overlay(snapshot));
    time_line_take(&follow->time_line, now_ms, follow->dirty);
    return 0;
}
