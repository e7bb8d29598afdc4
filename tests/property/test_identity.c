/*
 * Random histories of events, identify, alias, group, external ids of every sort (that join and that do not, shared by too many, more than
 * a customer may have, of different priority, blocked), merges by hand and separations of those and of automatic ones, in any order,
 * against an obvious model of the rules in customer.h: whose each row is, who has each identifier and which profile owns it
 * must agree, also after closing, opening and writing keys out in between.
 *
 * The model: sets of tokens. A userId is a token; an anonymousId is a series of tokens, of which the last one is current. A
 * row belongs to a token. Each merge is a link from one token to another; who is one with whom, and who owns them, follows
 * anew from the links that hold, each time it is asked. A token that is only attached has no profile: what happens to it
 * happens to the one that bears it.
 *
 * An external id is a token as well: attached to whose event brought it first, with a profile of its own once an event had nothing else.
 * A group is a set of tokens.
 *
 * SENDA_PROPERTY_ROUNDS (40) and SENDA_PROPERTY_SEED make it longer and other.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../unit/scratch.h"
#include "base/clock.h"
#include "base/logger.h"
#include "customer/full.h"
#include "customer/groups.h"
#include "folder/verify.h"

enum {
    USERS = 9,
    VISITORS = 12,
    NAMES = USERS + VISITORS,
    EXTERNALS = 12, /* values of each kind */
    CARRIED = 3,    /* of an event, at most */
    GROUPS = 4,
    TOKENS = 4000,
    LINKS = 4000,
    ROWS = 4000,
    STEPS = 60,
    BATCH = 8,
    ROUNDS = 40
};

/* Kinds in the order of their place here; the first two are no external ids. */
enum { USER, VISITOR, CRM, DEVICE, LOYALTY, EMAIL, PHONE, MODEL_KINDS };
static const struct model_kind {
    const char *name, *pattern; /* of a value */
    unsigned limit, values, priority;
    bool joins;
} kinds[MODEL_KINDS] = {
    {"user_id", "id %d", 0, 4, 1, true},        {"anonymous_id", "id %d", 3, 6, 90, true},
    {"crm", "card %d", 5, 0, 80, false},        {"device", "device %d", 2, 3, 70, false},
    {"loyalty", "L-%d", 2, 2, 20, true},        {"email", "e%d@example.org", 2, 3, 30, true},
    {"phone", "+3460000000%d", 0, 0, 40, true},
};

struct link {
    int a, b;
    bool holds;
};

/* What becomes of a value: by whom it was shared, and that it dropped out. */
struct fate {
    bool dropped, shared[TOKENS];
};

struct model {
    int set[TOKENS];   /* which set, by its lowest token: made anew by find_sets */
    int owner[TOKENS]; /* by set: the token that owns it */
    bool is_user[TOKENS], separated[TOKENS];
    int bearer[TOKENS];       /* it is attached to; itself: it has a profile */
    uint32_t profile[TOKENS]; /* in the product, 0 while unknown */
    int n_tokens;
    struct link links[LINKS];
    int n_links;
    int user
        [NAMES]; /* token by name number; -1 unknown. Names of visitors may be aliased as users */
    int visitor[NAMES];                   /* current token */
    int external[MODEL_KINDS][EXTERNALS]; /* -1 unknown */
    struct fate visitor_fate[NAMES], external_fate[MODEL_KINDS][EXTERNALS];
    bool in_group[GROUPS][TOKENS];
    int row[ROWS]; /* its token, by seq */
    int n_rows;
};

static uint64_t random_state;
static unsigned random_below(unsigned n) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state >> 20) % n;
}

static void find_sets(struct model *model) {
    for (int i = 0; i < model->n_tokens; i++)
        model->set[i] = i;
    for (bool changed = true; changed;) {
        changed = false;
        for (int i = 0; i < model->n_links; i++) {
            const struct link *link = &model->links[i];
            int *a = &model->set[link->a], *b = &model->set[link->b];
            if (!link->holds || *a == *b)
                continue;
            *a = *b = *a < *b ? *a : *b;
            changed = true;
        }
    }
}

