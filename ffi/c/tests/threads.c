/* Many threads on one client, a wait that holds nobody up, and memory that stays where it was. */
#include "test.h"

enum { THREADS = 8 };

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

static long resident_kb(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file != NULL && fscanf(file, "%*d %ld", &pages) == 1);
    fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
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
