/*
 * Which column is which part of an event. See import_guess.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <strings.h>

#include "base/json_out.h"
#include "base/utf8.h"
#include "collect/import_guess.h"

enum { WORDS_MAX = 72 };
#define WEAK 0.75
#define SURE 0.5 /* below, nothing is proposed */

/* Words for the parts, the best first, in Spanish and English; compared with the words of a column's name. "=" in front:
 * only the whole name; "~": that too, and less than any word that says it. */
static const char *const words[MAP_PARTS][WORDS_MAX] = {
    [MAP_CUSTOMER] = {"case:concept:name",
                      "customer id",
                      "customerid",
                      "customer",
                      "id cliente",
                      "cliente id",
                      "idcliente",
                      "codigo cliente",
                      "codigo de cliente",
                      "numero de cliente",
                      "cod cliente",
                      "num cliente",
                      "cliente",
                      "user id",
                      "userid",
                      "user",
                      "id usuario",
                      "usuario",
                      "case id",
                      "caseid",
                      "case",
                      "id caso",
                      "caso",
                      "client id",
                      "clientid",
                      "client",
                      "visitor id",
                      "visitorid",
                      "visitor",
                      "fullvisitorid",
                      "member id",
                      "member",
                      "socio",
                      "abonado",
                      "suscriptor",
                      "asegurado",
                      "titular",
                      "contact id",
                      "=contacto",
                      "account id",
                      "patient",
                      "paciente",
                      "cust",
                      "custid",
                      "masterid",
                      "respnum",
                      "dni",
                      "nif",
                      "cif",
                      "cedula",
                      "rut",
                      "curp",
                      "~email",
                      "~e mail",
                      "~mail",
                      "~correo",
                      "~correo electronico",
                      "~email address",
                      "~customer name",
                      "~session id",
                      "~session",
                      "~sesion",
                      "~telefono",
                      "~movil",
                      "~phone",
                      "~telefono cliente",
                      "~nombre",
                      "~name",
                      "=id"},
    [MAP_TIME] = {"time:timestamp",
                  "timestamp",
                  "event time",
                  "datetime",
                  "date time",
                  "fecha hora",
                  "fecha y hora",
                  "marca temporal",
                  "marca de tiempo",
                  "fecha",
                  "time",
                  "date",
                  "fecha evento",
                  "event date",
                  "occurred at",
                  "created at",
                  "created",
                  "instante",
                  "momento",
                  "fecha creacion",
                  "fecha pedido",
                  "order date",
                  "invoicedate",
                  "fecha compra",
                  "visited at",
                  "visit time",
                  "fec",
                  "dia",
                  "=day",
                  "=when",
                  "hora"},
    [MAP_CLOCK] = {"hora", "time", "hour", "time of day", "hora inicio", "start time"},
    [MAP_EVENT] = {"concept:name",  "activity",     "actividad",      "event name",
                   "event",         "evento",       "nombre evento",  "action",
                   "accion",        "interaccion",  "interaction",    "tipo de contacto",
                   "tipo contacto", "contact type", "tipo de evento", "step",
                   "paso",          "etapa",        "fase",           "operacion",
                   "task",          "tarea",        "gestion",        "tramite",
                   "handling",      "page",         "pagina",         "event type",
                   "motivo",        "reason",       "asunto",         "subject",
                   "servicio",      "service",      "=tipo",          "=type",
                   "=estado",       "=status",      "=concepto"},
    [MAP_CHANNEL] = {"channel", "canal", "case:channel", "medio", "via"},
    [MAP_TOUCHPOINT] = {"touchpoint", "touch point", "punto de contacto", "contact point"},
    [MAP_UNIT] = {"unit", "unidad", "store", "tienda", "branch", "sucursal", "oficina", "office",
                  "centro", "shop", "delegacion", "sede"},
    [MAP_MESSAGE_ID] = {"message id", "messageid", "event id", "eventid", "id evento", "uuid",
                        "transaction id", "id transaccion"},
};

