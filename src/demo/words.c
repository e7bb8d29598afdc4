/*
 * Names of the demo: people, towns, pages, screens, searches, articles. Invented; the towns are real.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "demo/internal.h"

const char *const first_names[FIRST_NAMES] = {
    "María",      "Carmen",    "Josefa",    "Isabel",  "Ana",      "Laura",      "Cristina",
    "Marta",      "Dolores",   "Lucía",     "Pilar",   "Elena",    "Sara",       "Paula",
    "Raquel",     "Rosario",   "Teresa",    "Beatriz", "Nuria",    "Silvia",     "Julia",
    "Patricia",   "Irene",     "Andrea",    "Rocío",   "Mónica",   "Alba",       "Inés",
    "Concepción", "Ángela",    "Sonia",     "Alicia",  "Nerea",    "Aitana",     "Noa",
    "Martina",    "Antía",     "Uxía",      "Sabela",  "Iria",     "Montserrat", "Mireia",
    "Remei",      "Ainhoa",    "Leticia",   "Blanca",  "Esther",   "Victoria",   "Antonio",
    "Manuel",     "José",      "Francisco", "David",   "Juan",     "Javier",     "Daniel",
    "Carlos",     "Jesús",     "Alejandro", "Miguel",  "Rafael",   "Pedro",      "Ángel",
    "Pablo",      "Sergio",    "Fernando",  "Luis",    "Jorge",    "Alberto",    "Álvaro",
    "Diego",      "Adrián",    "Raúl",      "Iván",    "Rubén",    "Enrique",    "Óscar",
    "Ramón",      "Vicente",   "Andrés",    "Joaquín", "Santiago", "Mario",      "Hugo",
    "Brais",      "Xoán",      "Breixo",    "Anxo",    "Jordi",    "Arnau",      "Pau",
    "Iker",       "Saturnino", "Emilio",    "Gonzalo", "Félix"};

const char *const last_names[LAST_NAMES] = {
    "García",    "Rodríguez", "González", "Fernández", "López",     "Martínez",  "Sánchez",
    "Pérez",     "Gómez",     "Martín",   "Jiménez",   "Hernández", "Ruiz",      "Díaz",
    "Moreno",    "Álvarez",   "Muñoz",    "Romero",    "Alonso",    "Gutiérrez", "Navarro",
    "Torres",    "Domínguez", "Vázquez",  "Ramos",     "Gil",       "Serrano",   "Blanco",
    "Molina",    "Castro",    "Ortega",   "Rubio",     "Ortiz",     "Delgado",   "Marín",
    "Sanz",      "Iglesias",  "Núñez",    "Garrido",   "Cortés",    "Castillo",  "Santos",
    "Lozano",    "Guerrero",  "Cano",     "Prieto",    "Méndez",    "Calvo",     "Cruz",
    "Gallego",   "Vidal",     "León",     "Herrera",   "Peña",      "Cabrera",   "Vega",
    "Fuentes",   "Campos",    "Carrasco", "Diez",      "Reyes",     "Caballero", "Nieto",
    "Aguilar",   "Pascual",   "Herrero",  "Santana",   "Lorenzo",   "Hidalgo",   "Montero",
    "Ibáñez",    "Giménez",   "Ferrer",   "Durán",     "Vicente",   "Benítez",   "Arias",
    "Mora",      "Carmona",   "Crespo",   "Pastor",    "Otero",     "Figueroa",  "Quiroga",
    "Freijeiro", "Taboada",   "Barreiro", "Seoane",    "Lanau",     "Solanas",   "Puyol",
    "Castán",    "Bielsa",    "Labarta",  "Merino",    "Tejedor"};

const char *const province_names[PROVINCES] = {"León", "Burgos", "Ourense", "Soria", "Huesca"};

const char *const town_names[PROVINCES][TOWNS] = {
    [LEON] = {"León", "Ponferrada", "San Andrés del Rabanedo", "Astorga", "La Bañeza", "Bembibre",
              "Villablino", "Sahagún", "Fabero", "Cistierna"},
    [BURGOS] = {"Burgos", "Miranda de Ebro", "Aranda de Duero", "Briviesca", "Medina de Pomar",
                "Lerma", "Villarcayo", "Salas de los Infantes", "Roa", "Belorado"},
    [OURENSE] = {"Ourense", "Verín", "O Carballiño", "O Barco de Valdeorras", "Barbadás",
                 "Celanova", "Xinzo de Limia", "Allariz", "Ribadavia", "A Rúa"},
    [SORIA] = {"Soria", "Almazán", "El Burgo de Osma", "Ólvega", "San Esteban de Gormaz", "Ágreda",
               "Covaleda", "Arcos de Jalón", "Medinaceli", "Vinuesa"},
    [HUESCA] = {"Huesca", "Monzón", "Barbastro", "Fraga", "Jaca", "Binéfar", "Sabiñánigo", "Graus",
                "Tamarite de Litera", "Sariñena"}};

const char *const segment_names[SEGMENTS] = {"Hogar convergente", "Joven solo móvil",
                                             "Mayores 65+",       "Rural",
                                             "Autónomos y pymes", "Comunidades"};

const char *const reason_names[REASONS] = {
    "factura", "avería", "consulta", "contratar", "portabilidad", "baja", "cambio de titular"};

const char *const topic_names[TOPICS] = {"factura",
                                         "avería",
                                         "atención",
                                         "tienda",
                                         "espera",
                                         "instalación",
                                         "precio",
                                         "general",
                                         "baja",
                                         "corte de fibra",
                                         "nota pedida",
                                         "chat",
                                         "falta medio de pago",
                                         "gastos de envío",
                                         "comparando precios",
                                         "tienda"};

const struct web_page prospect_pages[PROSPECT_PAGES] = {
    {"/", "Inicio"},
    {"/tarifas/fibra-y-movil", "Fibra y móvil"},
    {"/tarifas/fibra", "Solo fibra"},
    {"/tarifas/movil", "Tarifas móviles"},
    {"/tarifas/pueblos", "Fibra en tu pueblo"},
    {"/cobertura", "¿Llega la fibra a mi casa?"},
    {"/comparador", "Compara tu tarifa"},
    {"/tiendas", "Nuestras tiendas"},
    {"/opiniones", "Opiniones de clientes"},
    {"/portabilidad", "Cámbiate con tu número"}};

const struct web_page customer_pages[CUSTOMER_PAGES] = {
    {"/area-cliente", "Mi Vereda"},
    {"/area-cliente/facturas", "Mis facturas"},
    {"/area-cliente/lineas", "Mis líneas"},
    {"/area-cliente/consumo", "Mi consumo"},
    {"/area-cliente/averias", "Estado de mi avería"},
    {"/area-cliente/contrato", "Mi contrato"},
    {"/area-cliente/plan-amigo", "Plan amigo"},
    {"/area-cliente/datos", "Mis datos"}};

const struct web_page help_pages[HELP_PAGES] = {
    {"/ayuda", "Ayuda"},
    {"/ayuda/factura", "Entender mi factura"},
    {"/ayuda/router", "El router y el wifi"},
    {"/ayuda/averias", "No tengo internet"},
    {"/ayuda/portabilidad", "Portabilidad paso a paso"},
    {"/ayuda/roaming", "Viajar con tu móvil"},
    {"/ayuda/titular", "Cambiar los datos del contrato"},
    {"/ayuda/contacto", "Contacto"}};

const char *const app_screens[APP_SCREENS] = {"Inicio app",     "Consumo",        "Facturas app",
                                              "Mis líneas app", "Averías app",    "Ayuda app",
                                              "Wifi en casa",   "Promociones app"};

/* text, results found */
const struct help_query help_queries[HELP_QUERIES] = {{"esim", 0},
                                                      {"roaming marruecos", 0},
                                                      {"cambio de titular", 4},
                                                      {"baja", 2},
                                                      {"factura", 12},
                                                      {"permanencia", 5},
                                                      {"cambiar contraseña wifi", 6},
                                                      {"velocidad fibra", 7},
                                                      {"pin sim", 5},
                                                      {"portabilidad", 8},
                                                      {"duplicado sim", 4},
                                                      {"roaming", 6},
                                                      {"router luz roja", 5},
                                                      {"ampliar datos", 6},
                                                      {"domiciliar recibo", 3},
                                                      {"penalización", 3},
                                                      {"mudanza", 4},
                                                      {"desvío de llamadas", 2},
                                                      {"buzón de voz", 3},
                                                      {"fibra pueblo", 5},
                                                      {"canal fútbol", 6},
                                                      {"tarifa mayores", 3},
                                                      {"repetidor wifi", 4},
                                                      {"teléfono atención", 2}};

const char *const help_articles[HELP_ARTICLES] = {"Cómo cambiar el titular de una línea",
                                                  "Entiende tu primera factura",
                                                  "Qué hacer si no tengo internet",
                                                  "Cambiar la contraseña del wifi",
                                                  "Portabilidad: plazos y pasos",
                                                  "Tu SIM: PIN, PUK y duplicados",
                                                  "Roaming en la Unión Europea",
                                                  "Cuándo termina mi permanencia",
                                                  "Mudanza: llévate la fibra",
                                                  "Mejorar la cobertura wifi en casa",
                                                  "Gestionar el canal de fútbol",
                                                  "Domiciliar o cambiar la cuenta"};
