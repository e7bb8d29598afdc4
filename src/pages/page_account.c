/*
 * Coming in: sign-in, the first run's setup, sign-out; language and appearance.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>

#include "base/limits.h"
#include "folder/folder.h"
#include "http/app.h"
#include "http/sso.h"
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/regions.h"

const char *page_safe_target(const char *target) {
    bool local = target && target[0] == '/' && target[1] != '/' && target[1] != '\\';
    return local ? target : "/";
}

static void set_cookie(struct request *request, struct response *response, const char *name,
                       const char *value) {
    const char *secure = strncmp(request_base_url(request), "https:", 6) == 0 ? "; Secure" : "";
    response_header(request, response, "Set-Cookie",
                    arena_format(request->arena, "%s=%s; Path=/; Max-Age=31536000; SameSite=Lax%s",
                                 name, value, secure));
}

/* The demonstration tells how to sign in. */
static void add_demo_account(struct request *request, json_t *view) {
    char email[128], password[128];
    page_setting(request, "demo_email", email);
    page_setting(request, "demo_password", password);
    if (email[0] && password[0])
        json_object_set_new(view, "demo_account",
                            json_pack("{s:s, s:s}", "email", email, "password", password));
}

/* The button of single sign-on, where there is one. */
static void add_sso(struct request *request, json_t *view) {
    struct sso_settings settings;
    struct err none = {0};
    if (sso_settings_get(app_accounts(request->app), request->arena, &settings, &none) == 0)
        json_object_set_new(view, "sso", json_pack("{s:s}", "label", settings.label));
}

static json_t *sign_in_view(struct request *request, const char *next) {
    json_t *view = json_pack("{s:s}", "next", next);
    add_demo_account(request, view);
    add_sso(request, view);
    return view;
}

static const struct page sign_in_page = {.template = "sign_in", .title = "sign_in.title"};

static int show_sign_in(struct request *request, struct response *response, struct err *err) {
    if (accounts_need_setup(app_accounts(request->app))) {
        json_t *locked = json_pack("{s:b}", "locked", 1);
        return page_render(request, response,
                           &(struct page){.template = "setup", .title = "setup.title"}, locked,
                           err);
    }
    if (request->principal.role != ROLE_NONE)
        return page_redirect(request, response, "/", NULL);
    return page_render(request, response, &sign_in_page,
                       sign_in_view(request, page_safe_target(request_query(request, "next"))),
                       err);
}

int page_sign_in(struct request *request, struct response *response, const char *next,
                 const struct err *refusal, struct err *err) {
    json_t *view = sign_in_view(request, next);
    response->status = err_status(refusal->code);
    json_object_set_new(view, "error", json_string(page_message(request, refusal)));
    return page_render(request, response, &sign_in_page, view, err);
}

/* The second step's form: the code of the authenticator. */
static int ask_second(struct request *request, struct response *response, const char *pending,
                      const char *next, const char *error, struct err *err) {
    json_t *view = json_pack("{s:s, s:s}", "second", pending, "next", next);
    if (error)
        json_object_set_new(view, "error", json_string(page_text(request, error)));
    return page_render(request, response, &sign_in_page, view, err);
}

int page_sign_in_second(struct request *request, struct response *response, const char *pending,
                        const char *next, struct err *err) {
    return ask_second(request, response, pending, next, NULL, err);
}

static int sign_in_second(struct request *request, struct response *response, const char *pending,
                          struct err *err) {
    const char *code = request_form(request, "code"),
               *next = page_safe_target(request_form(request, "next"));
    struct err refusal = {0};
    int result = session_second(request, response, pending, code ? code : "", &refusal);
    if (result >= 0)
        return page_redirect(request, response, next, NULL);
    response->status = err_status(result);
    if (result == E_UNAUTHORIZED)
        return ask_second(request, response, pending, next, "sign_in.wrong_code", err);
    if (result == E_RATE)
        return ask_second(request, response, pending, next, "sign_in.too_many", err);
    if (result != E_INVALID) {
        *err = refusal;
        return result;
    }
    return page_redirect(request, response, "/sign-in", NULL);
}