/* What all rows may be called, by a word in the name of a column or of the file. */
static const struct {
    const char *words[12], *event;
} named_by[] = {
    {{"llamada", "llamadas"}, "Llamada"},
    {{"call", "calls"}, "Call"},
    {{"nps", "encuesta", "encuestas", "puntuacion", "valoracion", "recomendarias", "satisfaccion"},
     "Encuesta"},
    {{"survey", "score", "rating"}, "Survey"},
    {{"incidencia", "incidencias", "reclamacion", "reclamaciones", "queja", "quejas", "averia"},
     "Incidencia"},
    {{"complaint", "complaints", "incident", "tickets"}, "Complaint"},
    {{"reserva", "reservas"}, "Reserva"},
    {{"booking", "bookings", "reservation"}, "Booking"},
    {{"importe", "producto", "precio", "pedido", "pedidos", "factura", "venta", "ventas", "compra",
      "compras", "unidades"},
     "Compra"},
    {{"amount", "product", "price", "order", "orders", "invoice", "sale", "sales", "purchase",
      "quantity", "revenue"},
     "Purchase"},
    {{"total"}, "Compra"},
    {{"visita", "visitas"}, "Visita"},
    {{"visit", "visits"}, "Visit"},
    {{"fecha", "cliente", "usuario", "hora", "canal", "centro", "tienda", "correo", "telefono"},
     "Contacto"},
};

/* Columns that describe people; two of them and no event make a list of customers. */
static const char *const about_people[] = {
    "nombre",   "apellidos",  "apellido", "name",      "first name", "last name",     "surname",
    "email",    "e mail",     "mail",     "correo",    "phone",      "telefono",      "movil",
    "mobile",   "ciudad",     "city",     "provincia", "province",   "state",         "direccion",
    "address",  "country",    "pais",     "edad",      "age",        "sexo",          "genero",
    "gender",   "nacimiento", "birth",    "birthday",  "alta",       "signup",        "sign up",
    "registro", "plan",       "tarifa",   "segmento",  "segment",    "codigo postal", "postal code",
    "zip"};

/* As whole words. */
static bool has_word(struct slice name, struct slice word) {
    const char *end = name.p + name.n;
    for (const char *at = name.p; (at = memmem(at, (size_t)(end - at), word.p, word.n)); at++)
        if ((at == name.p || at[-1] == ' ') && (at + word.n == end || at[word.n] == ' '))
            return true;
    return false;
}

/* 1 the whole name, less down the list; 0.7 of that as whole words inside the name. */
static double name_score(struct slice name, const char *const *list) {
    double best = 0;
    for (int i = 0; i < WORDS_MAX && list[i]; i++) {
        bool weak = list[i][0] == '~', whole_only = list[i][0] == '=' || weak;
        struct slice word = slice_of(list[i] + whole_only);
        double rank = (weak ? WEAK : 1) - 0.003 * i;
        if (slice_equal(name, word)) {
            best = rank > best ? rank : best;
            continue;
        }
        if (word.n >= 3 && !whole_only && has_word(name, word) && 0.7 * rank > best)
            best = 0.7 * rank;
    }
    return best;
}

/* Something to name by: short, nearly always there, neither time nor amount. */
static bool can_name(const struct sample_column *column, bool filled, double length) {
    return column->kind != CELLS_TIME && column->kind != CELLS_DECIMAL && filled && length <= 100;
}

static double content_score(const struct sample *sample, const struct sample_column *column,
                            enum map_part part) {
    double rows = sample->n_rows ? (double)sample->n_rows : 1;
    double filled = (double)column->filled / rows, distinct = (double)column->distinct / rows;
    double length = column->filled ? (double)column->bytes / (double)column->filled : 0;
    bool few = column->distinct <= 100 && length < 80;
    bool nearly = sample_nearly_all(column->filled, sample->n_rows);
    if (!sample->n_rows) /* a header alone */
        return part != MAP_MESSAGE_ID && part != MAP_CLOCK;
    switch (part) {
    case MAP_CUSTOMER:
        return !can_name(column, nearly, length) ? 0 : column->distinct < 2 && rows > 5 ? 0.3 : 1;
    case MAP_TIME: return column->time_format && nearly;
    case MAP_CLOCK: return column->clock_format && filled >= 0.5;
    case MAP_EVENT:
        if (!can_name(column, nearly, length))
            return 0;
        return column->kind == CELLS_INTEGER || column->clock_format ||
                       (distinct > 0.9 && rows > 20)
                   ? 0.5
                   : 1;
    case MAP_CHANNEL:
    case MAP_TOUCHPOINT:
    case MAP_UNIT: return column->kind != CELLS_TIME && column->filled && few;
    default: return filled >= 0.99 && distinct > 0.99 && column->kind != CELLS_TIME;
    }
}

/* Times by their look; where no column has a name, also days written as eight digits. */
static bool looks_like_time(const struct sample *sample, const struct sample_column *column) {
    return column->kind == CELLS_TIME ||
           (sample->bare && column->time_format && strncmp(column->time_format, "%Y%m%d", 6) == 0);
}

