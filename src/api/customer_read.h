/*
 * What is known of customers, read from one snapshot of the timeline: how many interactions, since when, through which
 * channels, and their traits. Never more than the asker may see.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_API_CUSTOMER_READ_H
#define SENDA_API_CUSTOMER_READ_H

#include "api/api.h"

enum { CUSTOMER_CHANNELS = 32, TRAITS_MAX = 4096 };

struct customer_summary {
    uint32_t owner;
    uint64_t interactions;
    int64_t first_ms, last_ms; /* 0: none */
    struct {
        uint16_t channel;
        uint64_t n;
    } channels[CUSTOMER_CHANNELS]; /* most first */
    size_t n_channels;
};

struct trait {
    uint32_t code; /* in DICTIONARY_PROPERTY */
    int64_t time_ms;
    uint64_t seq;
    struct value value; /* texts in the arena */
};

struct reader; /* a snapshot and its parts */
/* Everything read is the arena's. */
must_use int reader_open(struct reader **reader, struct request *request, struct arena *arena,
                         struct err *err);
void reader_close(struct reader *reader);

uint32_t reader_profiles(const struct reader *reader);

/* owners: n of them, any order. */
must_use int reader_summaries(struct reader *reader, const uint32_t *owners, size_t n,
                              struct customer_summary *summaries, struct err *err);
/* The owner of an identifier, of whom the asker may see something. E_NOT_FOUND, the same for nobody and for who is not theirs. */
must_use int customer_find_visible(struct request *request, const char *id, uint32_t *owner,
                                   struct err *err);
/* Values of traits of one customer, by (code, time, seq). codes NULL: all. */
must_use int reader_traits(struct reader *reader, uint32_t owner, const uint32_t *codes,
                           size_t n_codes, struct trait **traits, size_t *n, struct err *err);

/* Rows of one customer that the asker may see, in no order, of a kind of part; property columns of the codes may be read with
 * part_value. Runs under part_guard: visit owns nothing. */
must_use int reader_rows(struct reader *reader, uint32_t owner, enum part_kind kind,
                         const uint32_t *codes, size_t n_codes,
                         void (*visit)(void *context, const struct part *part, uint32_t row),
                         void *context, struct err *err);

/* What people call customers, by their traits (customers.c); absent where nothing says. */
must_use int customer_names(struct request *request, const uint32_t *owners, size_t n,
                            struct slice *names, struct err *err);

/* userIds of owners in any order (customers.c); absent where there is none. */
must_use int customer_user_ids(struct request *request, const uint32_t *owners, size_t n,
                               struct slice *user_ids, struct err *err);

/* Events that carry opinions, as ?event= takes them. */
#define CUSTOMER_OPINIONS                                                                          \
    "Survey Responded,Kiosk Tapped,Product Reviewed,Review Published,Mention Published"

/* One customer as GET /api/v1/customers/{id} answers it (customers.c), with so many of the identifiers at most; `identifiers_total` says
 * how many there are. A new reference. E_NOT_FOUND where the asker may see nothing of it. */
enum { IDENTIFIERS_SHOWN = 200 /* where they are not what was asked for */ };
must_use int customer_read(struct request *request, struct reader *reader, uint32_t owner,
                           size_t identifiers_most, json_t **out, struct err *err);

/* Bit set of the owners of whom the asker may see an interaction; in the reader's arena. COST a pass over units. */
must_use int reader_visible(struct reader *reader, const uint64_t **owners, struct err *err);

enum customer_order { ORDER_ID, ORDER_LAST_SEEN, ORDER_FIRST_SEEN, ORDER_INTERACTIONS };
/* The owners at places [skip, skip + *n) of the order; *n becomes how many. With an order other than by id, or for an
 * asker limited to units, only customers with an interaction that they may see. */
must_use int reader_page(struct reader *reader, enum customer_order order, bool falling,
                         size_t skip, uint32_t *owners, size_t *n, struct err *err);

#endif