static int sign_in(struct request *request, struct response *response, struct err *err) {
    const char *email = request_form(request, "email"),
               *password = request_form(request, "password");
    const char *next = page_safe_target(request_form(request, "next"));
    const char *second = request_form(request, "second"), *pending;
    struct err refusal = {0};
    if (second)
        return sign_in_second(request, response, second, err);
    int code = session_sign_in(request, response, email ? email : "", password ? password : "",
                               NULL, &pending, &refusal);
    if (pending)
        return ask_second(request, response, pending, next, NULL, err);
    if (code >= 0)
        return page_redirect(request, response, next, NULL);
    if (code != E_UNAUTHORIZED && code != E_RATE) {
        *err = refusal;
        return code;
    }
    response->status = err_status(code);
    json_t *view = sign_in_view(request, next);
    json_object_set_new(view, "email", json_string(email ? email : ""));
    json_object_set_new(
        view, "error",
        json_string(page_text(request, code == E_RATE ? "sign_in.too_many" : "sign_in.wrong")));
    return page_render(request, response, &sign_in_page, view, err);
}

static int sign_out(struct request *request, struct response *response, struct err *err) {
    int code = session_sign_out(request, response, err);
    return code < 0 ? code : page_redirect(request, response, "/sign-in", NULL);
}

static int save_preferences(struct request *request, struct response *response, struct err *err) {
    (void)err;
    const char *theme = request_form(request, "theme"),
               *language = request_form(request, "language");
    if (theme &&
        (strcmp(theme, "dark") == 0 || strcmp(theme, "light") == 0 || strcmp(theme, "auto") == 0))
        set_cookie(request, response, "theme", theme);
    if (language && (strcmp(language, "es") == 0 || strcmp(language, "en") == 0)) {
        set_cookie(request, response, "senda_language", language);
        if (request->principal.user) {
            struct err ignored = {0};
            int code = page_send(request, METHOD_PATCH, "/api/v1/me",
                                 json_pack("{s:s}", "language", language), NULL, &ignored);
            (void)code; /* the cookie serves where the person's own setting cannot be kept */
        }
    }
    return page_redirect(request, response, page_safe_target(request_form(request, "back")), NULL);
}

/* ---- a link for a password ---- */

static const struct page welcome_page = {.template = "welcome", .title = "welcome.title"};

static json_t *welcome_view(struct request *request, const char *token, struct err *refusal) {
    struct user user;
    int code = link_find(app_accounts(request->app), token, request->received_ms, request->arena,
                         &user, refusal);
    if (code)
        return json_object();
    return json_pack("{s:{s:s, s:s, s:b}}", "user", "token", token, "email", user.email, "invited",
                     user.invited);
}

static int refuse_welcome(struct request *request, struct response *response, json_t *view,
                          const struct err *refusal, struct err *err) {
    response->status = err_status(refusal->code);
    json_object_set_new(view, "error", json_string(page_message(request, refusal)));
    return page_render(request, response, &welcome_page, view, err);
}

static int show_welcome(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    const char *token = request_query(request, "token");
    json_t *view = welcome_view(request, token ? token : "", &refusal);
    response_header(request, response, "Referrer-Policy", "no-referrer");
    return refusal.code ? refuse_welcome(request, response, view, &refusal, err)
                        : page_render(request, response, &welcome_page, view, err);
}

/* Afterwards they sign in with it, and with their second factor if they have one. */
static int take_password(struct request *request, struct response *response, struct err *err) {
    const char *token = request_form(request, "token"),
               *password = request_form(request, "password");
    struct err refusal = {0}, ignored = {0};
    struct user user;
    int code = link_use(request, token ? token : "", password ? password : "", &user, &refusal);
    if (code == 0)
        return page_redirect(request, response, "/sign-in", "password");
    if (code != E_INVALID) {
        *err = refusal;
        return code;
    }
    return refuse_welcome(request, response, welcome_view(request, token ? token : "", &ignored),
                          &refusal, err);
}

/* ---- the first run ---- */

static const struct page setup_page = {.template = "setup", .title = "setup.title"};

static json_t *setup_form(struct request *request) {
    static const char *const fields[] = {"organisation", "region", "timezone", "name", "email"};
    json_t *form = json_object();
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const char *value = request_form(request, fields[i]);
        if (value)
            json_object_set_new(form, fields[i], json_string(value));
    }
    return form;
}

