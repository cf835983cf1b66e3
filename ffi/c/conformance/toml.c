/* The part of TOML that the scenarios keep to, read line by line. Nothing is ever freed: the program is short. */
#include "toml.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const SCENARIO_KEYS[] = {"name",   "about",       "via",    "also_embedded", "history",
                                            "secret", "read_secret", "listen", "durable",       NULL};
static const char *const STEP_KEYS[] = {
    "do",           "client",      "path",       "glob",         "value",         "value_hex",  "value_size",
    "rev",          "limit",       "keys_only",  "stream",       "lock",          "call",       "secret",
    "leader",       "registration", "live",      "entered",      "fence",         "n",          "txn",
    "session_ttl_ms", "session_label", "expect_revs", "expect_held", "error_part",
    "via",          "uri",         "command",    "timeout_ms",   "repeat",        "save",       "background",
    "expect_value", "expect_hex",  "expect_size", "expect_missing", "expect_rev", "expect_rev_above",
    "expect_path",  "expect_change", "expect_len", "expect_names", "expect_values", "expect_count",
    "expect_member", "error",      "error_op",   "error_path",   "error_detail",  NULL};

char *format(const char *pattern, ...) {
    va_list arguments;
    char *made;
    va_start(arguments, pattern);
    if (vasprintf(&made, pattern, arguments) < 0) abort();
    va_end(arguments);
    return made;
}

static void *grown(void *old, size_t count, size_t size) {
    void *new = realloc(old, (count + 1) * size);
    if (new == NULL) abort();
    memset((char *)new + count * size, 0, size);
    return new;
}

/* The string behind a `"`, into the pair. False if it is none. */
static bool read_text(const char *from, pair *into) {
    into->type = TEXT;
    into->text = malloc(strlen(from) + 1);
    if (into->text == NULL) abort();
    for (; *from != '"'; from++) {
        char byte = *from;
        if (byte == '\0') return false;
        if (byte == '\\') {
            unsigned code;
            switch (*++from) {
                case '\\': case '"': byte = *from; break;
                case 'n': byte = '\n'; break;
                case 't': byte = '\t'; break;
                case 'u':
                    if (sscanf(from + 1, "00%2x", &code) != 1 || code > 0x7f) return false;
                    byte = (char)code;
                    from += 4;
                    break;
                default: return false;
            }
        }
        into->text[into->len++] = byte;
    }
    into->text[into->len] = '\0';
    return from[1] == '\0';
}

static bool read_pair(const char *line, table *into, const char *const known[]) {
    const char *equals = strstr(line, " = ");
    if (equals == NULL || into->count == PAIRS_MAX) return false;
    pair *new = &into->pairs[into->count];
    new->key = format("%.*s", (int)(equals - line), line);
    while (*known != NULL && strcmp(*known, new->key) != 0) known++;
    if (*known == NULL || find(into, new->key) != NULL) return false;
    into->count++;
    const char *value = equals + 3;
    if (*value == '"') return read_text(value + 1, new);
    if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0) {
        new->type = BOOLEAN;
        new->number = *value == 't';
        return true;
    }
    char *end;
    errno = 0;
    new->number = strtoll(value, &end, 10);
    return errno == 0 && *end == '\0' && (isdigit((unsigned char)*value) || *value == '-') && end > value;
}

static void read_file(const char *path, scenarios *into) {
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fprintf(stderr, "conformance: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    scenario *current = NULL;
    table *part = NULL;
    for (int number = 1; (len = getline(&line, &room, file)) >= 0; number++) {
        line[strcspn(line, "\n")] = '\0';
        const char *first = line + strspn(line, " ");
        if (*first == '\0' || *first == '#') continue;
        if (strcmp(line, "[[scenario]]") == 0) {
            into->all = grown(into->all, into->count, sizeof *into->all);
            current = &into->all[into->count++];
            current->file = format("%s", path);
            part = &current->head;
        } else if (current != NULL && strcmp(line, "[[scenario.step]]") == 0) {
            current->steps = grown(current->steps, current->step_count, sizeof *current->steps);
            part = &current->steps[current->step_count++];
        } else if (current == NULL) {
            fprintf(stderr, "conformance: %s:%d: this is in no scenario: %s\n", path, number, line);
            exit(1);
        } else if (!read_pair(line, part, part == &current->head ? SCENARIO_KEYS : STEP_KEYS)) {
            if (current->fault == NULL) current->fault = format("line %d is not understood: %.100s", number, line);
        }
    }
    free(line);
    fclose(file);
}

static int is_toml(const struct dirent *entry) {
    size_t len = strlen(entry->d_name);
    return len > 5 && strcmp(entry->d_name + len - 5, ".toml") == 0;
}

scenarios load(const char *directory) {
    scenarios found = {NULL, 0};
    struct dirent **entries;
    int count = scandir(directory, &entries, is_toml, alphasort);
    for (int i = 0; i < count; i++) read_file(format("%s/%s", directory, entries[i]->d_name), &found);
    if (found.count == 0) {
        fprintf(stderr, "conformance: %s: there are no scenarios (*.toml)\n", directory);
        exit(1);
    }
    return found;
}

const pair *find(const table *in, const char *key) {
    for (size_t i = 0; i < in->count; i++) {
        if (strcmp(in->pairs[i].key, key) == 0) return &in->pairs[i];
    }
    return NULL;
}

const char *text_of(const table *in, const char *key) {
    const pair *found = find(in, key);
    return found != NULL && found->type == TEXT ? found->text : NULL;
}

int64_t number_of(const table *in, const char *key, int64_t otherwise) {
    const pair *found = find(in, key);
    return found != NULL && found->type == NUMBER ? found->number : otherwise;
}

bool flag_of(const table *in, const char *key, bool otherwise) {
    const pair *found = find(in, key);
    return found != NULL && found->type == BOOLEAN ? found->number != 0 : otherwise;
}

table in_round(const table *step, int64_t i) {
    table made = *step;
    for (size_t at = 0; at < made.count; at++) {
        pair *each = &made.pairs[at];
        char *place;
        while (each->type == TEXT && (place = strstr(each->text, "{i}")) != NULL) {
            each->text = format("%.*s%lld%s", (int)(place - each->text), each->text, (long long)i, place + 3);
            each->len = strlen(each->text);
        }
    }
    return made;
}
