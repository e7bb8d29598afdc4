/*
 * Mustache by plain interpretation: the source is walked tag by tag, sections find their end by counting and are walked
 * once per element. Templates are a few KB; a page takes some tens of microseconds, so nothing is compiled or cached.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/template.h"

#include <ctype.h>

#include "http/assets.h"
#include "pages/template_filter.h"
#include "pages/text.h"

/* The values in whose context a name is looked up, innermost first. */
struct scope {
    const json_t *value;
    const struct scope *up;
};

struct render {
    const struct template_world *world;
    struct buf *out;
    struct err *err;
    int depth;
};

enum tag_kind {
    TAG_VALUE,
    TAG_RAW,
    TAG_SECTION,
    TAG_INVERTED,
    TAG_CLOSE,
    TAG_PARTIAL,
    TAG_COMMENT,
    TAG_TEXT,
    TAG_TEXT_RAW,
    TAG_ASSET,
    TAG_ICON
};

struct tag {
    enum tag_kind kind;
    struct slice body; /* without braces and sigil, trimmed */
    size_t start,
        next; /* where the text before it ends; where to go on (a lone tag takes its line along) */
};

void html_escape(struct slice text, struct buf *out) {
    size_t from = 0;
    for (size_t i = 0; i < text.n; i++) {
        const char *escape = text.p[i] == '&'    ? "&amp;"
                             : text.p[i] == '<'  ? "&lt;"
                             : text.p[i] == '>'  ? "&gt;"
                             : text.p[i] == '"'  ? "&quot;"
                             : text.p[i] == '\'' ? "&#39;"
                                                 : NULL;
        if (!escape)
            continue;
        buf_add(out, text.p + from, i - from);
        buf_add_text(out, escape);
        from = i + 1;
    }
    buf_add(out, text.p + from, text.n - from);
}

/* ---- tags ---- */

static struct slice trim(struct slice text) {
    while (text.n && isspace((unsigned char)*text.p))
        text.p++, text.n--;
    while (text.n && isspace((unsigned char)text.p[text.n - 1]))
        text.n--;
    return text;
}

/* The first word; *rest is what follows it, trimmed. */
static struct slice first_word(struct slice text, struct slice *rest) {
    size_t n = 0;
    while (n < text.n && !isspace((unsigned char)text.p[n]))
        n++;
    if (rest)
        *rest = trim((struct slice){text.p + n, text.n - n});
    return (struct slice){text.p, n};
}

static void take_line_along(struct slice source, struct tag *tag) {
    size_t start = tag->start, next = tag->next;
    while (start > 0 && (source.p[start - 1] == ' ' || source.p[start - 1] == '\t'))
        start--;
    if (start > 0 && source.p[start - 1] != '\n')
        return;
    while (next < source.n &&
           (source.p[next] == ' ' || source.p[next] == '\t' || source.p[next] == '\r'))
        next++;
    if (next < source.n && source.p[next] != '\n')
        return;
    tag->start = start;
    tag->next = next < source.n ? next + 1 : next;
}

static enum tag_kind kind_of(char sigil) {
    switch (sigil) {
    case '#': return TAG_SECTION;
    case '^': return TAG_INVERTED;
    case '/': return TAG_CLOSE;
    case '>': return TAG_PARTIAL;
    case '!': return TAG_COMMENT;
    case '&': return TAG_RAW;
    case '_': return TAG_TEXT;
    case '@': return TAG_ASSET;
    case '+': return TAG_ICON;
    default: return TAG_VALUE;
    }
}

static bool next_tag(struct slice source, size_t at, struct tag *tag) {
    const char *open = at < source.n ? memmem(source.p + at, source.n - at, "{{", 2) : NULL;
    if (!open)
        return false;
    tag->start = (size_t)(open - source.p);
    bool triple = tag->start + 2 < source.n && open[2] == '{';
    const char *close_mark = triple ? "}}}" : "}}";
    size_t from = tag->start + (triple ? 3 : 2);
    const char *close = memmem(source.p + from, source.n - from, close_mark, triple ? 3 : 2);
    if (!close)
        return false;
    tag->next = (size_t)(close - source.p) + (triple ? 3 : 2);
    tag->body = trim((struct slice){source.p + from, (size_t)(close - source.p) - from});
    tag->kind = tag->body.n ? kind_of(tag->body.p[0]) : TAG_COMMENT;
    if (tag->kind != TAG_VALUE && tag->body.n)
        tag->body = trim((struct slice){tag->body.p + 1, tag->body.n - 1});
    if (triple)
        tag->kind = tag->kind == TAG_TEXT ? TAG_TEXT_RAW : TAG_RAW;
    if (tag->kind >= TAG_SECTION && tag->kind <= TAG_COMMENT)
        take_line_along(source, tag);
    return true;
}