static json_t *setup_view(struct request *request, const char *token, json_t *form) {
    const char *region = json_string_value(json_object_get(form, "region"));
    const char *zone = json_string_value(json_object_get(form, "timezone"));
    bool valid = token && accounts_setup_token_valid(app_accounts(request->app), token);
    return json_pack(
        "{s:b, s:s, s:o, s:o, s:o}", "locked", !valid, "token", token ? token : "", "regions",
        regions_json(region                                 ? region
                     : strcmp(request->language, "es") == 0 ? "es-ES"
                                                            : "en-GB"),
        "timezones", timezones_json(zone ? zone : zone_name(app_folder(request->app)->zone)),
        "form", form);
}

static int show_setup(struct request *request, struct response *response, struct err *err) {
    if (!accounts_need_setup(app_accounts(request->app)))
        return page_redirect(request, response, "/", NULL);
    return page_render(request, response, &setup_page,
                       setup_view(request, request_query(request, "token"), json_object()), err);
}

/* The owner is made first: a second setup at the same time fails there and changes nothing. */
static int run_setup(struct request *request, struct response *response, struct err *err) {
    struct accounts *accounts = app_accounts(request->app);
    const char *token = request_form(request, "token"),
               *password = request_form(request, "password");
    if (!accounts_need_setup(accounts))
        return err_set(err, E_CONFLICT, "the setup has been done already");
    if (!token || !accounts_setup_token_valid(accounts, token))
        return err_set(err, E_FORBIDDEN, "the setup token is not valid");
    const char *organisation = request_form(request, "organisation"),
               *name = request_form(request, "name");
    const char *email = request_form(request, "email");
    struct user user = {.email = email ? email : "",
                        .name = name ? name : "",
                        .language = request->language,
                        .role = ROLE_OWNER};
    struct principal setup = {
        .name = "setup", .role = ROLE_OWNER, .scopes = role_scopes(ROLE_OWNER)};
    struct err refusal = {0};
    int code = user_add(accounts, &setup, &user, password ? password : "", &refusal);
    if (code == E_INVALID || code == E_CONFLICT) {
        response->status = 422;
        json_t *view = setup_view(request, token, setup_form(request));
        json_object_set_new(view, "error", json_string(page_message(request, &refusal)));
        return page_render(request, response, &setup_page, view, err);
    }
    if (code < 0) {
        *err = refusal;
        return code;
    }
    json_t *body = json_pack("{s:s, s:s*, s:s*, s:s}", "name",
                             organisation && *organisation ? organisation : "Senda", "region",
                             request_form(request, "region"), "timezone",
                             request_form(request, "timezone"), "language", request->language);
    code = page_send_as_owner(request, METHOD_PATCH, "/api/v1/settings", body, err);
    if (code >= 0)
        code = session_begin(request, response, user.id, err);
    return code < 0 ? code : page_redirect(request, response, "/", NULL);
}

static const struct route routes[] = {
    {.methods = METHOD_GET, .pattern = "/sign-in", .access = ACCESS_PUBLIC, .handle = show_sign_in},
    {.methods = METHOD_POST, .pattern = "/sign-in", .access = ACCESS_PUBLIC, .handle = sign_in},
    {.methods = METHOD_POST,
     .pattern = "/sign-out",
     .access = ACCESS_SESSION,
     .unenrolled = true,
     .handle = sign_out},
    {.methods = METHOD_GET, .pattern = "/welcome", .access = ACCESS_PUBLIC, .handle = show_welcome},
    {.methods = METHOD_POST,
     .pattern = "/welcome",
     .access = ACCESS_PUBLIC,
     .handle = take_password},
    {.methods = METHOD_POST,
     .pattern = "/preferences",
     .access = ACCESS_PUBLIC,
     .handle = save_preferences},
    {.methods = METHOD_GET, .pattern = "/setup", .access = ACCESS_PUBLIC, .handle = show_setup},
    {.methods = METHOD_POST, .pattern = "/setup", .access = ACCESS_PUBLIC, .handle = run_setup},
};
const struct route_table page_account_routes = ROUTE_TABLE(routes);
