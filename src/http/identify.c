/*
 * Who asks: the local socket, an API key, or a session; and in which language.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <sodium.h>
#include <stdlib.h>
#include <strings.h>

#include "http/account_internal.h"

/* The supported language that Accept-Language likes best: highest q, earliest among equals. */
static const char *accepted_language(const char *accept, const char *standard) {
    const char *best = standard;
    double best_q = 0;
    while (accept && *accept) {
        accept += strspn(accept, " ,\t");
        size_t n = strcspn(accept, ",");
        size_t tag = strcspn(accept, ";-,");
        double q = 1;
        const char *weight = memmem(accept, n, "q=", 2);
        if (weight) {
            char *end;
            q = strtod(weight + 2, &end);
            if (end == weight + 2)
                q = 0;
        }
        const char *language = tag == 2 && strncasecmp(accept, "es", 2) == 0   ? "es"
                               : tag == 2 && strncasecmp(accept, "en", 2) == 0 ? "en"
                                                                               : NULL;
        if (language && q > best_q) {
            best = language;
            best_q = q;
        }
        accept += n;
    }
    return best;
}

void request_choose_language(struct request *request) {
    const char *cookie = request_cookie(request, "senda_language");
    const char *standard = app_folder(request->app)->language;
    const char *asked = cookie && strcmp(cookie, "es") == 0   ? "es"
                        : cookie && strcmp(cookie, "en") == 0 ? "en"
                                                              : NULL;
    const char *accept = request_header(request, "Accept-Language");
    if (!asked)
        asked = accepted_language(accept, NULL);
    /* Who likes none of ours gets the organisation's, as on pages; "*" is what programs say. */
    request->private->language_asked = asked || (accept && strcmp(accept, "*") != 0);
    request->language = asked ? asked : standard ? standard : "es";
}

/* Basic: the key is the user name, the password is empty or the key. */
static const char *basic_key(struct request *request, const char *encoded) {
    char *text = arena_get(request->arena, strlen(encoded) + 1);
    size_t n = 0;
    if (sodium_base642bin((unsigned char *)text, strlen(encoded), encoded, strlen(encoded), " ", &n,
                          NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
        return NULL;
    text[n] = 0;
    text[strcspn(text, ":")] = 0;
    return text;
}

int accounts_identify(struct request *request, struct err *err) {
    request_choose_language(request);
    if (request->private->local) {
        request->private->auth = AUTH_LOCAL;
        request->principal = (struct principal){
            .name = "shell", .role = ROLE_OWNER, .scopes = role_scopes(ROLE_OWNER)};
        return 0;
    }
    const char *authorization = request_header(request, "Authorization");
    if (authorization && strncasecmp(authorization, "Bearer ", 7) == 0)
        return api_key_identify(request, authorization + 7, err);
    if (authorization && strncasecmp(authorization, "Basic ", 6) == 0) {
        const char *key = basic_key(request, authorization + 6);
        return key ? api_key_identify(request, key, err)
                   : err_set(err, E_UNAUTHORIZED, "unknown or expired API key");
    }
    const char *token = request_cookie(request, session_cookie(request));
    return token && strlen(token) < TOKEN_TEXT_BYTES ? session_identify(request, token, err) : 0;
}