static struct slice name_of(struct slice expression) {
    const char *bar = memchr(expression.p, '|', expression.n);
    return trim((struct slice){expression.p, bar ? (size_t)(bar - expression.p) : expression.n});
}

/* The tag that closes the section whose content begins at `at`. */
static int find_close(struct render *render, struct slice source, size_t at, struct slice name,
                      struct tag *close) {
    for (int open = 0; next_tag(source, at, close); at = close->next) {
        if (close->kind == TAG_SECTION || close->kind == TAG_INVERTED)
            open++;
        if (close->kind == TAG_CLOSE && open-- == 0) {
            if (slice_equal(name_of(close->body), name))
                return 0;
            break;
        }
    }
    return err_set(render->err, E_INTERNAL, "section {{#%.*s}} of a template does not close",
                   SLICE_ARGS(name));
}

/* ---- values ---- */

static const json_t *member(const json_t *object, struct slice name) {
    return json_is_object(object) ? json_object_getn(object, name.p, name.n) : NULL;
}

static const json_t *look_up(const struct scope *scope, struct slice name) {
    if (slice_is(name, "."))
        return scope->value;
    const char *dot = memchr(name.p, '.', name.n);
    struct slice head = {name.p, dot ? (size_t)(dot - name.p) : name.n};
    const json_t *value = NULL;
    for (; scope && !value; scope = scope->up)
        value = member(scope->value, head);
    while (value && dot) {
        struct slice rest = {dot + 1, name.n - (size_t)(dot + 1 - name.p)};
        dot = memchr(rest.p, '.', rest.n);
        head = (struct slice){rest.p, dot ? (size_t)(dot - rest.p) : rest.n};
        name = rest;
        value = member(value, head);
    }
    return value;
}

/* The value of "name|filter|filter:word". */
static void evaluate(struct render *render, const struct scope *scope, struct slice expression,
                     struct template_value *value) {
    *value = (struct template_value){.json = look_up(scope, name_of(expression))};
    const char *bar = memchr(expression.p, '|', expression.n);
    while (bar) {
        struct slice rest = {bar + 1, expression.n - (size_t)(bar + 1 - expression.p)};
        bar = memchr(rest.p, '|', rest.n);
        struct slice filter = trim((struct slice){rest.p, bar ? (size_t)(bar - rest.p) : rest.n});
        expression = rest;
        template_filter(render->world, filter, value);
    }
}

static bool is_true(const struct template_value *value) {
    if (value->is_text)
        return value->text_n > 0;
    const json_t *json = value->json;
    switch (json ? json_typeof(json) : JSON_NULL) {
    case JSON_NULL:
    case JSON_FALSE: return false;
    case JSON_STRING: return json_string_length(json) > 0;
    case JSON_INTEGER: return json_integer_value(json) != 0;
    case JSON_REAL: return json_real_value(json) < 0.0 || json_real_value(json) > 0.0;
    case JSON_ARRAY: return json_array_size(json) > 0;
    case JSON_OBJECT: return json_object_size(json) > 0;
    default: return true;
    }
}

static void print_slice(struct render *render, struct slice text, bool escape) {
    if (escape)
        html_escape(text, render->out);
    else
        buf_add_slice(render->out, text);
}

static void print_json(struct render *render, const json_t *json, bool escape) {
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    print_slice(render, slice_of(text ? text : "null"), escape);
    free(text);
}

static void print_value(struct render *render, const struct scope *scope, struct slice expression,
                        bool escape) {
    struct template_value value;
    evaluate(render, scope, expression, &value);
    if (value.as_json) {
        print_json(render, value.json, escape);
    } else if (!value.is_text && json_is_string(value.json)) { /* the usual case, however long */
        print_slice(render,
                    (struct slice){json_string_value(value.json), json_string_length(value.json)},
                    escape);
    } else {
        template_value_text(&value);
        print_slice(render, (struct slice){value.text, value.text_n}, escape);
    }
}

/* {{_ key count}}: the text, its {names} filled. */
static void print_text(struct render *render, const struct scope *scope, struct slice body,
                       bool escape) {
    struct slice count_name, key = first_word(body, &count_name);
    struct template_value count = {0};
    if (count_name.n)
        evaluate(render, scope, count_name, &count);
    const char *language = format_language(render->world->format);
    char name[128];
    snprintf(name, sizeof name, "%.*s", SLICE_ARGS(key));
    const char *text = count_name.n ? text_of_count(language, name, template_value_number(&count))
                                    : text_of(language, name);
    while (*text) {
        size_t plain = strcspn(text, "{");
        struct slice piece = {text, plain};
        if (escape)
            html_escape(piece, render->out);
        else
            buf_add_slice(render->out, piece);
        text += plain;
        if (!*text)
            break;
        size_t n = strcspn(text, "}");
        struct slice hole = {text + 1, n - 1};
        if (slice_is(hole, "n") && count_name.n)
            format_number(render->world->format, template_value_number(&count), 1, render->out);
        else
            print_value(render, scope, hole, true);
        text += n + (text[n] == '}');
    }
}

