/* Whether a call ended as its step expects. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

/* How much earlier than its time limit a TIMEOUT may come. */
enum { EARLY_MS = 5 };

static bool same(const char *one, const char *other) {
    return one == other || (one != NULL && other != NULL && strcmp(one, other) == 0);
}

static const char *shown(const char *text) { return text == NULL ? "nothing" : text; }

bool value_of(const table *step, const char *text, const char *hex, const char *size, bytes *value) {
    const pair *found = find(step, text);
    if (found != NULL) {
        *value = (bytes){found->text, found->len};
        return true;
    }
    if ((found = find(step, size)) != NULL) {
        char *made = malloc((size_t)found->number + 1);
        if (made == NULL) abort();
        *value = (bytes){memset(made, 'x', (size_t)found->number), (size_t)found->number};
        return true;
    }
    if ((found = find(step, hex)) == NULL) return false;
    char *made = malloc(found->len / 2 + 1);
    if (made == NULL) abort();
    for (size_t i = 0; i < found->len / 2; i++) {
        unsigned byte;
        if (sscanf(found->text + 2 * i, "%2x", &byte) != 1) fail("`%s` is not pairs of hex digits", found->text);
        made[i] = (char)byte;
    }
    *value = (bytes){made, found->len / 2};
    return true;
}

/* The part of a transaction that refused it. */
static const char *part_of(const doozer_error *fault) {
    uint32_t number;
    switch (doozer_error_part(fault, &number)) {
        case DOOZER_PART_COMPARE: return format("compare %u", number);
        case DOOZER_PART_OPERATION: return format("operation %u", number);
        default: return "no part";
    }
}

static void check_fault(const table *step, const request *call, const char *kind) {
    const doozer_error *fault = call->fault;
    if (fault == NULL) fail("it did not fail with %s", kind);
    const char *message = doozer_error_message(fault);
    if (!same(doozer_error_kind(fault), kind)) fail("it failed with another error than %s: %s", kind, message);
    if (!same(doozer_code_name((int32_t)doozer_error_code(fault)), kind)) fail("its code is not that of %s", kind);
    const char *op = text_of(step, "error_op") != NULL ? text_of(step, "error_op") : call->op;
    if (call->from != NULL && text_of(step, "error_op") == NULL) op = call->from->op;
    if (!same(doozer_error_op(fault), op)) fail("its error does not name the operation %s: %s", op, message);
    const char *path = text_of(step, "error_path") != NULL ? text_of(step, "error_path") : call->path;
    if (!same(doozer_error_path(fault), path)) {
        fail("its error names the path %s and not %s", shown(doozer_error_path(fault)), shown(path));
    }
    const char *detail = text_of(step, "error_detail");
    if (detail != NULL && strstr(doozer_error_detail(fault), detail) == NULL) {
        fail("its error's detail lacks `%s`: %s", detail, message);
    }
    const char *part = text_of(step, "error_part");
    if (part != NULL && !same(part_of(fault), part)) fail("it was %s that failed, not %s", part_of(fault), part);
    bool is_timeout = same(kind, "TIMEOUT") && call->is_limited;
    if (is_timeout && call->took_ms + EARLY_MS < call->with.timeout_ms) {
        fail("it timed out after %lld ms, not %lld", (long long)call->took_ms, (long long)call->with.timeout_ms);
    }
}

static void check_value(const table *step, const given *found) {
    bytes expected;
    if (flag_of(step, "expect_missing", false) &&
        !(found->has_value && found->value.start == NULL && found->has_rev && found->rev == 0)) {
        fail("it is not missing: %.*s", (int)found->value.len, shown(found->value.start));
    }
    if (!value_of(step, "expect_value", "expect_hex", "expect_size", &expected)) return;
    bool is_there = found->has_value && found->value.start != NULL;
    if (!is_there || found->value.len != expected.len || memcmp(found->value.start, expected.start, expected.len) != 0) {
        int shown_len = found->value.len < 100 ? (int)found->value.len : 100;
        fail("value: %.*s (%zu bytes) and not %.100s", is_there ? shown_len : 10, shown(found->value.start),
             found->value.len, expected.start);
    }
}

