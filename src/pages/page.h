/*
 * One page of the interface: the JSON of the API, a template, the shell around it.
 *
 * IN:  a request of a signed-in person
 * OUT: HTML
 *
 * A handler collects what it needs with page_fetch, which runs a request of the API in this process with the rights of
 * the person, puts the answers as members into one object, and calls page_render. So whatever a page shows, the
 * API gives; and a form's handler turns its fields into the JSON of the API call and runs it with page_send.
 *
 * Members that every template finds besides its own: title, page_title (with the organisation), language, region
 * (locale), organisation, currency, person, role, can (object: manage, admin, import, see_people), csrf, here (this address), theme,
 * demo, notice.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_PAGE_H
#define SENDA_PAGES_PAGE_H

#include "http/http.h"
#include "pages/pages.h"
#include "pages/template.h"

struct page {
    const char *template; /* web/templates/NAME.mustache */
    const char *
        section; /* which entry of the navigation is current: "home" "customers" "explore" "import" "sources"
                             "settings"; NULL: none */
    const char *title;  /* key of its title; NULL: the view has a member "title" */
    const char *script; /* "js/import.js", NULL: none beyond js/app.js */
    const char
        *style; /* "css/charts.css", several with blanks between; NULL: none beyond css/senda.css */
    bool wide, narrow; /* of the column of content */
};

/* Renders the page around `view` (an object, taken over also on failure) and sends it with status 200, or the
 * response's status if that is set already. Returns HANDLED or an error. */
must_use int page_render(struct request *request, struct response *response,
                         const struct page *page, json_t *view, struct err *err);

/* Runs GET `target` ("/api/v1/sources?limit=20") as this person; *answer is a new reference. An answer of 4xx or 5xx
 * is its error. */
must_use int page_fetch(struct request *request, const char *target, json_t **answer,
                        struct err *err);
/* Runs a change: `body` (taken over) as JSON, or NULL. answer may be NULL. */
must_use int page_send(struct request *request, enum method method, const char *target,
                       json_t *body, json_t **answer, struct err *err);
/* Runs a request whose body is this one's, as it came (uploads). */
must_use int page_forward(struct request *request, const char *target, json_t **answer,
                          struct err *err);
/* The same with the rights of the folder's owner: only for the first run, when nobody is there yet. */
must_use int page_send_as_owner(struct request *request, enum method method, const char *target,
                                json_t *body, struct err *err);
/* POST /api/v1/query. */
must_use int page_query(struct request *request, json_t *query, json_t **answer, struct err *err);

/* What an error says in the reader's language. */
const char *page_message(const struct request *request, const struct err *err);
/* A refused form: view["error"] = {"message","hint","pointer"}, which the partial form_error shows. */
void page_form_error(const struct request *request, json_t *view, const struct err *refusal);

/* For numbers and dates outside templates (charts): language and region of this request. */
const struct format *page_format(const struct request *request);
/* The text of a key in the request's language. */
const char *page_text(const struct request *request, const char *key);
/* A setting of the organisation, "" if it is not set. */
void page_setting(const struct request *request, const char *name, char value[128]);
/* 303 to `location` with a notice (key below "notice.") shown once at the top of the next page. */
int page_redirect(struct request *request, struct response *response, const char *location,
                  const char *notice);

/* Only addresses of this interface: "/x", never "//host" or "/\\host"; "/" in place of any other and of NULL. */
const char *page_safe_target(const char *target);
/* The form to sign in, with what went wrong; and the one that asks for the second factor's code. */
must_use int page_sign_in(struct request *request, struct response *response, const char *next,
                          const struct err *refusal, struct err *err);
must_use int page_sign_in_second(struct request *request, struct response *response,
                                 const char *pending, const char *next, struct err *err);

/* Names of all events, for fields that ask for one. New reference. */
json_t *page_event_names(const struct request *request);
/* Units that the person may ask for, those that stand above others first known ones too: [{"name","title","chosen"}] by title.
 * chosen may be NULL. New reference. */
json_t *page_units(struct request *request, const char *chosen);
/* A prefix ("/customers/") and an id, encoded; in the request's arena. */
const char *page_path(struct request *request, const char *prefix, const char *id);

#endif
