/*
 * What an event's own thread does for the writer: hashes, codes and encoding, so that the writer only looks up, copies and
 * commits. The dictionary is read without a lock; a name that is not published yet leaves the event to the writer.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "collect/ingest_internal.h"
#include "collect/mask.h"
#include "customer/kinds.h"

enum { NAMES_REMEMBERED = 64, CONTENT_MAX_BYTES = 1024 * 1024 };

static const struct slice TOUCHPOINT = {"context.touchpoint", 18}, GROUP_ID = {"group_id", 8};

/* ---- keys ---- */

static void add_part(struct buf *buf, struct slice text) {
    uint64_t n = text.p ? text.n : UINT64_MAX;
    buf_add(buf, &n, sizeof n);
    buf_add_slice(buf, text);
}

/* The content key of an event without message id (reserved bytes: 1 MB at most). */
static struct key128 ingest_content_key(const struct ingest *ingest, const struct event *event,
                                        struct buf *scratch) {
    const struct hash_key *key = vault_message_key(ingest->vault);
    buf_clear(scratch);
    buf_add_char(scratch, (char)event->type);
    buf_add(scratch, &event->stated_ms, sizeof event->stated_ms);
    const struct slice texts[] = {event->name,        event->user_id,  event->anonymous_id,
                                  event->previous_id, event->group_id, event->channel,
                                  event->touchpoint,  event->unit};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        add_part(scratch, texts[i]);
    for (size_t i = 0; i < event->n_external; i++) {
        add_part(scratch, event->external[i].external_type);
        add_part(scratch, event->external[i].value);
    }
    uint16_t order[PROPERTIES_ORDERED];
    event_property_order(event, order);
    for (size_t i = 0; i < event->n_properties && i < PROPERTIES_ORDERED; i++) {
        const struct event_property *property = &event->properties[order[i]];
        add_part(scratch, property->name);
        if (property->value.type == VALUE_JSON) {
            struct key128 nested = event_nested_key(key, property->value.text);
            buf_add(scratch, &nested, sizeof nested);
        } else {
            property_add(scratch, 1, &property->value);
        }
    }
    struct slice parts[2] = {SLICE_LITERAL("content"), buf_slice(scratch)};
    return hash_keyed(key, parts, 2);
}

static void prepare_key(const struct submission *submission, size_t i, struct buf *scratch) {
    const struct event *event = &submission->batch->events[i];
    struct prepared *prepared = &submission->prepared[i];
    if (submission->batch->keys) {
        prepared->key = submission->batch->keys[i];
    } else if (event->message_id.n) {
        prepared->key =
            hash_keyed(vault_message_key(submission->ingest->vault), &event->message_id, 1);
        prepared->derived = true;
    } else if (event->has_time) {
        prepared->key = ingest_content_key(submission->ingest, event, scratch);
    }
}

/* ---- identifiers ---- */

enum { EXTERNALS_MAX = 32 };

/* Absent, too, where it stands for nobody. */
static struct slice present(const struct identifier_kinds *kinds, size_t kind, struct slice text) {
    return text.n && !kind_blocks(&kinds->kinds[kind], text) ? text : (struct slice){0};
}

struct externals {
    const struct identifier_kinds *kinds;
    struct arena *arena;
    struct identity *list; /* [EXTERNALS_MAX], NULL while there are none */
    size_t n;
};

/* In its normal form, behind those of kinds that decide before; not one that stands for nobody, or twice. */
static void add_external(struct externals *externals, const struct identifier_kind *kind,
                         struct slice type, struct slice value) {
    char normal[FORM_BYTES];
    size_t n = kind_blocks(kind, value)
                   ? 0
                   : form_normal(kind->form, value, externals->kinds->country, normal);
    if (!n || externals->n == EXTERNALS_MAX)
        return;
    struct identity identity = {IDENTITY_EXTERNAL, type, {normal, n}};
    for (size_t i = 0; i < externals->n; i++)
        if (slice_equal(externals->list[i].external_type, type) &&
            slice_equal(externals->list[i].value, identity.value))
            return;
    if (!externals->list)
        externals->list = ARENA_ARRAY(externals->arena, struct identity, EXTERNALS_MAX);
    size_t at = externals->n++;
    for (; at && kind_of(externals->kinds, &externals->list[at - 1])->priority > kind->priority;
         at--)
        externals->list[at] = externals->list[at - 1];
    identity.value = arena_copy(externals->arena, identity.value);
    externals->list[at] = identity;
}

