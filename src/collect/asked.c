/*
 * See asked.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "collect/asked.h"

#include "base/utf8.h"

enum { NEAR_WORDS = 6, LONGEST_TEXT = 4000 };

/* Beginnings of words, without accents. */
static const char *const ASKING[] = {"pidi",    "pedid", "pedia", "demana", "rogaron",
                                     "presion", "dijer", "dijo",  "dixer",  "diguer",
                                     "insisti", "asked", "told",  "begged", "oblig"};
static const char *const BEST[] = {"maxim", "sobresal", "verde", "estre", "stars"};
/* A rating, and praise before or after it: "buena nota", "valore bien". */
static const char *const RATINGS[] = {"nota",   "puntua", "valor",  "calific",
                                      "resena", "score",  "rating", "review"};
static const char *const PRAISE[] = {"buen",  "bien", "bona", "boa",  "alta",
                                     "posit", "good", "high", "great"};
/* The best of a scale, as a whole word; a number of minutes or an hour is none: what stands before it tells. */
static const char *const TENS[] = {"10", "diez", "deu", "dez", "ten"};
static const char *const BEFORE_TEN[] = {"un", "pong", "pon", "pus", "puse", "poner"};

static bool begins(const char *word, const char *const *list, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (strncmp(word, list[i], strlen(list[i])) == 0)
            return true;
    return false;
}
#define BEGINS(word, list) begins((word), (list), sizeof(list) / sizeof *(list))

static bool is_score(const char *word, const char *before) {
    for (size_t i = 0; i < sizeof TENS / sizeof *TENS; i++)
        if (strcmp(word, TENS[i]) == 0)
            return !*before || BEGINS(before, BEFORE_TEN) ||
                   (strcmp(word, "ten") == 0 && strcmp(before, "a") == 0);
    return BEGINS(word, BEST) || (BEGINS(word, RATINGS) && BEGINS(before, PRAISE)) ||
           (BEGINS(word, PRAISE) && BEGINS(before, RATINGS));
}

bool words_say_asked(struct slice text, struct arena *arena) {
    struct slice plain = utf8_plain(utf8_cut(text, LONGEST_TEXT), arena);
    char *copy = ARENA_ARRAY(arena, char, plain.n + 1), *rest = NULL;
    for (size_t i = 0; i < plain.n; i++) {
        bool letter =
            (plain.p[i] >= 'a' && plain.p[i] <= 'z') || (plain.p[i] >= '0' && plain.p[i] <= '9');
        copy[i] = (char)(letter ? plain.p[i] : ' ');
    }
    const char *before = "";
    int asked = -NEAR_WORDS - 1, score = -NEAR_WORDS - 1, at = 0; /* places of the last of each */
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest), at++) {
        if (BEGINS(word, ASKING))
            asked = at;
        else if (is_score(word, before))
            score = at;
        before = word;
        if (asked >= 0 && score >= 0 && asked - score <= NEAR_WORDS && score - asked <= NEAR_WORDS)
            return true;
    }
    return false;
}
