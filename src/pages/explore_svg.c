/*
 * A drawing that stands alone: the style sheet of the charts goes into the file, its tokens resolved to the light scheme,
 * because programs that show SVG know neither custom properties nor light-dark() nor color-mix().
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "http/assets.h"
#include "pages/explore.h"

enum { STYLE_BYTES = 256 * 1024, ROUNDS = 6 };

/* Where the bracket that opens before `at` closes. */
static const char *closing(const char *at, const char *end) {
    for (int depth = 1; at < end; at++) {
        depth += (*at == '(') - (*at == ')');
        if (!depth)
            return at;
    }
    return NULL;
}

static const char *comma_in(const char *at, const char *end) {
    for (int depth = 0; at < end; at++) {
        depth += (*at == '(') - (*at == ')');
        if (!depth && *at == ',')
            return at;
    }
    return end;
}

static struct slice trimmed(const char *from, const char *to) {
    while (from < to && isspace((unsigned char)*from))
        from++;
    while (to > from && isspace((unsigned char)to[-1]))
        to--;
    return (struct slice){from, (size_t)(to - from)};
}

/* The declared value of "--name" in the tokens' style sheet. */
static struct slice token_value(struct slice tokens, struct slice name) {
    const char *end = tokens.p + tokens.n;
    for (const char *at = tokens.p; at && at < end; at++) {
        at = memmem(at, (size_t)(end - at), name.p, name.n);
        if (!at)
            break;
        const char *after = at + name.n;
        while (after < end && *after == ' ')
            after++;
        if (after < end && *after == ':' && at > tokens.p &&
            (isspace((unsigned char)at[-1]) || at[-1] == '{' || at[-1] == ';')) {
            const char *stop = after;
            while (stop < end && *stop != ';' && *stop != '}')
                stop++;
            return trimmed(after + 1, stop);
        }
    }
    return SLICE_LITERAL("inherit");
}

static bool hex_colour(struct slice text, int rgb[3]) {
    char digits[8];
    if (text.n != 7 || text.p[0] != '#')
        return false;
    memcpy(digits, text.p, 7);
    digits[7] = 0;
    return sscanf(digits, "#%2x%2x%2x", (unsigned *)&rgb[0], (unsigned *)&rgb[1],
                  (unsigned *)&rgb[2]) == 3;
}

/* "in srgb, #A P%, #B" of plain colours. */
static bool mix(struct slice inside, char text[16]) {
    const char *end = inside.p + inside.n, *first = comma_in(inside.p, end);
    if (first == end)
        return false;
    const char *second = comma_in(first + 1, end);
    struct slice a = trimmed(first + 1, second),
                 b = second < end ? trimmed(second + 1, end) : (struct slice){"", 0};
    int from[3], to[3];
    const char *blank = memchr(a.p, ' ', a.n);
    double share = blank ? strtod(blank, NULL) / 100 : 0.5;
    if (!hex_colour((struct slice){a.p, blank ? (size_t)(blank - a.p) : a.n}, from))
        return false;
    if (!hex_colour(b, to))
        to[0] = to[1] = to[2] = 255;
    for (int i = 0; i < 3; i++)
        from[i] = (int)(from[i] * share + to[i] * (1 - share) + 0.5);
    snprintf(text, 16, "#%02x%02x%02x", (unsigned)from[0] & 255, (unsigned)from[1] & 255,
             (unsigned)from[2] & 255);
    return true;
}