static void add_traits(struct externals *externals, const struct event_property *traits, size_t n) {
    for (size_t i = 0; i < n; i++) {
        char number[24] = "";
        const struct value *value = &traits[i].value;
        const struct identifier_kind *kind = value->type == VALUE_TEXT || value->type == VALUE_INT
                                                 ? kind_of_trait(externals->kinds, traits[i].name)
                                                 : NULL;
        if (!kind)
            continue;
        struct slice text = value->text;
        if (value->type == VALUE_INT)
            text = (struct slice){
                number, (size_t)snprintf(number, sizeof number, "%lld", (long long)value->integer)};
        add_external(externals, kind, slice_of(kind->name), text);
    }
}

static void prepare_externals(struct submission *submission, const struct event *event,
                              const struct identifier_kinds *kinds,
                              struct identifiers *identifiers) {
    struct externals externals = {.kinds = kinds, .arena = &submission->arena};
    for (size_t k = 0; k < event->n_external; k++)
        add_external(&externals, kind_of(kinds, &event->external[k]),
                     event->external[k].external_type, event->external[k].value);
    if (event->type == EVENT_IDENTIFY)
        add_traits(&externals, event->properties, event->n_properties);
    add_traits(&externals, event->traits, event->n_traits);
    if (!externals.n)
        return;
    struct key128 *hashes = ARENA_ARRAY(&submission->arena, struct key128, externals.n);
    for (size_t k = 0; k < externals.n; k++)
        hashes[k] = customers_hash(submission->ingest->customers, &externals.list[k]);
    identifiers->external = externals.list;
    identifiers->n_external = externals.n;
    identifiers->external_hashes = hashes;
}

static void prepare_identifiers(struct submission *submission, size_t i) {
    const struct event *event = &submission->batch->events[i];
    const struct customers *customers = submission->ingest->customers;
    const struct identifier_kinds *kinds = kinds_of(customers);
    struct prepared *prepared = &submission->prepared[i];
    struct identifiers *identifiers = &prepared->identifiers;
    *identifiers = (struct identifiers){
        .user_id = present(kinds, KIND_USER, event->user_id),
        .anonymous_id = present(kinds, KIND_ANONYMOUS, event->anonymous_id),
    };
    if (identifiers->user_id.p)
        identifiers->user_hash = customers_hash(
            customers, &(struct identity){.kind = IDENTITY_USER, .value = event->user_id});
    if (identifiers->anonymous_id.p)
        identifiers->anonymous_hash =
            customers_hash(customers, &(struct identity){.kind = IDENTITY_ANONYMOUS,
                                                         .value = event->anonymous_id});
    prepare_externals(submission, event, kinds, identifiers);
    bool somebody = identifiers->user_id.p || identifiers->anonymous_id.p;
    if (event->type == EVENT_ALIAS)
        somebody = somebody && present(kinds, KIND_USER, event->previous_id).p;
    for (size_t k = 0; !somebody && event->type != EVENT_ALIAS && k < identifiers->n_external; k++)
        somebody = kind_of(kinds, &identifiers->external[k])->joins;
    if (!somebody)
        prepared->refusal = REFUSAL_NOBODY;
}

/* ---- masking ---- */

/* A copy of the event whose properties may be changed, in a copy of the batch's events. */
static struct event *own_event(struct submission *submission, size_t i) {
    struct ingest_batch *batch = submission->batch;
    if (!submission->given) {
        submission->masked = ARENA_ARRAY(&submission->arena, struct event, batch->n);
        memcpy(submission->masked, batch->events, batch->n * sizeof(struct event));
        submission->given = batch->events;
        batch->events = submission->masked;
    }
    struct event *event = &submission->masked[i];
    if (event->properties == submission->given[i].properties) {
        size_t bytes = event->n_properties * sizeof *event->properties;
        event->properties = arena_get(&submission->arena, bytes);
        memcpy(event->properties, submission->given[i].properties, bytes);
    }
    return event;
}

/* An address without the part that tells one household from another: 24 bits of IPv4, 48 of IPv6 stay. Absent: it is none. */
static struct slice short_address(struct slice address, struct arena *arena) {
    enum { LEFT4 = 3, LEFT6 = 6 };
    unsigned char bytes[sizeof(struct in6_addr)];
    char text[INET6_ADDRSTRLEN];
    const char *given = arena_text(arena, address);
    int family = strchr(given, ':') ? AF_INET6 : AF_INET;
    if (inet_pton(family, given, bytes) != 1)
        return (struct slice){"", 0};
    size_t left = family == AF_INET ? LEFT4 : LEFT6;
    memset(bytes + left, 0, sizeof bytes - left);
    return inet_ntop(family, bytes, text, sizeof text) ? slice_of(arena_text(arena, slice_of(text)))
                                                       : (struct slice){"", 0};
}

