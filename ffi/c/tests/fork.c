/* Forks with everything open, and the shape of a preforking server: the master opens, its workers use. */
#include <signal.h>
#include <sys/wait.h>

#include "test.h"

/* A child that carries `body` out; what fails in it fails the test. */
static pid_t child_that(void (*body)(void *), void *argument) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(PATIENCE_S);
        body(argument);
        _exit(0);
    }
    return child;
}

static void ends_well(pid_t child) {
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

typedef struct {
    doozer_node *node;
    doozer_client *client, *embedded;
    doozer_watch *watch;
    doozer_config *config;
    doozer_list *list;
    doozer_held_lock *lock;
    doozer_leader *leader;
    doozer_registration *registration;
    doozer_live *live;
    doozer_entered *entered;
    doozer_txn *txn;
    doozer_cancel *cancel;
} open_things;

/* What the parent holds is the parent's: in the child it is not held, and all its calls say so. */
static void what_is_held(const open_things *all) {
    doozer_entries *entries;
    doozer_call_opts with = doozer_call_opts_init();
    FAILS_WITH(DOOZER_FORKED, "unlock /l", doozer_unlock(all->lock, NULL, &err));
    FAILS(DOOZER_FORKED, doozer_lock_lost(all->lock, NULL, &err));
    FAILS_WITH(DOOZER_FORKED, "fence /l", doozer_lock_fence(all->lock, &with, &err));
    FAILS(DOOZER_FORKED, doozer_proclaim(all->leader, "x", 1, NULL, NULL, &err));
    FAILS(DOOZER_FORKED, doozer_resign(all->leader, NULL, &err));
    FAILS(DOOZER_FORKED, doozer_leader_lost(all->leader, NULL, &err));
    FAILS(DOOZER_FORKED, doozer_leader_fence(all->leader, &with, &err));
    CHECK(with.fence_path == NULL && with.fence_token == 0);
    FAILS(DOOZER_FORKED, doozer_deregister(all->registration, NULL, &err));
    FAILS(DOOZER_FORKED, doozer_live_files(all->live, &entries, &err));
    FAILS(DOOZER_FORKED, doozer_live_changed(all->live, NULL, &entries, &err));
    FAILS(DOOZER_FORKED, doozer_barrier_leave(all->entered, NULL, &err));
    FAILS(DOOZER_FORKED, doozer_barrier_lost(all->entered, NULL, &err));
    CHECK(!doozer_lock_is_held(all->lock) && doozer_lock_rev(all->lock) > 0 && doozer_lock_valid_for_ms(all->lock) == 0);
    CHECK(!doozer_leader_is_leading(all->leader) && doozer_leader_token(all->leader) > 0);
    CHECK(doozer_registration_rev(all->registration) == 0);
    CHECK(same(doozer_registration_path(all->registration), "/svc"));
    /* What others see of it stays. A transaction is nobody's. */
    CHECK(holds(all->client, "/svc", "x") && holds(all->client, "/leader", "x"));
    OK(doozer_txn_commit(all->client, all->txn, NULL, NULL, 0, &err));
    doozer_live_close(all->live);
    doozer_lock_free(all->lock);
    doozer_leader_free(all->leader);
    doozer_registration_free(all->registration);
    doozer_live_free(all->live);
    doozer_entered_free(all->entered);
    doozer_txn_free(all->txn);
}

static void everything(void *argument) {
    open_things *all = argument;
    doozer_event *event;
    doozer_file *file;
    doozer_entry *entry;
    int64_t rev;
    FAILS(DOOZER_FORKED, doozer_watch_next(all->watch, NULL, &event, &err));
    FAILS(DOOZER_FORKED, doozer_config_next(all->config, NULL, &file, &err));
    FAILS(DOOZER_FORKED, doozer_list_next(all->list, NULL, &entry, &err));
    FAILS(DOOZER_FORKED, doozer_node_revision(all->node, &rev, &err));
    FAILS(DOOZER_FORKED, doozer_node_get_local(all->node, "/a", DOOZER_NOW, &file, &err));
    FAILS(DOOZER_FORKED, doozer_node_stop(all->node, NULL, &err));
    FAILS(DOOZER_FORKED, doozer_get(all->embedded, "/a", DOOZER_NOW, NULL, &file, &err));
    doozer_call_opts with = doozer_call_opts_init();
    with.cancel = all->cancel;
    FAILS(DOOZER_FORKED, doozer_nop(all->client, &with, &err));
    CHECK(doozer_node_id(all->node) != NULL);
    /* The client goes on with a connection of its own. */
    CHECK(holds(all->client, "/a", "x"));
    put(all->client, "/child", "y");
    /* So does everything that is opened here. */
    doozer_watch *watch;
    OK(doozer_watch_open(all->client, "/child", 1, &watch, &err));
    OK(doozer_watch_next(watch, NULL, &event, &err));
    CHECK(same(doozer_event_path(event), "/child"));
    doozer_event_free(event);
    doozer_watch_free(watch);
    /* All of it may be closed and freed, which touches nothing of the parent's. */
    what_is_held(all);
    doozer_cancel_fire(all->cancel);
    doozer_cancel_free(all->cancel);
    doozer_watch_close(all->watch);
    doozer_watch_free(all->watch);
    doozer_config_free(all->config);
    doozer_list_free(all->list);
    OK(doozer_close(all->embedded, NULL, &err));
    doozer_client_free(all->embedded);
    OK(doozer_close(all->client, NULL, &err));
    doozer_client_free(all->client);
    doozer_node_free(all->node);
    doozer_shutdown(SOON_MS);
}

static void with_everything_open(void) {
    open_things all = {.node = member(), .cancel = doozer_cancel_new()};
    doozer_event *event;
    doozer_file *file;
    doozer_entry *entry;
    all.client = connected(doozer_node_address(all.node));
    OK(doozer_node_client(all.node, NULL, &all.embedded, &err));
    int64_t rev = put(all.client, "/a", "x");
    OK(doozer_watch_open(all.client, "/a", rev, &all.watch, &err));
    OK(doozer_config_open(all.client, "/a", &all.config, &err));
    OK(doozer_list_open(all.client, "/a", DOOZER_NOW, NULL, NULL, &all.list, &err));
    OK(doozer_lock(all.client, "/l", NULL, &all.lock, &err));
    OK(doozer_elect(all.client, "/leader", "x", 1, NULL, &all.leader, &err));
    OK(doozer_register(all.client, "/svc", "x", 1, NULL, &all.registration, &err));
    OK(doozer_discover(all.client, "/svc*", NULL, &all.live, &err));
    OK(doozer_barrier_enter(all.client, "/b", 1, NULL, &all.entered, &err));
    all.txn = doozer_txn_new();
    OK(doozer_txn_if_fence(all.txn, "/l", doozer_lock_rev(all.lock), &err));
    OK(doozer_txn_set(all.txn, "/txn", "x", 1, DOOZER_ANY, &err));
    OK(doozer_watch_next(all.watch, NULL, &event, &err));
    doozer_event_free(event);
    OK(doozer_config_next(all.config, NULL, &file, &err));
    doozer_file_free(file);
    for (int again = 0; again < 2; again++) ends_well(child_that(everything, &all));
    /* And the parent's is as it was. */
    CHECK(!doozer_is_closed(all.client) && doozer_lock_is_held(all.lock) && !doozer_cancel_is_fired(all.cancel));
    CHECK(doozer_leader_is_leading(all.leader) && doozer_registration_rev(all.registration) > 0);
    CHECK(holds(all.client, "/child", "y"));
    int64_t next = put(all.client, "/a", "z");
    OK(doozer_watch_next(all.watch, NULL, &event, &err));
    CHECK(doozer_event_rev(event) == next);
    doozer_event_free(event);
    OK(doozer_config_next(all.config, NULL, &file, &err));
    CHECK(doozer_file_rev(file) == next);
    doozer_file_free(file);
    OK(doozer_list_next(all.list, NULL, &entry, &err));
    doozer_entry_free(entry);
    OK(doozer_node_get_local(all.node, "/l", DOOZER_NOW, &file, &err));
    CHECK(doozer_file_rev(file) == doozer_lock_rev(all.lock));
    doozer_file_free(file);
    OK(doozer_unlock(all.lock, NULL, &err));
    OK(doozer_proclaim(all.leader, "still here", 10, NULL, NULL, &err));
    OK(doozer_resign(all.leader, NULL, &err));
    OK(doozer_deregister(all.registration, NULL, &err));
    doozer_entries *entries;
    OK(doozer_live_changed(all.live, NULL, &entries, &err));
    CHECK(doozer_entries_count(entries) == 0);
    doozer_entries_free(entries);
    OK(doozer_barrier_leave(all.entered, NULL, &err));
    doozer_lock_free(all.lock);
    doozer_leader_free(all.leader);
    doozer_registration_free(all.registration);
    doozer_live_free(all.live);
    doozer_entered_free(all.entered);
    doozer_txn_free(all.txn);
    doozer_watch_free(all.watch);
    doozer_config_free(all.config);
    doozer_list_free(all.list);
    doozer_cancel_free(all.cancel);
    doozer_client_free(all.embedded);
    finish(all.client, all.node);
}

enum { WORKERS = 4, TURNS = 100 };

typedef struct {
    doozer_client *client;
    int number;
} worker;

static void serve(void *argument) {
    worker *self = argument;
    char path[32], value[32];
    snprintf(path, sizeof path, "/worker/%d", self->number);
    for (int turn = 1; turn <= TURNS; turn++) {
        snprintf(value, sizeof value, "%d", turn);
        put(self->client, path, value);
        CHECK(holds(self->client, path, value));
    }
}

static void *keep_busy(void *argument) {
    serve(argument);
    return NULL;
}

/* The master forks in the middle of what its other thread does with the client, again and again. */
static void preforking(void) {
    doozer_node *node = member();
    doozer_client *client = connected(doozer_node_address(node));
    worker all[WORKERS + 1];
    pid_t children[WORKERS];
    all[WORKERS] = (worker){client, WORKERS};
    pthread_t busy = started(keep_busy, &all[WORKERS]);
    for (int i = 0; i < WORKERS; i++) {
        all[i] = (worker){client, i};
        children[i] = child_that(serve, &all[i]);
    }
    worker master = {client, WORKERS + 1};
    serve(&master);
    for (int i = 0; i < WORKERS; i++) ends_well(children[i]);
    joined(busy);
    char path[32], value[32];
    snprintf(value, sizeof value, "%d", TURNS);
    for (int i = 0; i < WORKERS + 2; i++) {
        snprintf(path, sizeof path, "/worker/%d", i);
        CHECK(holds(client, path, value));
    }
    finish(client, node);
}

static void fails(void *argument) {
    (void)argument;
    _exit(3);
}

int main(void) {
    alarm(PATIENCE_S);
    int status;
    /* So that the rest can fail. */
    CHECK(waitpid(child_that(fails, NULL), &status, 0) > 0 && WEXITSTATUS(status) == 3);
    with_everything_open();
    preforking();
    doozer_shutdown(SOON_MS);
    return 0;
}
