/* The scenarios as they stand in the files: bindings/spec/README.md describes them. */
#ifndef TOML_H
#define TOML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PAIRS_MAX = 24 };

/* `key = value`. A text may hold NULs. */
typedef struct {
    char *key;
    enum { NUMBER, BOOLEAN, TEXT } type;
    int64_t number;
    char *text;
    size_t len;
} pair;

typedef struct {
    pair pairs[PAIRS_MAX];
    size_t count;
} table;

typedef struct {
    char *file;
    /* What cannot be read in it; the scenario fails with that. */
    char *fault;
    table head;
    table *steps;
    size_t step_count;
} scenario;

typedef struct {
    scenario *all;
    size_t count;
} scenarios;

/* All scenarios of the *.toml files of a directory, in the order of the files' names. Ends the program if there are
 * none. */
scenarios load(const char *directory);

const pair *find(const table *in, const char *key);
/* The text of a key; NULL without it. */
const char *text_of(const table *in, const char *key);
int64_t number_of(const table *in, const char *key, int64_t otherwise);
bool flag_of(const table *in, const char *key, bool otherwise);

/* The step as it is in round `i` of a repetition. */
table in_round(const table *step, int64_t i);

/* Like asprintf, but never fails, and gives the text. */
char *format(const char *pattern, ...) __attribute__((format(printf, 1, 2)));

#endif
