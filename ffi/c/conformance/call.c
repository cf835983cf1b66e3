/* The calls of the steps, from arguments to results. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runner.h"

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void gives_rev(given *to, int64_t rev) {
    to->has_rev = true;
    to->rev = rev;
}

/* Results are kept until the scenario's process ends: what is given points into them. */
static void gives_file(given *to, const doozer_file *file) {
    gives_rev(to, doozer_file_rev(file));
    to->has_value = true;
    to->value = (bytes){doozer_file_value(file), doozer_file_len(file)};
}

static void gives_event(given *to, const doozer_event *event) {
    gives_rev(to, doozer_event_rev(event));
    to->has_value = true;
    to->value = (bytes){doozer_event_value(event), doozer_event_len(event)};
    to->path = doozer_event_path(event);
    to->change = doozer_event_is_set(event) ? "set" : doozer_event_is_del(event) ? "del" : "neither";
}

static void gives_entry(given *to, const doozer_entry *entry) {
    if (to->count == to->room) {
        to->room = to->room * 2 + 16;
        to->names = realloc(to->names, to->room * sizeof *to->names);
        to->values = realloc(to->values, to->room * sizeof *to->values);
        if (to->names == NULL || to->values == NULL) abort();
    }
    const char *value = doozer_entry_value(entry);
    to->names[to->count] = doozer_entry_path(entry);
    to->values[to->count++] = (bytes){value, value == NULL ? 0 : (size_t)doozer_entry_len(entry)};
}

static void call_getdir(request *call) {
    doozer_names *names;
    if (doozer_getdir(call->client, call->path, call->rev, &call->with, &names, &call->fault) != DOOZER_OK) return;
    call->given.has_names = true;
    call->given.count = doozer_names_count(names);
    call->given.names = calloc(call->given.count + 1, sizeof *call->given.names);
    if (call->given.names == NULL) abort();
    for (size_t i = 0; i < call->given.count; i++) call->given.names[i] = doozer_names_at(names, i);
}

void gives_entries(given *to, const doozer_entries *entries) {
    size_t count = doozer_entries_count(entries);
    to->has_names = true;
    for (size_t i = 0; i < count; i++) gives_entry(to, doozer_entries_at(entries, i));
}

static void call_walk(request *call) {
    doozer_entries *entries;
    if (doozer_walk(call->client, call->path, call->rev, &call->with, &entries, &call->fault) == DOOZER_OK) {
        gives_entries(&call->given, entries);
    }
}

static void call_list(request *call) {
    doozer_list *list;
    doozer_entry *entry;
    if (doozer_list_open(call->client, call->path, call->rev, &call->list, &call->with, &list, &call->fault) !=
        DOOZER_OK) {
        return;
    }
    call->given.has_names = true;
    while (doozer_list_next(list, &call->with, &entry, &call->fault) == DOOZER_OK && entry != NULL) {
        gives_entry(&call->given, entry);
    }
    doozer_list_free(list);
}

static void call_txn(request *call) {
    given *to = &call->given;
    to->revs = calloc(call->changes + 1, sizeof *to->revs);
    if (to->revs == NULL) abort();
    if (doozer_txn_commit(call->client, call->txn, &call->with, to->revs, call->changes, &call->fault) != DOOZER_OK) {
        return;
    }
    to->rev_count = call->changes;
    to->has_revs = true;
    if (to->rev_count > 0) gives_rev(to, to->revs[to->rev_count - 1]);
}

/* Makes writes depend on what the step says. */
static doozer_code put_fence(request *call) {
    if (call->fence == NULL) return DOOZER_OK;
    return call->fence->lock != NULL ? doozer_lock_fence(call->fence->lock, &call->with, &call->fault)
                                     : doozer_leader_fence(call->fence->leader, &call->with, &call->fault);
}

static void call_next(request *call) {
    stream *from = call->from;
    doozer_event *event;
    doozer_file *file;
    if (from->fault != NULL) {
        call->fault = from->fault;
        from->fault = NULL;
    } else if (from->watch != NULL) {
        if (doozer_watch_next(from->watch, &call->with, &event, &call->fault) == DOOZER_OK) {
            gives_event(&call->given, event);
        }
    } else if (doozer_config_next(from->config, &call->with, &file, &call->fault) == DOOZER_OK) {
        gives_file(&call->given, file);
    }
}

static void run(request *call) {
    const char *op = call->op, *path = call->path;
    doozer_client *client = call->client;
    given *to = &call->given;
    int64_t rev = 0;
    doozer_file *file;
    doozer_event *event;
    char *text;
    doozer_code code = DOOZER_OTHER;
    if (put_fence(call) != DOOZER_OK) return;
    if (is_recipe(op)) {
        make_recipe(call);
    } else if (strcmp(op, "set") == 0) {
        code = doozer_set(client, path, call->value.start, call->value.len, call->rev, &call->with, &rev, &call->fault);
    } else if (strcmp(op, "add") == 0) {
        code = doozer_add(client, path, call->value.start, call->value.len, &call->with, &rev, &call->fault);
    } else if (strcmp(op, "del") == 0) {
        code = doozer_del(client, path, call->rev, &call->with, &rev, &call->fault);
    } else if (strcmp(op, "rev") == 0) {
        code = doozer_rev(client, &call->with, &rev, &call->fault);
    } else if (strcmp(op, "revision") == 0) {
        code = doozer_node_revision(call->node, &rev, &call->fault);
    } else if (strcmp(op, "stat") == 0) {
        code = doozer_stat(client, path, call->rev, &call->with, &to->len, &rev, &call->fault);
        to->has_len = code == DOOZER_OK;
    } else if (strcmp(op, "rollback") == 0) {
        code = doozer_rollback(client, path, call->rev, &call->with, &rev, &call->fault);
    } else if (strcmp(op, "get") == 0) {
        if (doozer_get(client, path, call->rev, &call->with, &file, &call->fault) == DOOZER_OK) gives_file(to, file);
    } else if (strcmp(op, "get_local") == 0) {
        if (doozer_node_get_local(call->node, path, call->rev, &file, &call->fault) == DOOZER_OK) gives_file(to, file);
    } else if (strcmp(op, "wait") == 0) {
        if (doozer_wait(client, path, call->rev, &call->with, &event, &call->fault) == DOOZER_OK) gives_event(to, event);
    } else if (strcmp(op, "self") == 0) {
        if (doozer_self(client, &call->with, &text, &call->fault) == DOOZER_OK) to->text = text;
    } else if (strcmp(op, "nop") == 0) {
        doozer_nop(client, &call->with, &call->fault);
    } else if (strcmp(op, "access") == 0) {
        doozer_access(client, call->secret, strlen(call->secret), &call->with, &call->fault);
    } else if (strcmp(op, "txn") == 0) {
        call_txn(call);
    } else if (strcmp(op, "getdir") == 0) {
        call_getdir(call);
    } else if (strcmp(op, "walk") == 0) {
        call_walk(call);
    } else if (strcmp(op, "list") == 0) {
        call_list(call);
    } else {
        call_next(call);
    }
    if (code == DOOZER_OK) gives_rev(to, rev);
}

void make(request *call) {
    int64_t began = now_ms();
    run(call);
    call->took_ms = now_ms() - began;
}