/* Without a telling name: the only column that can be the time. */
static void guess_only_time(const struct sample *sample, struct guess *guess) {
    int only = -1;
    for (size_t i = 0; i < sample->header.n; i++)
        if (looks_like_time(sample, &sample->columns[i]) &&
            content_score(sample, &sample->columns[i], MAP_TIME) > 0) {
            if (only >= 0)
                return;
            only = (int)i;
        }
    if (only >= 0 && guess->confidence[MAP_TIME] < SURE) {
        guess->columns[MAP_TIME] = only;
        guess->confidence[MAP_TIME] = 0.6;
    }
}

static bool is_taken(const struct guess *guess, size_t column) {
    for (int part = 0; part < MAP_PARTS; part++)
        if (guess->columns[part] == (int)column)
            return true;
    return false;
}

static void guess_part(const struct sample *sample, enum map_part part, struct guess *guess) {
    for (size_t i = 0; i < sample->header.n; i++) {
        double score = is_taken(guess, i) ? 0
                                          : name_score(sample->columns[i].words, words[part]) *
                                                content_score(sample, &sample->columns[i], part);
        if (score > guess->confidence[part] && score >= SURE) {
            guess->columns[part] = (int)i;
            guess->confidence[part] = score;
        }
    }
}

/* The first column from the left that its cells allow to be this part. */
static void guess_by_cells(const struct sample *sample, enum map_part part, bool text_only,
                           struct guess *guess) {
    for (size_t i = 0; i < sample->header.n && guess->columns[part] < 0; i++) {
        const struct sample_column *column = &sample->columns[i];
        if (is_taken(guess, i) ||
            (text_only && (column->kind != CELLS_TEXT || column->leading_zeros)) ||
            column->clock_format || content_score(sample, column, part) < SURE)
            continue;
        guess->columns[part] = (int)i;
        guess->confidence[part] = 0.5;
    }
}

/* Every cell is an e-mail address. */
static void guess_address(const struct sample *sample, struct guess *guess) {
    for (size_t i = 0; i < sample->header.n && guess->columns[MAP_CUSTOMER] < 0; i++) {
        const struct sample_column *column = &sample->columns[i];
        bool address = column->n_examples > 0;
        for (size_t k = 0; k < column->n_examples; k++)
            address &= memchr(column->examples[k].p, '@', column->examples[k].n) != NULL;
        if (!address || content_score(sample, column, MAP_CUSTOMER) < SURE)
            continue;
        guess->columns[MAP_CUSTOMER] = (int)i;
        guess->confidence[MAP_CUSTOMER] = 0.6;
    }
}

/* A name for the event of all rows: by what the columns and the file are called. */
static const char *event_of_all(const struct sample *sample, struct slice file_words) {
    for (size_t n = 0; n < sizeof named_by / sizeof *named_by; n++)
        for (size_t w = 0; w < 12 && named_by[n].words[w]; w++) {
            struct slice word = slice_of(named_by[n].words[w]);
            if (has_word(file_words, word))
                return named_by[n].event;
            for (size_t i = 0; i < sample->header.n; i++)
                if (has_word(sample->columns[i].words, word))
                    return named_by[n].event;
        }
    return "Contact";
}

/* The time of day is only another column where the two together are instants. */
static void check_clock(struct sample *sample, struct guess *guess) {
    int time = guess->columns[MAP_TIME], clock = guess->columns[MAP_CLOCK];
    const char *joined = time < 0 || clock < 0 ? NULL : sample_joined_format(sample, time, clock);
    guess->time_format = joined ? joined : time < 0 ? NULL : sample->columns[time].time_format;
    if (joined)
        return;
    guess->columns[MAP_CLOCK] = -1;
    guess->confidence[MAP_CLOCK] = 0;
}

void guess_parts(struct sample *sample, bool customers, struct slice file_words,
                 struct guess *guess) {
    static const enum map_part order[] = {MAP_TIME,  MAP_CLOCK,     MAP_CUSTOMER,
                                          MAP_EVENT, MAP_CHANNEL,   MAP_TOUCHPOINT,
                                          MAP_UNIT,  MAP_MESSAGE_ID};
    *guess = (struct guess){0};
    for (int i = 0; i < MAP_PARTS; i++)
        guess->columns[i] = -1;
    for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
        if (customers && order[k] != MAP_CUSTOMER)
            continue;
        guess_part(sample, order[k], guess);
        if (order[k] == MAP_TIME)
            guess_only_time(sample, guess);
        if (order[k] == MAP_CLOCK)
            check_clock(sample, guess);
        if (order[k] == MAP_CUSTOMER)
            guess_address(sample, guess);
    }
    if (sample->bare) {
        guess_by_cells(sample, MAP_CUSTOMER, false, guess);
        if (!customers)
            guess_by_cells(sample, MAP_EVENT, true, guess);
    }
    if (!customers && guess->columns[MAP_EVENT] < 0) {
        guess->event = event_of_all(sample, file_words);
        guess->confidence[MAP_EVENT] = 0.3;
    }
}

