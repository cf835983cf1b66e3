/* The calls that give something to be kept (locks, leaders, registrations, live maps, who entered), and those that are made
 * on it. */
#include <string.h>

#include "runner.h"

/* Keeps a lock under the path of its own file, which is what its errors name. */
static void keeps_lock(request *call) {
    call->kept.path = doozer_lock_path(call->kept.lock);
    if (call->fault == NULL) gives_rev(&call->given, doozer_lock_rev(call->kept.lock));
}

static void lock(request *call) {
    doozer_lock(call->client, call->path, &call->with, &call->kept.lock, &call->fault);
    keeps_lock(call);
}

static void try_lock(request *call) {
    doozer_try_lock(call->client, call->path, &call->with, &call->kept.lock, &call->fault);
    keeps_lock(call);
}

static void read_lock(request *call) {
    doozer_read_lock(call->client, call->path, &call->with, &call->kept.lock, &call->fault);
    keeps_lock(call);
}

static void write_lock(request *call) {
    doozer_write_lock(call->client, call->path, &call->with, &call->kept.lock, &call->fault);
    keeps_lock(call);
}

static void semaphore(request *call) {
    doozer_semaphore(call->client, call->path, call->n, &call->with, &call->kept.lock, &call->fault);
    keeps_lock(call);
}

static void unlock(request *call) { doozer_unlock(call->on->lock, &call->with, &call->fault); }

static void elect(request *call) {
    bytes value = call->value;
    doozer_elect(call->client, call->path, value.start, value.len, &call->with, &call->kept.leader, &call->fault);
    if (call->kept.leader == NULL) return;
    call->kept.path = doozer_leader_path(call->kept.leader);
    gives_rev(&call->given, doozer_leader_token(call->kept.leader));
}

static void proclaim(request *call) {
    int64_t rev;
    bytes value = call->value;
    doozer_proclaim(call->on->leader, value.start, value.len, &call->with, &rev, &call->fault);
    if (call->fault == NULL) gives_rev(&call->given, rev);
}

static void resign(request *call) { doozer_resign(call->on->leader, &call->with, &call->fault); }

static void lost(request *call) {
    if (call->on->lock != NULL) {
        doozer_lock_lost(call->on->lock, &call->with, &call->fault);
    } else if (call->on->leader != NULL) {
        doozer_leader_lost(call->on->leader, &call->with, &call->fault);
    } else {
        doozer_barrier_lost(call->on->entered, &call->with, &call->fault);
    }
}

static void held(request *call) {
    call->given.has_held = true;
    call->given.is_held = call->on->lock != NULL     ? doozer_lock_is_held(call->on->lock)
                          : call->on->leader != NULL ? doozer_leader_is_leading(call->on->leader)
                                                     : doozer_barrier_is_inside(call->on->entered);
}

static void register_it(request *call) {
    bytes value = call->value;
    doozer_register(call->client, call->path, value.start, value.len, &call->with, &call->kept.registration, &call->fault);
    if (call->kept.registration == NULL) return;
    call->kept.path = doozer_registration_path(call->kept.registration);
    gives_rev(&call->given, doozer_registration_rev(call->kept.registration));
}

static void deregister(request *call) { doozer_deregister(call->on->registration, &call->with, &call->fault); }

static void discover(request *call) {
    doozer_discover(call->client, call->path, &call->with, &call->kept.live, &call->fault);
    if (call->kept.live != NULL) call->kept.path = call->path;
}

static void files(request *call) {
    doozer_entries *entries;
    if (doozer_live_files(call->on->live, &entries, &call->fault) == DOOZER_OK) gives_entries(&call->given, entries);
}

static void changed(request *call) {
    doozer_entries *entries;
    if (doozer_live_changed(call->on->live, &call->with, &entries, &call->fault) == DOOZER_OK) {
        gives_entries(&call->given, entries);
    }
}

static void enter(request *call) {
    doozer_barrier_enter(call->client, call->path, call->n, &call->with, &call->kept.entered, &call->fault);
    if (call->kept.entered != NULL) call->kept.path = call->path;
}

static void leave(request *call) { doozer_barrier_leave(call->on->entered, &call->with, &call->fault); }

static const struct {
    const char *op;
    /* What it gives to be kept; NULL: it is made on something that was. */
    const char *gives;
    void (*make)(request *call);
} RECIPES[] = {
    {"lock", "lock", lock},
    {"try_lock", "lock", try_lock},
    {"read_lock", "lock", read_lock},
    {"write_lock", "lock", write_lock},
    {"semaphore", "lock", semaphore},
    {"unlock", NULL, unlock},
    {"elect", "leader", elect},
    {"proclaim", NULL, proclaim},
    {"resign", NULL, resign},
    {"lost", NULL, lost},
    {"held", NULL, held},
    {"register", "registration", register_it},
    {"deregister", NULL, deregister},
    {"discover", "live", discover},
    {"files", NULL, files},
    {"changed", NULL, changed},
    {"enter", "entered", enter},
    {"leave", NULL, leave},
};
enum { RECIPE_COUNT = sizeof RECIPES / sizeof *RECIPES };

static size_t recipe_at(const char *op) {
    size_t at = 0;
    while (at < RECIPE_COUNT && strcmp(RECIPES[at].op, op) != 0) at++;
    return at;
}

bool is_recipe(const char *op) { return recipe_at(op) < RECIPE_COUNT; }

const char *kind_given(const char *op) { return is_recipe(op) ? RECIPES[recipe_at(op)].gives : NULL; }

bool is_on_thing(const char *op) { return is_recipe(op) && kind_given(op) == NULL; }

void make_recipe(request *call) { RECIPES[recipe_at(call->op)].make(call); }

void let_go(const thing *kept) {
    doozer_lock_free(kept->lock);
    doozer_leader_free(kept->leader);
    doozer_registration_free(kept->registration);
    doozer_live_free(kept->live);
    doozer_entered_free(kept->entered);
}