/* Each link, one after the other, gives the target's owner the other one's. */
static void find_owners(struct model *model) {
    int above[TOKENS];
    for (int i = 0; i < model->n_tokens; i++)
        above[i] = i;
    for (int i = 0; i < model->n_links; i++) {
        int a = model->links[i].a, b = model->links[i].b;
        if (!model->links[i].holds)
            continue;
        while (above[a] != a)
            a = above[a];
        while (above[b] != b)
            b = above[b];
        above[a] = b;
    }
    for (int i = 0; i < model->n_tokens; i++) {
        int a = i;
        while (above[a] != a)
            a = above[a];
        model->owner[model->set[i]] = a;
    }
}

static int root(const struct model *model, int token) { return model->set[token]; }

static bool has_user(const struct model *model, int set) {
    for (int i = 0; i < model->n_tokens; i++)
        if (model->set[i] == set && (model->is_user[i] || model->separated[i]))
            return true;
    return false;
}

static int bearer(const struct model *model, int token) {
    while (model->bearer[token] != token)
        token = model->bearer[token];
    return token;
}

static void link_tokens(struct model *model, int a, int b) {
    assert_true(model->n_links < LINKS);
    model->links[model->n_links++] = (struct link){a, b, true};
    find_sets(model);
}

static void merge(struct model *model, int a, int b) {
    link_tokens(model, bearer(model, a), bearer(model, b));
}

/* A new token that has no profile of its own until a row comes to it. */
static void attach(struct model *model, int token, int to) {
    model->bearer[token] = bearer(model, to);
    link_tokens(model, token, model->bearer[token]);
}

static int token_new(struct model *model, bool user) {
    int token = model->n_tokens++;
    assert_true(token < TOKENS);
    model->set[token] = token;
    model->is_user[token] = user;
    model->bearer[token] = token;
    return token;
}

/* ---- limits ---- */

/* Values of a kind that lead to a customer. */
static unsigned values_of(const struct model *model, int kind, int set) {
    unsigned n = 0;
    for (int name = 0; name < NAMES && kind <= VISITOR; name++) {
        int token = kind == USER ? model->user[name] : model->visitor[name];
        n += token >= 0 && root(model, token) == set &&
             !(kind == VISITOR && model->visitor_fate[name].dropped);
    }
    for (int name = 0; name < EXTERNALS && kind > VISITOR; name++) {
        int token = model->external[kind][name];
        n += token >= 0 && root(model, token) == set && !model->external_fate[kind][name].dropped;
    }
    return n;
}

static bool has_room(const struct model *model, int kind, int token) {
    return !kinds[kind].values || values_of(model, kind, root(model, token)) < kinds[kind].values;
}

static bool may_merge(const struct model *model, int a, int b) {
    for (int kind = 0; kind < MODEL_KINDS; kind++) {
        unsigned one = values_of(model, kind, root(model, a)),
                 other = values_of(model, kind, root(model, b));
        if (kinds[kind].values && one && other && one + other > kinds[kind].values)
            return false;
    }
    return true;
}

static void share(struct model *model, int kind, struct fate *fate, int a, int b) {
    bool counted[TOKENS] = {false};
    unsigned n = 0;
    if (!kinds[kind].limit)
        return;
    fate->shared[bearer(model, a)] = fate->shared[bearer(model, b)] = true;
    for (int i = 0; i < model->n_tokens; i++)
        if (fate->shared[i] && !counted[root(model, i)]) {
            counted[root(model, i)] = true;
            n++;
        }
    fate->dropped = n > kinds[kind].limit;
}

/* ---- rules ---- */

static void attach_where_room(struct model *model, int kind, int *token, int to) {
    if (!has_room(model, kind, to))
        return;
    *token = token_new(model, kind == USER);
    attach(model, *token, to);
}

static void join(struct model *model, int user, int visitor) {
    int *current = &model->visitor[visitor];
    struct fate *fate = &model->visitor_fate[visitor];
    if (fate->dropped || (*current >= 0 && root(model, *current) == root(model, user)))
        return;
    bool theirs = *current >= 0 &&
                  (bearer(model, *current) != *current || has_user(model, root(model, *current)));
    if (*current < 0) {
        attach_where_room(model, VISITOR, current, user);
    } else if (theirs) {
        share(model, VISITOR, fate, *current, user);
        if (fate->dropped)
            *current = token_new(model, false);
        else
            attach_where_room(model, VISITOR, current, user);
    } else if (may_merge(model, *current, user)) {
        merge(model, *current, user);
    } else {
        share(model, VISITOR, fate, *current, user);
    }
}