/* Whether `words`, with a space between, are just these. */
static void check_words(const char *what, const char *words, const given *found, bool are_values) {
    size_t count = 0;
    if (!found->has_names) fail("%s: it gives none", what);
    for (const char *at = words; *at != '\0'; count++) {
        size_t len = strcspn(at, " ");
        bytes word = {"", 0};
        if (count < found->count && are_values) word = found->values[count];
        if (count < found->count && !are_values) word = (bytes){found->names[count], strlen(found->names[count])};
        if (count >= found->count || word.start == NULL || word.len != len || memcmp(word.start, at, len) != 0) {
            fail("%s: number %zu is %.*s and not %.*s", what, count + 1, (int)word.len, shown(word.start), (int)len, at);
        }
        at += len + strspn(at + len, " ");
    }
    if (count != found->count) fail("%s: %zu and not %zu", what, found->count, count);
}

static void check_entries(const table *step, const given *found) {
    const char *names = text_of(step, "expect_names"), *values = text_of(step, "expect_values");
    if (names != NULL) check_words("names", names, found, false);
    if (values != NULL) check_words("values", values, found, true);
    for (size_t i = 0; i < found->count && flag_of(step, "keys_only", false); i++) {
        if (found->values[i].start != NULL) fail("values came, although only the paths were asked for");
    }
    const pair *count = find(step, "expect_count");
    if (count != NULL && (!found->has_names || found->count != (size_t)count->number)) {
        fail("%zu names and not %lld", found->count, (long long)count->number);
    }
}

static void check_revs(const world *in, const char *words, const given *found) {
    size_t count = 0;
    if (!found->has_revs) fail("revisions: it gives none");
    for (const char *at = words; *at != '\0'; count++) {
        size_t len = strcspn(at, " ");
        int64_t expected = resolve_word(in, format("%.*s", (int)len, at));
        if (count < found->rev_count && found->revs[count] != expected) {
            fail("revision %zu: %lld and not %.*s", count + 1, (long long)found->revs[count], (int)len, at);
        }
        at += len + strspn(at + len, " ");
    }
    if (count != found->rev_count) fail("revisions: %zu and not %zu", found->rev_count, count);
}

static void check_given(const world *in, const table *step, const request *call) {
    const given *found = &call->given;
    const pair *rev = find(step, "expect_rev"), *above = find(step, "expect_rev_above");
    if (rev != NULL && (!found->has_rev || found->rev != resolve(in, rev))) {
        fail("revision: %lld and not %lld", (long long)found->rev, (long long)resolve(in, rev));
    }
    if (above != NULL && (!found->has_rev || found->rev <= resolve(in, above))) {
        fail("revision: %lld and nothing above %lld", (long long)found->rev, (long long)resolve(in, above));
    }
    check_value(step, found);
    check_entries(step, found);
    const char *revs = text_of(step, "expect_revs");
    if (revs != NULL) check_revs(in, revs, found);
    const pair *held = find(step, "expect_held");
    if (held != NULL && (!found->has_held || found->is_held != (held->number != 0))) {
        fail("it is %s", !found->has_held ? "nothing to be held" : found->is_held ? "held" : "not held");
    }
    const char *path = text_of(step, "expect_path"), *change = text_of(step, "expect_change");
    if (path != NULL && !same(found->path, path)) fail("path: %s and not %s", shown(found->path), path);
    if (change != NULL && !same(found->change, change)) fail("change: %s and not %s", shown(found->change), change);
    const pair *len = find(step, "expect_len");
    if (len != NULL && (!found->has_len || found->len != (uint64_t)len->number)) {
        fail("len: %llu and not %lld", (unsigned long long)found->len, (long long)len->number);
    }
    if (flag_of(step, "expect_member", false) &&
        (!same(found->text, doozer_node_id(in->node)) || strlen(found->text) < 16)) {
        fail("the member's id: %s and not %s", shown(found->text), shown(doozer_node_id(in->node)));
    }
}

void check(const world *in, const table *step, const request *call) {
    if (call->is_limited && call->took_ms > call->with.timeout_ms + LATE_MS) {
        fail("it took %lld ms, with a limit of %lld", (long long)call->took_ms, (long long)call->with.timeout_ms);
    }
    const char *kind = text_of(step, "error");
    if (kind != NULL) {
        check_fault(step, call, kind);
    } else if (call->fault != NULL) {
        fail("it failed: %s", doozer_error_message(call->fault));
    } else {
        check_given(in, step, call);
    }
}