static void shorten_address(struct submission *submission, size_t i) {
    const struct event *event = &submission->batch->events[i];
    const struct source *source = &submission->batch->source;
    for (size_t k = event->n_properties; source->ip != IP_FULL && k-- > 0;) {
        if (event->type > EVENT_SCREEN || !slice_is(event->properties[k].name, "context.ip") ||
            event->properties[k].value.type != VALUE_TEXT)
            continue;
        struct event *own = own_event(submission, i);
        struct slice text = source->ip == IP_NONE
                                ? (struct slice){"", 0}
                                : short_address(own->properties[k].value.text, &submission->arena);
        if (text.n)
            own->properties[k].value.text = text;
        else
            own->properties[k] = own->properties[--own->n_properties];
        event = own;
    }
}

/* After the key, which is of what was sent: so it stays the same when the rules of masking change. */
static void mask_texts(struct submission *submission, size_t i) {
    const struct event *event = &submission->batch->events[i];
    for (size_t k = 0; event->type <= EVENT_SCREEN && k < event->n_properties; k++) {
        const struct event_property *property = &event->properties[k];
        struct slice text = property->value.text;
        bool answers = property->value.type == VALUE_JSON && slice_is(property->name, "answers");
        if (property->value.type != VALUE_TEXT && !answers)
            continue;
        unsigned masked = answers ? mask_answers(&text, &submission->arena)
                                  : mask_property(property->name, &text, &submission->arena);
        if (!masked)
            continue;
        struct event *own = own_event(submission, i);
        own->properties[k].value.text = text;
        submission->batch->masked += masked;
        event = own;
    }
}

static bool has_property(const struct event *event, size_t before, struct slice name) {
    for (size_t k = 0; k < before; k++)
        if (slice_equal(event->properties[k].name, name))
            return true;
    return false;
}

/* Names that nobody knows yet, before the dictionary keeps them for ever: of the interaction, its touchpoint, its properties. Two
 * properties that would be called the same are one, the first. */
static bool mask_names(struct submission *submission, size_t i) {
    const struct event *event = &submission->batch->events[i];
    struct slice name = event->name, touchpoint = event->touchpoint;
    const struct slice any = {NULL, 0};
    unsigned masked = mask_property(any, &name, &submission->arena) +
                      mask_property(any, &touchpoint, &submission->arena);
    for (size_t k = event->n_properties; k-- > 0;) {
        struct slice own = event->properties[k].name;
        if (!mask_property(any, &own, &submission->arena))
            continue;
        struct event *mine = own_event(submission, i);
        event = mine;
        masked++;
        mine->properties[k].name = own;
        if (has_property(mine, k, own))
            mine->properties[k] = mine->properties[--mine->n_properties];
    }
    if (!masked)
        return false;
    struct event *mine = own_event(submission, i);
    mine->name = name;
    mine->touchpoint = touchpoint;
    submission->batch->masked += masked;
    return true;
}

/* ---- codes and properties ---- */

/* Events of a batch mostly bear the same names in the same order: each place remembers its last one. */
struct remembered {
    const struct dictionary *dictionary;
    size_t at;
    struct slice names[NAMES_REMEMBERED];
    uint16_t codes[NAMES_REMEMBERED];
    struct slice event, channel, unit;
    uint16_t event_code, channel_code, unit_code;
};

static uint16_t property_code(void *context, struct slice name) {
    struct remembered *remembered = context;
    size_t at = remembered->at++;
    if (at >= NAMES_REMEMBERED)
        return dictionary_find(remembered->dictionary, DICTIONARY_PROPERTY, name);
    if (remembered->codes[at] && slice_equal(remembered->names[at], name))
        return remembered->codes[at];
    uint16_t code = dictionary_find(remembered->dictionary, DICTIONARY_PROPERTY, name);
    remembered->names[at] = name;
    remembered->codes[at] = code;
    return code;
}

static bool find_code(const struct dictionary *dictionary, enum dictionary_kind kind,
                      struct slice name, struct slice *last, uint16_t *last_code, uint16_t *code) {
    *code = CODE_NONE;
    if (!name.n)
        return true;
    if (!*last_code || !slice_equal(*last, name)) {
        *last = name;
        *last_code = dictionary_find(dictionary, kind, name);
    }
    *code = *last_code;
    return *code != CODE_NONE;
}