struct carried {
    int kind, name;
    bool blocked;
};

static void join_external(struct model *model, int token, const struct carried *carried) {
    int *current = &model->external[carried->kind][carried->name];
    struct fate *fate = &model->external_fate[carried->kind][carried->name];
    bool joins = kinds[carried->kind].joins;
    if (fate->dropped || (*current >= 0 && root(model, *current) == root(model, token)))
        return;
    if (*current < 0) {
        attach_where_room(model, carried->kind, current, token);
        return;
    }
    bool mine = !joins || has_user(model, root(model, token)),
         theirs = !joins || has_user(model, root(model, *current));
    if ((mine && theirs) || !may_merge(model, *current, token))
        share(model, carried->kind, fate, *current, token);
    else if (mine)
        merge(model, *current, token);
    else
        merge(model, token, *current);
}

/* The first that an event without a good id may belong to; NULL: none. */
static const struct carried *bearing(const struct model *model, const struct carried *carried,
                                     size_t n) {
    for (size_t i = 0; i < n; i++)
        if (kinds[carried[i].kind].joins &&
            !model->external_fate[carried[i].kind][carried[i].name].dropped)
            return &carried[i];
    return NULL;
}

/* A token that has a profile of its own from now on. */
static int own(struct model *model, int *token, bool user) {
    if (*token < 0)
        *token = token_new(model, user);
    model->bearer[*token] = *token;
    return *token;
}

/* carried: by priority, none of them blocked. False: it is nobody's. */
static bool model_event(struct model *model, int user, int visitor, const struct carried *carried,
                        size_t n) {
    bool lost = user < 0 && (visitor < 0 || model->visitor_fate[visitor].dropped);
    const struct carried *only = lost ? bearing(model, carried, n) : NULL;
    if (!only && user < 0 && visitor < 0)
        return false;
    int token = only        ? own(model, &model->external[only->kind][only->name], false)
                : user >= 0 ? own(model, &model->user[user], true)
                            : own(model, &model->visitor[visitor], false);
    if (user >= 0 && visitor >= 0)
        join(model, token, visitor);
    for (size_t i = 0; !lost && i < n; i++)
        join_external(model, token, &carried[i]);
    model->row[++model->n_rows] = token;
    return true;
}

static void model_alias(struct model *model, int before, int user) {
    int token = own(model, &model->user[user], true);
    if (before == user)
        return;
    if (model->user[before] >= 0) {
        if (root(model, model->user[before]) != root(model, token) &&
            may_merge(model, model->user[before], token))
            merge(model, model->user[before], token);
    } else if (model->visitor[before] >= 0) {
        join(model, token, before);
    } else {
        attach_where_room(model, USER, &model->user[before], token);
        if (model->user[before] >= 0)
            attach_where_room(model, VISITOR, &model->visitor[before], token);
    }
}

/* ---- the same in the product ---- */

static const char *name_of(int name, char text[16]) {
    snprintf(text, 16, "id %d", name);
    return text;
}

static const char *value_of(int kind, int name, char text[32]) {
    snprintf(text, 32, kinds[kind].pattern, name);
    return text;
}

struct step {
    struct event event;
    struct identity external[CARRIED];
    char user[16], other[16], values[CARRIED][32], group[16];
};

/* Some external ids, each once, in any order; one in ten stands for nobody. */
static size_t choose_carried(struct carried carried[CARRIED]) {
    size_t wanted = random_below(3) ? 0 : random_below(CARRIED) + 1, n = 0;
    for (size_t i = 0; i < wanted; i++) {
        struct carried one = {CRM + (int)random_below(MODEL_KINDS - CRM),
                              (int)random_below(EXTERNALS), random_below(10) == 0};
        bool there = false;
        one.name = kinds[one.kind].joins ? one.name % 10 : one.name; /* phones have one digit */
        for (size_t k = 0; k < n; k++)
            there = there || (carried[k].kind == one.kind && carried[k].name == one.name);
        if (!there)
            carried[n++] = one;
    }
    return n;
}