static void print_icon(struct render *render, struct slice body) {
    struct slice style, name = first_word(body, &style);
    buf_add_format(render->out,
                   "<svg class=\"icon %.*s\" aria-hidden=\"true\"><use "
                   "href=\"/assets/%s/icons/senda.svg#%.*s\"/></svg>",
                   SLICE_ARGS(style), assets_version(), SLICE_ARGS(name));
}

/* ---- walking ---- */

static int render_slice(struct render *render, struct slice source, const struct scope *scope);

static int render_partial(struct render *render, struct slice name, const struct scope *scope) {
    char path[128];
    snprintf(path, sizeof path, "templates/%.*s.mustache", SLICE_ARGS(name));
    struct asset asset;
    int code = asset_get(path, render->world->arena, &asset, NULL);
    if (code < 0)
        return err_set(render->err, E_NOT_FOUND, "no template %.*s", SLICE_ARGS(name));
    return render_slice(render, asset.raw, scope);
}

static int render_section(struct render *render, const struct tag *tag, struct slice content,
                          const struct scope *scope) {
    struct template_value value;
    evaluate(render, scope, tag->body, &value);
    bool yes = is_true(&value);
    if (tag->kind == TAG_INVERTED)
        return yes ? 0 : render_slice(render, content, scope);
    if (!yes)
        return 0;
    if (value.is_text)
        return render_slice(render, content, scope);
    if (!json_is_array(value.json))
        return render_slice(render, content, &(struct scope){value.json, scope});
    size_t i;
    json_t *element;
    json_array_foreach((json_t *)(uintptr_t)value.json, i, element) {
        int code = render_slice(render, content, &(struct scope){element, scope});
        if (code < 0)
            return code;
    }
    return 0;
}

static int render_tag(struct render *render, const struct tag *tag, const struct scope *scope) {
    switch (tag->kind) {
    case TAG_VALUE: print_value(render, scope, tag->body, true); break;
    case TAG_RAW: print_value(render, scope, tag->body, false); break;
    case TAG_TEXT: print_text(render, scope, tag->body, true); break;
    case TAG_TEXT_RAW: print_text(render, scope, tag->body, false); break;
    case TAG_ASSET:
        buf_add_format(render->out, "/assets/%s/%.*s", assets_version(), SLICE_ARGS(tag->body));
        break;
    case TAG_ICON: print_icon(render, tag->body); break;
    case TAG_PARTIAL: return render_partial(render, tag->body, scope);
    case TAG_CLOSE:
        return err_set(render->err, E_INTERNAL, "{{/%.*s}} of a template closes nothing",
                       SLICE_ARGS(tag->body));
    default: break;
    }
    return 0;
}

static int render_slice(struct render *render, struct slice source, const struct scope *scope) {
    if (++render->depth > TEMPLATE_DEPTH)
        return err_set(render->err, E_INTERNAL, "a template is nested too deep");
    size_t at = 0;
    struct tag tag;
    int code = 0;
    while (code == 0 && next_tag(source, at, &tag)) {
        if (tag.start > at)
            buf_add(render->out, source.p + at, tag.start - at);
        at = tag.next;
        if (tag.kind != TAG_SECTION && tag.kind != TAG_INVERTED) {
            code = render_tag(render, &tag, scope);
            continue;
        }
        struct tag close = {0};
        code = find_close(render, source, at, name_of(tag.body), &close);
        if (code < 0)
            break;
        size_t end = close.start > at ? close.start : at;
        code = render_section(render, &tag, (struct slice){source.p + at, end - at}, scope);
        at = close.next;
    }
    if (code == 0 && at < source.n)
        buf_add(render->out, source.p + at, source.n - at);
    render->depth--;
    return code;
}

int template_render_text(struct slice source, const json_t *view,
                         const struct template_world *world, struct buf *out, struct err *err) {
    struct render render = {.world = world, .out = out, .err = err};
    int code = render_slice(&render, source, &(struct scope){view, NULL});
    if (code < 0)
        return code;
    return out->full ? err_set(err, E_TOO_LARGE, "the page is too large") : 0;
}

int template_render(const char *name, const json_t *view, const struct template_world *world,
                    struct buf *out, struct err *err) {
    struct render render = {.world = world, .out = out, .err = err};
    int code = render_partial(&render, slice_of(name), &(struct scope){view, NULL});
    if (code < 0)
        return code;
    return out->full ? err_set(err, E_TOO_LARGE, "the page is too large") : 0;
}