bool guess_is_customers(const struct sample *sample, const struct guess *guess) {
    static const char *const days_of_people[] = {"alta",       "signup",     "sign up", "registro",
                                                 "registered", "nacimiento", "birth",   "joined"};
    int customer = guess->columns[MAP_CUSTOMER], time = guess->columns[MAP_TIME];
    size_t people = 0;
    bool their_day = time < 0;
    if (guess->columns[MAP_EVENT] >= 0 || guess->columns[MAP_CHANNEL] >= 0 || customer < 0 ||
        sample->columns[customer].distinct < sample->n_rows || sample->bare)
        return false;
    for (size_t i = 0; i < sample->header.n; i++)
        for (size_t w = 0; w < sizeof about_people / sizeof *about_people; w++)
            if ((int)i != time && has_word(sample->columns[i].words, slice_of(about_people[w]))) {
                people++;
                break;
            }
    for (size_t w = 0; time >= 0 && w < sizeof days_of_people / sizeof *days_of_people; w++)
        their_day |= has_word(sample->columns[time].words, slice_of(days_of_people[w]));
    return time < 0 || (people >= 2 && their_day);
}

/* A column that is a code although it looks like a number. */
static bool is_code(const struct sample_column *column) {
    static const char *const codes[] = {"zip",   "postcode", "postal", "cp",  "telefono", "phone",
                                        "movil", "mobile",   "iban",   "nif", "dni",      "tlf",
                                        "tel",   "c p",      "ean",    "sku"};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (has_word(column->words, slice_of(codes[i])))
            return true;
    return column->leading_zeros;
}

static void add_types(const struct sample *sample, const struct guess *guess, struct buf *json) {
    bool any = false;
    for (size_t i = 0; i < sample->header.n; i++) {
        if (is_taken(guess, i) || !sample->columns[i].name.n || !is_code(&sample->columns[i]))
            continue;
        if (!any) {
            json_add_name(json, "types");
            buf_add_char(json, '{');
        } else {
            buf_add_char(json, ',');
        }
        any = true;
        json_add_text(json, sample->columns[i].name);
        buf_add_text(json, ":\"string\"");
    }
    if (any)
        buf_add_char(json, '}');
}

static void add_constant(struct buf *json, const char *text) {
    buf_add_text(json, "{\"const\":");
    json_add_text(json, slice_of(text));
    buf_add_char(json, '}');
}

void guess_file_json(const struct sample *sample, struct buf *json) {
    if (sample->bare) {
        json_add_name(json, "header");
        buf_add_text(json, "false");
    } else if (sample->header_row) {
        json_add_name(json, "header");
        json_add_int(json, (int64_t)sample->header_row);
    }
    if (sample->delimiter) {
        json_add_name(json, "delimiter");
        json_add_text(json, (struct slice){&sample->delimiter, 1});
        json_add_name(json, "encoding");
        json_add_text(json, slice_of(sample->encoding));
    }
    if (sample->decimal == ',') {
        json_add_name(json, "decimal");
        buf_add_text(json, "\",\"");
    }
}

void guess_map_json(const struct sample *sample, const struct guess *guess, bool customers,
                    struct buf *json) {
    static const char *const members[MAP_PARTS] = {
#define X(name, member, max) member,
        MAP_TABLE(X)
#undef X
    };
    buf_add_char(json, '{');
    for (int part = 0; part < MAP_PARTS; part++) {
        int column = guess->columns[part];
        bool needed =
            part == MAP_CUSTOMER || (!customers && (part == MAP_TIME || part == MAP_EVENT));
        if (column < 0 && !needed)
            continue;
        json_add_name(json, members[part]);
        if (part == MAP_EVENT && column < 0 && guess->event)
            add_constant(json, guess->event);
        else
            json_add_text(json,
                          column < 0 ? (struct slice){NULL, 0} : sample->columns[column].name);
        if (part == MAP_TIME && column >= 0 && guess->time_format) {
            json_add_name(json, "time_format");
            json_add_text(json, slice_of(guess->time_format));
        }
    }
    json_add_name(json, customers ? "traits" : "properties");
    buf_add_text(json, "\"*\"");
    add_types(sample, guess, json);
    guess_file_json(sample, json);
    buf_add_char(json, '}');
}