static void put_carried(struct step *step, const struct carried *carried, size_t n) {
    for (size_t i = 0; i < n; i++)
        step->external[i] = (struct identity){
            IDENTITY_EXTERNAL, slice_of(kinds[carried[i].kind].name),
            carried[i].blocked
                ? SLICE_LITERAL("Anonymous")
                : slice_of(value_of(carried[i].kind, carried[i].name, step->values[i]))};
    step->event.external = step->external;
    step->event.n_external = n;
}

/* What decides first comes first; what stands for nobody is not there. */
static size_t in_order(const struct carried *carried, size_t n, struct carried ordered[CARRIED]) {
    size_t kept = 0;
    for (unsigned priority = 0; priority <= KIND_PRIORITY_MAX; priority++)
        for (size_t i = 0; i < n; i++)
            if (kinds[carried[i].kind].priority == priority && !carried[i].blocked)
                ordered[kept++] = carried[i];
    return kept;
}

static void add_group(struct step *step, struct model *model) {
    int group = (int)random_below(GROUPS);
    snprintf(step->group, sizeof step->group, "group %d", group);
    step->event.group_id = slice_of(step->group);
    model->in_group[group][model->row[model->n_rows]] = true;
}

/* Whether it is accepted. */
static bool make_step(struct step *step, struct model *model) {
    int user = (int)random_below(USERS), visitor = USERS + (int)random_below(VISITORS);
    struct event *event = &step->event;
    *event = (struct event){.name = SLICE_LITERAL("Seen"), .time_ms = 1, .has_time = false};
    unsigned what = random_below(10);
    if (what == 0) { /* a userId, or an anonymousId, or one that nobody has */
        int before = random_below(2) ? (int)random_below(USERS) : visitor;
        event->type = EVENT_ALIAS;
        event->user_id = slice_of(name_of(user, step->user));
        event->previous_id = slice_of(name_of(before, step->other));
        model_alias(model, before, user);
        return true;
    }
    struct carried carried[CARRIED], ordered[CARRIED];
    size_t n = choose_carried(carried), n_ordered = in_order(carried, n, ordered);
    bool joining = false;
    for (size_t i = 0; i < n_ordered; i++)
        joining = joining || kinds[ordered[i].kind].joins;
    bool alone = joining && random_below(3) == 0, has_user = !alone && random_below(2),
         has_visitor = !alone && (!has_user || random_below(2));
    event->type = what == 1 ? EVENT_IDENTIFY : what == 2 ? EVENT_GROUP : EVENT_TRACK;
    if (has_user)
        event->user_id = slice_of(name_of(user, step->user));
    if (has_visitor)
        event->anonymous_id = slice_of(name_of(visitor, step->other));
    put_carried(step, carried, n);
    if (!model_event(model, has_user ? user : -1, has_visitor ? visitor : -1, ordered, n_ordered))
        return false;
    if (event->type == EVENT_GROUP)
        add_group(step, model);
    return true;
}

static void send(struct folder *folder, struct model *model) {
    struct step steps[BATCH];
    struct event events[BATCH];
    struct event_result results[BATCH];
    size_t n = random_below(BATCH) + 1;
    size_t wanted = 0;
    for (size_t i = 0; i < n; i++)
        wanted += make_step(&steps[i], model);
    for (size_t i = 0; i < n; i++) {
        events[i] = steps[i].event;
        events[i].external = steps[i].external;
    }
    struct ingest_batch batch = {.source = {.number = 1},
                                 .events = events,
                                 .n = n,
                                 .bytes = n * 100,
                                 .received_ms = clock_now_ms(),
                                 .results = results};
    struct err err = {0};
    assert_int_equal(ingest_run(folder->ingest, &batch, &err), 0);
    assert_int_equal(batch.accepted, wanted);
}

/* The token that a name leads to, -1: none. */
static int token_of(const struct model *model, int name) {
    return model->user[name] >= 0 ? model->user[name] : model->visitor[name];
}

static struct slice external_text(int kind, int name, char text[64]) {
    char value[32];
    snprintf(text, 64, "%s:%s", kinds[kind].name, value_of(kind, name, value));
    return slice_of(text);
}