/* A group's traits are stored as "group.<name>"; text is used during the call only. */
static bool encode_group(const struct event *event, struct buf *out,
                         uint16_t (*code_of)(void *context, struct slice name), void *context) {
    char name[LIMIT_NAME_BYTES + 8];
    struct value id = {.type = VALUE_TEXT, .text = event->group_id};
    uint16_t code = code_of(context, GROUP_ID);
    if (!code)
        return false;
    property_add(out, code, &id);
    for (size_t i = 0; i < event->n_properties; i++) {
        struct slice own = event->properties[i].name;
        size_t n = own.n < LIMIT_NAME_BYTES ? own.n : LIMIT_NAME_BYTES;
        memcpy(name, "group.", 6);
        memcpy(name + 6, own.p, n);
        if (!(code = code_of(context, (struct slice){name, n + 6})))
            return false;
        property_add(out, code, &event->properties[i].value);
    }
    return true;
}

bool ingest_encode(const struct event *event, struct buf *out,
                   uint16_t (*code_of)(void *context, struct slice name), void *context) {
    if (event->type == EVENT_GROUP)
        return encode_group(event, out, code_of, context);
    uint16_t code;
    for (size_t i = 0; i < event->n_properties; i++) {
        if (!(code = code_of(context, event->properties[i].name)))
            return false;
        property_add(out, code, &event->properties[i].value);
    }
    if (event->touchpoint.n && event->type <= EVENT_SCREEN) {
        struct value touchpoint = {.type = VALUE_TEXT, .text = event->touchpoint};
        if (!(code = code_of(context, TOUCHPOINT)))
            return false;
        property_add(out, code, &touchpoint);
    }
    return true;
}

/* Without memory of names: those of groups are made in place. */
static uint16_t plain_code(void *context, struct slice name) {
    return dictionary_find(context, DICTIONARY_PROPERTY, name);
}

struct slice ingest_unit(const struct submission *submission, const struct event *event) {
    if (event->unit.n)
        return event->unit;
    struct slice unit = submission->batch->source.unit;
    return unit.n || event->type > EVENT_SCREEN
               ? unit
               : unit_rules_find(submission->ingest->unit_rules, event);
}

static void prepare_codes(struct submission *submission, size_t i, struct remembered *remembered) {
    const struct event *event = &submission->batch->events[i];
    struct prepared *prepared = &submission->prepared[i];
    struct dictionary *dictionary = submission->ingest->dictionary;
    struct slice channel = event->channel.n ? event->channel : submission->batch->source.channel;
    struct slice unit = ingest_unit(submission, event);
    prepared->start = (uint32_t)submission->properties.n;
    bool known = (event->type > EVENT_SCREEN ||
                  find_code(dictionary, DICTIONARY_EVENT, event->name, &remembered->event,
                            &remembered->event_code, &prepared->event)) &&
                 find_code(dictionary, DICTIONARY_CHANNEL, channel, &remembered->channel,
                           &remembered->channel_code, &prepared->channel) &&
                 find_code(dictionary, DICTIONARY_UNIT, unit, &remembered->unit,
                           &remembered->unit_code, &prepared->unit) &&
                 (!event->touchpoint.n ||
                  dictionary_find(dictionary, DICTIONARY_TOUCHPOINT, event->touchpoint));
    remembered->at = 0;
    if (known && event->type == EVENT_GROUP)
        known = ingest_encode(event, &submission->properties, plain_code, dictionary);
    else if (known)
        known = ingest_encode(event, &submission->properties, property_code, remembered);
    prepared->known = known && !submission->properties.full;
    prepared->bytes = (uint32_t)(submission->properties.n - prepared->start);
}

static void prepare_answers(struct submission *submission, size_t i) {
    const struct event *event = &submission->batch->events[i];
    struct prepared *prepared = &submission->prepared[i];
    const char *message = "";
    size_t n = 0;
    if (!event_carries_answers(event))
        return;
    enum refusal refusal = answers_of(event, &submission->arena, &prepared->answers, &n, &message);
    if (refusal)
        prepared->refusal = refusal;
    prepared->n_answers = (uint32_t)n;
}

void ingest_prepare(struct submission *submission) {
    struct remembered remembered = {.dictionary = submission->ingest->dictionary};
    struct buf scratch;
    buf_init(&scratch, CONTENT_MAX_BYTES);
    submission->batch->masked = 0;
    for (size_t i = 0; i < submission->batch->n; i++) {
        prepare_key(submission, i, &scratch);
        mask_texts(submission, i);
        shorten_address(submission, i);
        prepare_identifiers(submission, i);
        if (submission->batch->events[i].type != EVENT_ALIAS) {
            prepare_codes(submission, i, &remembered);
            if (!submission->prepared[i].known && mask_names(submission, i))
                prepare_codes(submission, i, &remembered);
        }
        prepare_answers(submission, i);
        submission->prepared[i].group =
            ingest_group(&submission->batch->events[i], &submission->arena);
    }
    buf_release(&scratch);
}