/* One round: var() by its value, light-dark() by its first, color-mix() of plain colours computed. Returns changes. */
static int resolve_once(struct slice style, struct slice tokens, struct buf *out) {
    static const char *const CALLS[] = {"var(", "light-dark(", "color-mix("};
    const char *at = style.p, *end = style.p + style.n;
    int changes = 0;
    while (at < end) {
        const char *close = NULL;
        int call = -1;
        for (int i = 0; i < 3 && call < 0; i++) {
            size_t n = strlen(CALLS[i]);
            if ((size_t)(end - at) > n && memcmp(at, CALLS[i], n) == 0 &&
                (close = closing(at + n, end)))
                call = i;
        }
        if (call < 0) {
            buf_add_char(out, *at++);
            continue;
        }
        const char *inside = at + strlen(CALLS[call]);
        char mixed[16];
        if (call == 0) {
            struct slice name = trimmed(inside, comma_in(inside, close));
            /* --soft and --flow are set by the classes of the drawing itself: left to the next round's caller */
            buf_add_slice(out, token_value(tokens, name));
        } else if (call == 1) {
            buf_add_slice(out, trimmed(inside, comma_in(inside, close)));
        } else if (mix((struct slice){inside, (size_t)(close - inside)}, mixed)) {
            buf_add_text(out, mixed);
        } else {
            buf_add_text(out, "color-mix(");
            at = inside;
            changes++;
            continue;
        }
        changes++;
        at = close + 1;
    }
    return changes;
}

/* ".chart .time-3 { --flow: #cb6437; }" becomes rules for the lines and heads of such edges, likewise --soft. */
static void expand_local(struct slice style, struct buf *out) {
    static const char *const LOCAL[] = {"--flow: ", "--soft: "};
    const char *end = style.p + style.n;
    for (int i = 0; i < 2; i++) {
        size_t n = strlen(LOCAL[i]);
        for (const char *at = style.p; (at = memmem(at, (size_t)(end - at), LOCAL[i], n));
             at += n) {
            const char *open = at, *dot;
            while (open > style.p && *open != '{')
                open--;
            for (dot = open; dot > style.p && *dot != '.'; dot--) {
            }
            struct slice class = trimmed(dot + 1, open), value = {at + n, strcspn(at + n, ";}")};
            if (i == 0)
                buf_add_format(
                    out, ".chart .%.*s .flow-line{stroke:%.*s}.chart .%.*s .flow-head{fill:%.*s}\n",
                    SLICE_ARGS(class), SLICE_ARGS(value), SLICE_ARGS(class), SLICE_ARGS(value));
            else
                buf_add_format(
                    out, ".chart .%.*s{fill:%.*s;fill-opacity:.2;stroke:%.*s;stroke-opacity:.55}\n",
                    SLICE_ARGS(class), SLICE_ARGS(value), SLICE_ARGS(value));
        }
    }
}

int explore_svg(struct slice drawing, struct arena *arena, struct buf *out, struct err *err) {
    struct asset tokens, charts;
    struct buf style[2];
    int at = 0, code = asset_get("css/senda.css", arena, &tokens, err);
    if (!code)
        code = asset_get("css/charts.css", arena, &charts, err);
    if (code)
        return code;
    for (int i = 0; i < 2; i++)
        buf_init(&style[i], STYLE_BYTES);
    buf_add_slice(&style[0], charts.raw);
    for (int round = 0; round < ROUNDS; round++) {
        buf_clear(&style[!at]);
        int changes = resolve_once(buf_slice(&style[at]), tokens.raw, &style[!at]);
        at = !at;
        if (!changes)
            break;
    }
    buf_clear(&style[!at]);
    expand_local(buf_slice(&style[at]), &style[!at]);
    const char *body = memchr(drawing.p, '>', drawing.n);
    if (!body)
        return err_set(err, E_NOT_FOUND, "there is nothing to draw");
    size_t head = (size_t)(body + 1 - drawing.p);
    buf_add_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    buf_add(out, drawing.p, head);
    buf_add_text(out, "<style>\n");
    const char *p = style[at].p;
    for (size_t i = 0; i < style[at].n;
         i++) /* "<" and "&" do not occur in our own style sheet, ">" may */
        if (p[i] != '<' && p[i] != '&')
            buf_add_char(out, p[i]);
    buf_add_slice(out, buf_slice(&style[!at]));
    buf_add_text(out,
                 ".chart{font-family:Inter,Helvetica,Arial,sans-serif;background:#fff}\n</style>");
    buf_add(out, drawing.p + head, drawing.n - head);
    for (int i = 0; i < 2; i++)
        buf_release(&style[i]);
    return 0;
}