/* Profiles that names lead to, where they are the tokens' own. */
static void learn(struct folder *folder, struct model *model) {
    for (int name = 0; name < NAMES; name++) {
        char text[16];
        uint32_t profile;
        struct err err = {0};
        int token = token_of(model, name);
        if (token < 0 || bearer(model, token) != token || model->profile[token])
            continue;
        assert_int_equal(customers_find_profile(folder->customers, slice_of(name_of(name, text)),
                                                &profile, &err),
                         0);
        model->profile[token] = profile;
    }
    for (int kind = CRM; kind < MODEL_KINDS; kind++)
        for (int name = 0; name < EXTERNALS; name++) {
            char text[64];
            uint32_t profile;
            struct err err = {0};
            int token = model->external[kind][name];
            if (token >= 0 && bearer(model, token) == token && !model->profile[token] &&
                !model->external_fate[kind][name].dropped) {
                assert_int_equal(customers_find_profile(folder->customers,
                                                        external_text(kind, name, text), &profile,
                                                        &err),
                                 0);
                model->profile[token] = profile;
            }
        }
}

static int link_of(const struct model *model, const struct merge *merge) {
    for (int i = 0; i < model->n_links; i++) {
        const struct link *link = &model->links[i];
        if (link->holds && model->profile[link->a] == merge->profile &&
            model->profile[link->b] == merge->target)
            return i;
    }
    return -1;
}

static void separated(struct model *model, int at, bool identified) {
    struct link *link = &model->links[at];
    link->holds = false;
    if (identified)
        model->separated[link->a] = model->separated[link->b] = true;
    find_sets(model);
}

/* Any merge of a customer that holds, by hand or not. */
static void take_back(struct folder *folder, struct model *model) {
    struct merge *merges, done;
    struct arena arena;
    struct err err = {0};
    char text[16];
    uint32_t owner;
    size_t n = 50;
    int name = (int)random_below(NAMES);
    if (token_of(model, name) < 0)
        return;
    arena_init(&arena);
    assert_int_equal(customers_find(folder->customers, slice_of(name_of(name, text)), &owner, &err),
                     0);
    assert_int_equal(customers_merges(folder->customers, owner, 0, &arena, &merges, &n, &err), 0);
    const struct merge *meant = n ? &merges[random_below((unsigned)n)] : NULL;
    int at = meant && !meant->separated_ms ? link_of(model, meant) : -1;
    if (at >= 0) {
        bool identified = meant->reason == MERGE_IDENTIFIED;
        assert_int_equal(customers_separate(folder->customers, owner, meant->number, "somebody",
                                            &arena, &done, &err),
                         0);
        assert_int_equal(done.number, meant->number);
        separated(model, at, identified);
    }
    arena_release(&arena);
}

/* An identifier that is only attached gets a profile without rows, and nobody is one with it. */
static void detach(struct folder *folder, struct model *model) {
    struct merge done;
    struct arena arena;
    struct err err = {0};
    char text[16];
    uint32_t owner;
    int name = USERS + (int)random_below(VISITORS), token = model->visitor[name];
    if (token < 0 || bearer(model, token) == token || model->user[name] >= 0)
        return;
    struct identity identity = {.kind = IDENTITY_ANONYMOUS, .value = slice_of(name_of(name, text))};
    arena_init(&arena);
    assert_int_equal(customers_find(folder->customers, identity.value, &owner, &err), 0);
    assert_int_equal(customers_separate_identity(folder->customers, owner, &identity, "somebody",
                                                 &arena, &done, &err),
                     0);
    arena_release(&arena);
    int at = 0;
    while (model->links[at].a != token)
        at++;
    model->bearer[token] = token;
    separated(model, at, true);
}

/* Two names become one by hand, or a merge is taken back. */
static void by_hand(struct folder *folder, struct model *model) {
    unsigned what = random_below(10);
    learn(folder, model);
    if (what < 4) {
        take_back(folder, model);
        return;
    }
    if (what == 4) {
        detach(folder, model);
        return;
    }
    char text[16];
    int tokens[2];
    uint32_t profiles[2];
    struct merge done;
    struct err err = {0};
    for (int i = 0; i < 2; i++) {
        int name = (int)random_below(NAMES);
        tokens[i] = token_of(model, name);
        if (tokens[i] < 0)
            return;
        assert_int_equal(customers_find_profile(folder->customers, slice_of(name_of(name, text)),
                                                &profiles[i], &err),
                         0);
    }
    int code = customers_unite(folder->customers, profiles[0], profiles[1], "somebody", "the same",
                               &done, &err);
    bool one = root(model, tokens[0]) == root(model, tokens[1]);
    assert_int_equal(code, one ? E_CONFLICT : 0);
    if (!one)
        merge(model, tokens[0], tokens[1]);
}

