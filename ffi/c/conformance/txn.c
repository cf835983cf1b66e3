/* A transaction as its step tells it: a line for each part. */
#include <stdlib.h>
#include <string.h>

#include "runner.h"

enum { WORDS_MAX = 4 };

/* The words of a line. How many there are. */
static size_t split(const char *line, size_t len, const char *words[WORDS_MAX]) {
    size_t count = 0;
    for (char *word = strtok(format("%.*s", (int)len, line), " "); word != NULL; word = strtok(NULL, " ")) {
        if (count == WORDS_MAX) fail("a part of the transaction is too long: %.*s", (int)len, line);
        words[count++] = word;
    }
    return count;
}

/* Adds the part; what is wrong with it comes with the commit. Whether it is a change. */
static bool add(const world *in, doozer_txn *txn, const char *line, size_t len) {
    const char *words[WORDS_MAX] = {"", "", "", ""}, *path, *value;
    size_t count = split(line, len, words);
    path = words[1];
    value = words[2];
    if (strcmp(words[0], "if_rev") == 0 && count == 3) {
        doozer_txn_if_rev(txn, path, resolve_word(in, words[2]), NULL);
    } else if (strcmp(words[0], "if_value") == 0 && count == 3) {
        doozer_txn_if_value(txn, path, value, strlen(value), NULL);
    } else if (strcmp(words[0], "if_absent") == 0 && count == 2) {
        doozer_txn_if_absent(txn, path, NULL);
    } else if (strcmp(words[0], "if_fence") == 0 && count == 3) {
        doozer_txn_if_fence(txn, path, resolve_word(in, words[2]), NULL);
    } else if (strcmp(words[0], "set") == 0 && count == 4) {
        return doozer_txn_set(txn, path, value, strlen(value), resolve_word(in, words[3]), NULL), true;
    } else if (strcmp(words[0], "set_ephemeral") == 0 && count == 4) {
        return doozer_txn_set_ephemeral(txn, path, value, strlen(value), resolve_word(in, words[3]), NULL), true;
    } else if (strcmp(words[0], "del") == 0 && count == 3) {
        return doozer_txn_del(txn, path, resolve_word(in, words[2]), NULL), true;
    } else {
        fail("no part of a transaction is `%.*s`", (int)len, line);
    }
    return false;
}

doozer_txn *read_txn(const world *in, const char *text, size_t *changes) {
    doozer_txn *txn = doozer_txn_new();
    *changes = 0;
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        *changes += add(in, txn, text, len);
        text += len + (text[len] == '\n');
    }
    return txn;
}
