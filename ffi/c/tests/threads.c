/* Many threads on one client, a wait that holds nobody up, and memory that stays where it was. */
#include <stdatomic.h>

#include "test.h"

enum { THREADS = 8, PLACES = 3 };

typedef struct {
    doozer_client *client;
    doozer_watch *watch;
    int number, rounds, seen;
} worker;

static void *write_and_read(void *argument) {
    worker *self = argument;
    char path[32], value[32];
    for (int round = 0; round < self->rounds; round++) {
        snprintf(path, sizeof path, "/t/%d/%d", self->number, round % 10);
        snprintf(value, sizeof value, "%d", round);
        put(self->client, path, value);
        CHECK(holds(self->client, path, value));
        /* An error of this thread's is this thread's. */
        FAILS_WITH(DOOZER_REV_MISMATCH, path, doozer_add(self->client, path, "x", 1, NULL, NULL, &err));
    }
    return NULL;
}

/* Each event of a watch goes to one of those who wait. */
static void *take_events(void *argument) {
    worker *self = argument;
    doozer_event *event;
    while (doozer_watch_next(self->watch, NULL, &event, &err) == DOOZER_OK) {
        self->seen++;
        bool is_last = same(doozer_event_path(event), "/t/last");
        doozer_event_free(event);
        if (is_last) doozer_watch_close(self->watch);
    }
    FAILS(DOOZER_CLOSED, DOOZER_CLOSED);
    return NULL;
}

static void many(doozer_client *client, int rounds) {
    worker writers[THREADS], readers[THREADS];
    pthread_t writing[THREADS], reading[THREADS];
    doozer_watch *watch;
    int64_t rev, last;
    OK(doozer_rev(client, NULL, &rev, &err));
    OK(doozer_watch_open(client, "/t/**", rev + 1, &watch, &err));
    for (int i = 0; i < THREADS; i++) {
        readers[i] = (worker){.watch = watch};
        reading[i] = started(take_events, &readers[i]);
        writers[i] = (worker){.client = client, .number = i, .rounds = rounds};
        writing[i] = started(write_and_read, &writers[i]);
    }
    for (int i = 0; i < THREADS; i++) joined(writing[i]);
    last = put(client, "/t/last", "x");
    int seen = 0;
    for (int i = 0; i < THREADS; i++) {
        joined(reading[i]);
        seen += readers[i].seen;
    }
    CHECK(seen == THREADS * rounds + 1 && last == rev + seen);
    doozer_watch_free(watch);
}

static atomic_int alone, inside;

/* One at a time with a lock, a few at a time with a semaphore; and the tokens grow. */
static void *take_turns(void *argument) {
    worker *self = argument;
    static _Atomic int64_t last;
    doozer_held_lock *lock, *place;
    for (int round = 0; round < self->rounds; round++) {
        OK(doozer_lock(self->client, "/turns", NULL, &lock, &err));
        CHECK(atomic_fetch_add(&alone, 1) == 0 && atomic_exchange(&last, doozer_lock_rev(lock)) < doozer_lock_rev(lock));
        put(self->client, "/turn", "mine");
        CHECK(doozer_lock_is_held(lock) && atomic_fetch_sub(&alone, 1) == 1);
        OK(doozer_unlock(lock, NULL, &err));
        doozer_lock_free(lock);
        OK(doozer_semaphore(self->client, "/places", PLACES, NULL, &place, &err));
        CHECK(atomic_fetch_add(&inside, 1) < PLACES);
        put(self->client, "/turn", "ours");
        CHECK(atomic_fetch_sub(&inside, 1) <= PLACES);
        OK(doozer_unlock(place, NULL, &err));
        doozer_lock_free(place);
    }
    return NULL;
}

/* Half of them by one client, half by another. */
static void turns(doozer_client *client, doozer_client *other, int rounds) {
    worker all[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        all[i] = (worker){.client = i % 2 ? client : other, .rounds = rounds};
        threads[i] = started(take_turns, &all[i]);
    }
    for (int i = 0; i < THREADS; i++) joined(threads[i]);
}

static long resident_kb(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file != NULL && fscanf(file, "%*d %ld", &pages) == 1);
    fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void recipes(doozer_client *client, int64_t rev) {
    doozer_held_lock *lock;
    doozer_live *live;
    doozer_entries *entries;
    doozer_txn *txn = doozer_txn_new();
    doozer_call_opts call = doozer_call_opts_init();
    OK(doozer_lock(client, "/m/l", NULL, &lock, &err));
    OK(doozer_lock_fence(lock, &call, &err));
    OK(doozer_set(client, "/m/a", "fenced", 6, DOOZER_ANY, &call, NULL, &err));
    OK(doozer_discover(client, "/m/*", NULL, &live, &err));
    OK(doozer_live_files(live, &entries, &err));
    doozer_entries_free(entries);
    doozer_live_free(live);
    OK(doozer_txn_if_rev(txn, "/m/a", rev, &err));
    FAILS(DOOZER_COMPARE_FAILED, doozer_txn_commit(client, txn, NULL, NULL, 0, &err));
    doozer_txn_free(txn);
    OK(doozer_unlock(lock, NULL, &err));
    doozer_lock_free(lock);
}

static void mixed(doozer_client *client, doozer_node *node, int rounds) {
    doozer_file *file;
    doozer_names *names;
    doozer_event *event;
    doozer_call_opts quick = within(1);
    for (int round = 0; round < rounds; round++) {
        int64_t rev = put(client, "/m/a", "a value of some length, as files have");
        CHECK(!holds(client, "/m/a", NULL) && holds(client, "/m/none", NULL));
        OK(doozer_getdir(client, "/m", DOOZER_NOW, NULL, &names, &err));
        doozer_names_free(names);
        OK(doozer_wait(client, "/m/*", rev, NULL, &event, &err));
        doozer_event_free(event);
        FAILS(DOOZER_REV_MISMATCH, doozer_add(client, "/m/a", "x", 1, NULL, NULL, &err));
        OK(doozer_node_get_local(node, "/m/a", DOOZER_NOW, &file, &err));
        doozer_file_free(file);
        if (round % 10 == 0) recipes(client, rev);
        if (round % 100 == 0) {
            FAILS(DOOZER_TIMEOUT, doozer_wait(client, "/never", rev, &quick, &event, &err));
        }
    }
}

int main(int count, char **arguments) {
    /* Fewer under valgrind, which looks at the memory itself. */
    int rounds = count > 1 ? atoi(arguments[1]) : 100;
    alarm(PATIENCE_S);
    doozer_node *node;
    doozer_node_opts options = doozer_node_opts_init();
    options.listen = "127.0.0.1:0";
    options.history = 100;
    OK(doozer_node_start(&options, NULL, &node, &err));
    doozer_client *client = connected(doozer_node_address(node));
    many(client, rounds > 10 ? 10 : rounds);
    doozer_client *other = connected(doozer_node_address(node));
    turns(client, other, rounds > 10 ? 10 : rounds);
    doozer_client_free(other);
    mixed(client, node, 5 * rounds);
    long before = resident_kb();
    mixed(client, node, 20 * rounds);
    long grown = resident_kb() - before;
    if (count == 1 && grown > 1024) fprintf(stderr, "%ld kB more than before\n", grown);
    CHECK(count > 1 || grown <= 1024);
    finish(client, node);
    doozer_shutdown(SOON_MS);
    return 0;
}
