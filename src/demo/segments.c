/*
 * Whom Vereda tells apart: six kinds of customer in a segmentation with personas, and free segments that its people work with.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "demo/fill.h"
#include "segment/segmentation.h"

static const char *const documents[] = {
    "{\"name\":\"factura-y-llamada\",\"title\":\"Llaman por su primera factura\",\"colour\":"
    "\"amber\",\"owner\":\"Facturación\",\"mission\":\"Entender qué les cobran y por qué.\","
    "\"proposition\":\"La primera factura, explicada antes de que llegue.\",\"rule\":{\"sequence\":"
    "[{\"event\":\"First Invoice Issued\"},{\"event\":\"Call Ended\"}],\"within\":\"10d\"}}",
    "{\"name\":\"averia-reciente\",\"title\":\"Avería en los últimos 30 días\",\"colour\":\"red\","
    "\"owner\":\"Operaciones de campo\",\"mission\":\"Volver a tener conexión cuanto antes.\","
    "\"proposition\":\"Avería resuelta en 24 horas y una sola persona que responde.\",\"rule\":{"
    "\"did\":{\"event\":\"Fault Opened\"},\"within\":\"30d\"}}",
    "{\"name\":\"llaman-mucho\",\"title\":\"Llaman tres veces o más en un mes\",\"colour\":"
    "\"violet\",\"owner\":\"Atención telefónica\",\"mission\":\"Que alguien se haga cargo de su "
    "problema.\",\"proposition\":\"Un solo interlocutor hasta que se resuelve.\",\"rule\":{\"did\":"
    "{\"event\":\"Call Ended\"},\"times\":\">=3\",\"within\":\"30d\"}}",
    "{\"name\":\"detractores\",\"title\":\"Detractores del último año\",\"colour\":\"pink\","
    "\"owner\":\"Experiencia de cliente\",\"rule\":{\"answered\":{\"metric\":\"nps\",\"op\":\"<=\","
    "\"value\":6,\"within\":\"365d\"}}}",
    "{\"name\":\"detractores-rurales\",\"title\":\"Detractores del mundo rural\",\"colour\":"
    "\"green\",\"owner\":\"Experiencia de cliente\",\"mission\":\"Tener la misma fibra que en la "
    "ciudad.\",\"rule\":{\"all\":[{\"in\":\"detractores\"},{\"trait\":\"segmento\",\"op\":\"=\","
    "\"value\":\"Rural\"}]}}",
};

/* A kind of customer, by the trait `segmento`, and whom to think of. */
static const struct {
    const char *name, *title, *colour, *mission, *who, *age, *quote, *goals, *frustrations,
        *channels;
} kinds[] = {
    {"hogar", "Hogar convergente", "teal", "Tener todo en casa funcionando y una sola factura.",
     "Carmen", "42 años, dos hijos", "Que funcione y no me hagan llamar",
     "Trabajar y que los niños estudien a la vez.", "Explicar lo mismo a tres personas.",
     "Área de cliente, teléfono"},
    {"joven", "Joven solo móvil", "blue", "Datos de sobra sin atarse a nada.", "Izan",
     "23 años, piso compartido", "Si tengo que llamar, me cambio",
     "Cambiar de tarifa desde el móvil.", "Las permanencias.", "App, WhatsApp"},
    {"mayores", "Mayores 65+", "violet", "Hablar con los suyos sin sorpresas en la factura.",
     "Amparo", "71 años", "Prefiero que me lo diga una persona", "Que alguien se lo deje hecho.",
     "Las máquinas que contestan.", "Tienda, teléfono"},
    {"rural", "Rural", "green", "Tener en el pueblo la conexión que hay en la ciudad.", "Julián",
     "55 años, casa rural", "Aquí el técnico viene cuando puede", "Que sus huéspedes tengan wifi.",
     "Esperar sin saber cuándo.", "Teléfono"},
    {"pymes", "Autónomos y pymes", "amber", "No parar el negocio ni un día.", "Nuria",
     "Taller con seis empleados", "Cada hora sin línea es dinero",
     "Una persona que conozca su caso.", "Repetir la historia.", "Teléfono, gestor"},
    {"comunidades", "Comunidades", "pink", "Que los vecinos no le llamen a él.", "Ramón",
     "Administrador de 40 fincas", "Dadme un nombre y un teléfono", "Un solo interlocutor.",
     "Una incidencia por vecino.", "Correo, teléfono"},
};

static json_t *segmentation(void) {
    json_t *classes = json_array();
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        json_t *persona =
            json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "name", kinds[i].who, "age", kinds[i].age,
                      "quote", kinds[i].quote, "goals", kinds[i].goals, "frustrations",
                      kinds[i].frustrations, "channels", kinds[i].channels);
        json_t *rule =
            json_pack("{s:s, s:s, s:s}", "trait", "segmento", "op", "=", "value", kinds[i].title);
        json_array_append_new(classes, json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "name",
                                                 kinds[i].name, "title", kinds[i].title, "colour",
                                                 kinds[i].colour, "mission", kinds[i].mission,
                                                 "rule", rule, "persona", persona));
    }
    return json_pack("{s:s, s:s, s:s, s:o, s:{s:s, s:s}}", "name", "tipo-de-cliente", "title",
                     "Tipo de cliente", "description",
                     "Para leer cada cifra por la clase de hogar o empresa que hay detrás.",
                     "classes", classes, "rest", "title", "Sin clasificar", "colour", "grey");
}

/* A small demonstration lacks some names: what cannot be asked of it is left out. */
static int passed_over(int code, struct err *err) {
    if (code != E_INVALID && code != E_CONFLICT)
        return code;
    *err = (struct err){0};
    return 0;
}

int demo_segments(struct folder *folder, const struct principal *principal, struct err *err) {
    char name[SEGMENT_NAME_BYTES];
    int code = 0;
    for (size_t i = 0; i < sizeof documents / sizeof *documents && !code; i++) {
        json_t *document = json_loads(documents[i], 0, NULL);
        code = passed_over(segment_put(folder, NULL, document, principal->name, name, err), err);
        json_decref(document);
    }
    if (code)
        return code;
    json_t *document = segmentation();
    code = passed_over(segmentation_put(folder, NULL, document, principal->name, name, err), err);
    json_decref(document);
    return code;
}