struct comparing {
    struct folder *folder;
    struct model *model;
    const struct overlay *overlay;
    uint32_t owner_of[TOKENS]; /* by root of a set; 0 not seen yet */
    int set_of[TOKENS * 2];    /* by owner; -1 not seen yet */
};

static void same(struct comparing *comparing, int token, uint32_t owner) {
    int set = root(comparing->model, token);
    if (!comparing->owner_of[set])
        comparing->owner_of[set] = owner;
    if (comparing->set_of[owner] < 0)
        comparing->set_of[owner] = set;
    assert_int_equal(comparing->owner_of[set], owner);
    assert_int_equal(comparing->set_of[owner], set);
    uint32_t meant = comparing->model->profile[comparing->model->owner[set]];
    if (meant)
        assert_int_equal(owner, meant);
}

static int compare_row(void *context, const struct log_record *record) {
    struct comparing *comparing = context;
    assert_true(record->row.seq <= (uint64_t)comparing->model->n_rows);
    same(comparing, comparing->model->row[record->row.seq],
         overlay_owner(comparing->overlay, record->row.customer));
    return 0;
}

static void compare_external(struct comparing *comparing, int kind, int name) {
    const struct model *model = comparing->model;
    char text[64];
    uint32_t owner;
    struct err err = {0};
    int token = model->external[kind][name];
    bool leads = token >= 0 && !model->external_fate[kind][name].dropped;
    int code =
        customers_find(comparing->folder->customers, external_text(kind, name, text), &owner, &err);
    assert_int_equal(code, leads ? 0 : E_NOT_FOUND);
    if (leads)
        same(comparing, token, owner);
}

/* Which kinds are full at the customer of a token. */
static void compare_full(struct comparing *comparing, int token, uint32_t owner) {
    const struct model *model = comparing->model;
    struct customers *customers = comparing->folder->customers;
    struct known_identity *known;
    struct full_kind *full;
    struct arena arena;
    struct err err = {0};
    size_t n, n_known, wanted = 0;
    arena_init(&arena);
    assert_int_equal(customers_known_identities(customers, owner, &arena, &known, &n_known, &err),
                     0);
    assert_int_equal(
        customers_full_kinds(customers, owner, known, n_known, &arena, &full, &n, &err), 0);
    for (int kind = 0; kind < MODEL_KINDS; kind++) {
        unsigned values = values_of(model, kind, root(model, token));
        if (!kinds[kind].values || values < kinds[kind].values)
            continue;
        wanted++;
        size_t at = 0;
        while (at < n && strcmp(full[at].kind, kinds[kind].name) != 0)
            at++;
        assert_true(at < n);
        assert_int_equal(full[at].values, values);
    }
    assert_int_equal(n, wanted);
    arena_release(&arena);
}

/* The members of each are the owners of its tokens, each once. */
static void compare_groups(struct comparing *comparing) {
    const struct model *model = comparing->model;
    for (int number = 0; number < GROUPS; number++) {
        char text[16];
        struct group group;
        struct arena arena;
        struct err err = {0};
        bool set_in[TOKENS] = {false};
        size_t wanted = 0;
        for (int token = 0; token < model->n_tokens; token++)
            if (model->in_group[number][token] && !set_in[root(model, token)]) {
                set_in[root(model, token)] = true;
                wanted++;
            }
        snprintf(text, sizeof text, "group %d", number);
        arena_init(&arena);
        int code = groups_find(comparing->folder->customers, slice_of(text), &arena, &group, &err);
        assert_int_equal(code, wanted ? 0 : E_NOT_FOUND);
        if (wanted) {
            assert_int_equal(group.n_members, wanted);
            for (size_t i = 0; i < group.n_members; i++)
                assert_true(comparing->set_of[group.members[i].owner] >= 0 &&
                            set_in[comparing->set_of[group.members[i].owner]]);
        }
        arena_release(&arena);
    }
}

