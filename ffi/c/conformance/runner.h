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
} given;

/* A stream that steps read. */
typedef struct {
    const char *op, *path;
    doozer_watch *watch;
    doozer_config *config;
    /* What opening it failed with: it is for the first `next`. */
    doozer_error *fault;
} stream;

/* A call: its arguments, and how it ended. */
typedef struct {
    const char *op, *path, *lock_name;
    doozer_client *client;
    stream *from;
    doozer_held_lock *lock;
    doozer_node *node;
    bytes value;
    int64_t rev;
    doozer_list_opts list;
    const char *secret;
    doozer_call_opts with;
    bool is_limited;
    /* How it ended. */
    given given;
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
    named clients[NAMED_MAX], streams[NAMED_MAX], locks[NAMED_MAX], calls[NAMED_MAX], saved[NAMED_MAX];
} world;

/* Ends the scenario's process: it has failed. */
_Noreturn void fail(const char *pattern, ...) __attribute__((format(printf, 1, 2)));

/* world.c */
void open_world(world *made, const scenario *told, const char *via, const char *data, const char *script);
void close_world(world *done);
void start_member(world *in);
/* Opens a client; NULL on failure, with the error. */
doozer_client *open_client(world *in, const char *uri, const char *via, const char *secret, int64_t timeout_ms,
                           doozer_error **err);
void keep(named *all, const char *name, void *value);
/* What was kept under a name; fails without it. */
void *kept(const named *all, const char *name, const char *what);
/* The same, which is not kept any more. */
void *taken(named *all, const char *name, const char *what);
/* A revision: a number, or one that was saved with an offset. */
int64_t resolve(const world *in, const pair *rev);

/* call.c: makes the call. Never fails the scenario: it also runs in other threads. */
void make(request *call);

/* expect.c */
void check(const world *in, const table *step, const request *call);
/* The value of a step, by the keys `text`, `hex` and `size`; false without one. */
bool value_of(const table *step, const char *text, const char *hex, const char *size, bytes *value);

/* step.c */
void carry_out(world *in, const table *step);

#endif
