/*
 * Answers: what people said, taken out of the interactions that carry it into one long table (part kind ANSWERS), so that
 * a score reads a column and not each survey's own properties.
 *
 * An interaction of CARRIERS (answers.c) carries answers in its property `answers`, a list of objects
 *   {"question": "recommend", "metric": "nps", "value": 9, "scale": [0, 10], "touchpoint": "shop"}
 * or is one itself: then `value` (or `score`, `rating`) stands among its own properties, with `question`, `metric`,
 * `scale_min`, `scale_max` where they are said, and its `comment` (`text`, `review_body`) is an answer in words besides. Each answer becomes a row ROW_ANSWER behind the interaction: same customer,
 * instant, event, channel, unit and source, its short properties (survey, version, weight …), and
 *   question, metric  text; metric is `text` for words, `rating` for a number of which nothing is known
 *   value             number, text or truth value; several choices are several answers
 *   scale_min, scale_max  ends of the scale: 0–10 for nps, 1–7 for ces, else 1–5 where nobody says
 *   points            what the value counts for: nps −1, 0, +1; csat and ces 1 above the middle of the scale, else 0 (of
 *                     5 points 4 and 5, of 7 points 5 to 7, of three faces the happy one); rating the value; absent where
 *                     the value lies outside its scale (nps knows whole numbers only), and for words
 *   answer.words      true where the same response says something in words
 *   answer.flag       why it should not count, by itself: `asked_words` (the words say that a score was asked for: asked.h),
 *                     `picked_by_staff` (`invited_by` is staff), `misuse` (the device said so in `misuse`). What only many
 *                     answers together show is found when a score is asked for (journey/asked.h).
 *
 * SOURCES  docs/metrics.md; NPS: Reichheld 2003; CSAT as share of the upper answers; CES 2.0: Dixon, Toman 2013.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_COLLECT_ANSWERS_H
#define SENDA_COLLECT_ANSWERS_H

#include "collect/event.h"

struct answer {
    struct slice question, metric, touchpoint; /* empty: not said */
    struct value value;                        /* INT, NUMBER, TEXT, FALSE or TRUE */
    double scale_min, scale_max;               /* equal: none */
    double points;
    bool has_points;
    bool words;       /* the response has words */
    const char *flag; /* NULL: none */
};

/* The event's name is one of a carrier. Cheap: every event is asked. */
bool event_carries_answers(const struct event *event);
/* Answers of an event, in its order; views into the event or the arena. More than LIMIT_ANSWERS, or a list that is none of
 * objects: REFUSAL_BAD_FIELD with the message. */
must_use enum refusal answers_of(const struct event *event, struct arena *arena,
                                 struct answer **answers, size_t *n, const char **message);
/* Properties of an answer's row: of the interaction the short ones, then the answer's own. `code` gives the code of a name;
 * false when it gives none. */
bool answer_encode(const struct event *event, const struct answer *answer, struct buf *out,
                   uint16_t (*code)(void *context, struct slice name), void *context);

#endif