static void compare(struct folder *folder, struct model *model) {
    struct snapshot *snapshot;
    struct err err = {0};
    assert_int_equal(timeline_snapshot(folder->timeline, &snapshot, &err), 0);
    struct comparing *comparing = calloc(1, sizeof *comparing);
    *comparing = (struct comparing){.folder = folder, .model = model};
    comparing->overlay = snapshot_overlay(snapshot);
    learn(folder, model);
    find_owners(model);
    memset(comparing->set_of, 0xff, sizeof comparing->set_of);
    assert_int_equal(log_last(folder->log), model->n_rows);
    assert_int_equal(log_read(folder->log, 1, UINT64_MAX, compare_row, comparing, &err), 0);
    for (int name = 0; name < NAMES; name++) {
        char text[16];
        uint32_t owner;
        int token = token_of(model, name);
        int code = customers_find(folder->customers, slice_of(name_of(name, text)), &owner, &err);
        assert_int_equal(code, token >= 0 ? 0 : E_NOT_FOUND);
        if (token >= 0) {
            same(comparing, token, owner);
            compare_full(comparing, token, owner);
        }
    }
    for (int kind = CRM; kind < MODEL_KINDS; kind++)
        for (int name = 0; name < EXTERNALS; name++)
            compare_external(comparing, kind, name);
    compare_groups(comparing);
    free(comparing);
    snapshot_release(snapshot);
}

static void verify(struct folder *folder) {
    struct err err = {0};
    struct buf findings;
    buf_init(&findings, 65536);
    assert_int_equal(folder_verify(folder, false, &findings, &err), 0);
    if (findings.n)
        fail_msg("%s", findings.p);
    buf_release(&findings);
}

static void set_kinds(struct folder *folder) {
    static const char *const none[] = {NULL}, *const blocked[] = {"anonymous", NULL};
    for (int i = 0; i < MODEL_KINDS; i++) {
        enum form form = i == EMAIL ? FORM_EMAIL : i == PHONE ? FORM_PHONE : FORM_TEXT;
        struct err err = {0};
        struct identifier_kind kind = {.name = kinds[i].name,
                                       .limit = kinds[i].limit,
                                       .values = kinds[i].values,
                                       .priority = kinds[i].priority,
                                       .joins = kinds[i].joins,
                                       .form = form,
                                       .traits = none,
                                       .blocked = blocked};
        assert_int_equal(kinds_put(folder->customers, &kind, &err), 0);
    }
}

static void history(const char *dir) {
    struct folder *folder;
    struct err err = {0};
    struct model *model = calloc(1, sizeof *model);
    memset(model->user, 0xff, sizeof model->user);
    memset(model->visitor, 0xff, sizeof model->visitor);
    memset(model->external, 0xff, sizeof model->external);
    assert_int_equal(folder_create(dir, NULL, &err), 0);
    assert_int_equal(folder_open(&folder, dir, &err), 0);
    set_kinds(folder);
    unsigned steps = random_below(STEPS) + 5;
    for (unsigned i = 0; i < steps; i++) {
        send(folder, model);
        if (random_below(3) == 0)
            by_hand(folder, model);
        unsigned what = random_below(12);
        if (what == 0)
            assert_true(folder_maintain(folder, true, &err) >= 0);
        if (what <= 1) {
            folder_close(folder);
            assert_int_equal(folder_open(&folder, dir, &err), 0);
        }
        if (what <= 4)
            compare(folder, model);
    }
    compare(folder, model);
    verify(folder);
    folder_close(folder);
    free(model);
}

static unsigned setting(const char *name, unsigned otherwise) {
    const char *text = getenv(name);
    return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

static void test_histories_agree_with_the_model(void **state) {
    (void)state;
    logger_set_level(LOGGER_ERROR);
    unsigned rounds = setting("SENDA_PROPERTY_ROUNDS", ROUNDS);
    unsigned seed = setting("SENDA_PROPERTY_SEED", 1);
    for (unsigned round = 0; round < rounds; round++) {
        random_state = ((uint64_t)seed << 32 | round) * 0x9E3779B97F4A7C15u | 1;
        char *dir = scratch_make("identity");
        history(dir);
        scratch_remove(dir);
        free(dir);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_histories_agree_with_the_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
