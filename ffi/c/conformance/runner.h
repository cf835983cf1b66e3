/* What the parts of the runner share: a scenario that is being run, and the calls of its steps. */
#ifndef RUNNER_H
#define RUNNER_H

#include <doozer.h>
#include <pthread.h>

#include "proxy.h"
#include "toml.h"

enum { NAMED_MAX = 32, LIMIT_MS = 10000, LATE_MS = 5000, HUNG_MS = 15000 };

/* A value as it is expected or was given; a missing one has no start. */
typedef struct {
    const char *start;
    size_t len;
} bytes;

/* What a call gave: the parts that it gives, whichever call it was. */
typedef struct {
    bool has_rev, has_value, has_len;
    int64_t rev;
    bytes value;
    uint64_t len;
    const char *path, *change, *text;
    /* Names of a directory or paths of entries, with the entries' values. */
    const char **names;
    bytes *values;
    size_t count, room;
    bool has_names;
    /* The revisions of a transaction's changes. */
    int64_t *revs;
    size_t rev_count;
    bool has_revs, has_held, is_held;
} given;

/* What a call gave to be kept: one of these. */
typedef struct {
    /* What errors about it name. */
    const char *path;
    doozer_held_lock *lock;
    doozer_leader *leader;
    doozer_registration *registration;
    doozer_live *live;
    doozer_entered *entered;
} thing;

/* A stream that steps read. A watch may be one of `follow`, a live value one of `observe`. */
typedef struct {
    const char *op, *path;
    doozer_watch *watch;
    doozer_config *config;
    /* What opening it failed with: it is for the first `next`. */
    doozer_error *fault;
} stream;

/* A call: its arguments, and how it ended. */
typedef struct {
    const char *op, *path;
    doozer_client *client;
    stream *from;
    doozer_node *node;
    /* What it is made on, what writes depend on, and the name under which what it gives is kept. */
    const thing *on, *fence;
    const char *kept_as;
    bytes value;
    int64_t rev;
    size_t n;
    doozer_list_opts list;
    doozer_txn *txn;
    size_t changes;
    const char *secret;
    doozer_call_opts with;
    bool is_limited;
    /* How it ended. */
    given given;
    thing kept;
    doozer_error *fault;
    int64_t took_ms;
    /* In the background. */
    pthread_t thread;
} request;

typedef struct {
    const char *name;
    void *value;
} named;

/* Everything a scenario has opened. */
typedef struct {
    const scenario *told;
    const char *via, *data, *script;
    doozer_node *node;
    proxy proxy;
    /* Of the things, names begin with their kind: "lock a". */
    named clients[NAMED_MAX], streams[NAMED_MAX], things[NAMED_MAX], calls[NAMED_MAX], saved[NAMED_MAX];
} world;

/* Ends the scenario's process: it has failed. */
_Noreturn void fail(const char *pattern, ...) __attribute__((format(printf, 1, 2)));

/* world.c */
void open_world(world *made, const scenario *told, const char *via, const char *data, const char *script);
void close_world(world *done);
void start_member(world *in);
/* Opens a client; NULL on failure, with the error. */
doozer_client *open_client(world *in, const char *uri, const char *via, const char *secret,
                           const doozer_connect_opts *options, doozer_error **err);
void keep(named *all, const char *name, void *value);
/* What was kept under a name; fails without it. */
void *kept(const named *all, const char *name, const char *what);
/* The same, which is not kept any more. */
void *taken(named *all, const char *name, const char *what);
/* A revision: a number, or one that was saved with an offset. */
int64_t resolve(const world *in, const pair *rev);
/* The same as a word. */
int64_t resolve_word(const world *in, const char *word);

/* call.c: makes the call. Never fails the scenario: it also runs in other threads. */
void make(request *call);
void gives_rev(given *to, int64_t rev);
void gives_entries(given *to, const doozer_entries *entries);

/* recipe.c: the calls that give something to be kept, and those that are made on it. */
bool is_recipe(const char *op);
/* The kind of what the call gives to be kept; NULL if it gives nothing. */
const char *kind_given(const char *op);
/* Whether the call is made on something that was kept. */
bool is_on_thing(const char *op);
void make_recipe(request *call);
void let_go(const thing *kept);

/* txn.c: a transaction as its step tells it, and how many changes it has. */
doozer_txn *read_txn(const world *in, const char *text, size_t *changes);

/* expect.c */
void check(const world *in, const table *step, const request *call);
/* The value of a step, by the keys `text`, `hex` and `size`; false without one. */
bool value_of(const table *step, const char *text, const char *hex, const char *size, bytes *value);

/* step.c */
void carry_out(world *in, const table *step);

#endif
