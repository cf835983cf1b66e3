/* What ends the waits of locks, elections, barriers and live maps, and that nothing is left behind. Behind the proxy, which
 * sees what the member is sent. */
#include <signal.h>

#include "relay.h"

/* A call in another thread, and how it ended. */
typedef struct waiting waiting;
struct waiting {
    void (*make)(waiting *call);
    doozer_client *client;
    doozer_held_lock *lock;
    doozer_leader *leader;
    doozer_entered *entered;
    doozer_live *live;
    doozer_call_opts with;
    doozer_code code;
    pthread_t thread;
};

static void lock(waiting *call) { call->code = doozer_lock(call->client, "/l", &call->with, &call->lock, NULL); }
static void read_lock(waiting *call) { call->code = doozer_read_lock(call->client, "/rw", &call->with, &call->lock, NULL); }
static void write_lock(waiting *call) { call->code = doozer_write_lock(call->client, "/rw", &call->with, &call->lock, NULL); }
static void place(waiting *call) { call->code = doozer_semaphore(call->client, "/s", 1, &call->with, &call->lock, NULL); }
static void elect(waiting *call) { call->code = doozer_elect(call->client, "/e", "x", 1, &call->with, &call->leader, NULL); }
static void enter(waiting *call) { call->code = doozer_barrier_enter(call->client, "/b", 2, &call->with, &call->entered, NULL); }
static void leave(waiting *call) { call->code = doozer_barrier_leave(call->entered, &call->with, NULL); }
static void lock_lost(waiting *call) { call->code = doozer_lock_lost(call->lock, &call->with, NULL); }
static void leader_lost(waiting *call) { call->code = doozer_leader_lost(call->leader, &call->with, NULL); }
static void entered_lost(waiting *call) { call->code = doozer_barrier_lost(call->entered, &call->with, NULL); }
static void changed(waiting *call) {
    doozer_entries *entries;
    call->code = doozer_live_changed(call->live, &call->with, &entries, NULL);
    doozer_entries_free(entries);
}

static void *in_thread(void *argument) {
    waiting *call = argument;
    call->make(call);
    return NULL;
}

static void begin(waiting *call) {
    call->code = DOOZER_PANIC;
    call->thread = started(in_thread, call);
}

static doozer_code ended(waiting *call) {
    joined(call->thread);
    return call->code;
}

static waiting of(void (*make)(waiting *), doozer_client *client, doozer_cancel *cancel) {
    waiting call = {.make = make, .client = client, .with = doozer_call_opts_init()};
    call.with.cancel = cancel;
    return call;
}

/* The first file that matches, from a revision on, that was written (or deleted); its revision. */
static int64_t seen(doozer_client *client, const char *glob, int64_t rev, bool is_set) {
    doozer_event *event;
    doozer_call_opts soon = within(SOON_MS);
    for (;; rev++) {
        OK(doozer_wait(client, glob, rev, &soon, &event, &err));
        rev = doozer_event_rev(event);
        bool is_it = doozer_event_is_set(event) == is_set;
        doozer_event_free(event);
        if (is_it) return rev;
    }
}

static int64_t current(doozer_client *client) {
    int64_t rev;
    OK(doozer_rev(client, NULL, &rev, &err));
    return rev;
}

static size_t files_in(doozer_client *client, const char *glob) {
    doozer_entries *entries;
    OK(doozer_walk(client, glob, DOOZER_NOW, NULL, &entries, &err));
    size_t count = doozer_entries_count(entries);
    doozer_entries_free(entries);
    return count;
}

static doozer_cancel *volatile for_handler;

static void on_signal(int number) {
    (void)number;
    doozer_cancel_fire_from_signal(for_handler);
}

/* A candidate that is given up, by a signal to the thread that waits, as with Ctrl-C: it is not elected later. */
static void election_given_up(doozer_client *client) {
    struct sigaction action = {.sa_handler = on_signal};
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    doozer_cancel *cancel = for_handler = doozer_cancel_new();
    doozer_leader *leader;
    OK(doozer_elect(client, "/e", "first", 5, NULL, &leader, &err));
    waiting call = of(elect, client, cancel);
    proxy_does("forget");
    begin(&call);
    proxy_does("expect SET");
    CHECK(pthread_kill(call.thread, SIGUSR1) == 0);
    CHECK(ended(&call) == DOOZER_CANCELLED && call.leader == NULL);
    proxy_does("expect CANCEL");
    int64_t rev = current(client);
    OK(doozer_resign(leader, NULL, &err));
    CHECK(holds(client, "/e", NULL) && current(client) == rev + 1);
    doozer_leader_free(leader);
    doozer_cancel_free(cancel);
}

/* Who stands at the door of a directory and gives up lets the next one there. */
static void door_given_up(doozer_client *client, void (*make)(waiting *), const char *queue, doozer_held_lock *inside) {
    doozer_cancel *cancel = doozer_cancel_new();
    int64_t rev = current(client) + 1;
    waiting call = of(make, client, cancel);
    begin(&call);
    rev = seen(client, queue, rev, true);
    doozer_cancel_fire(cancel);
    CHECK(ended(&call) == DOOZER_CANCELLED && call.lock == NULL);
    seen(client, queue, rev + 1, false);
    /* The next one is not held up: it gets in once there is room. */
    waiting next = of(make, client, NULL);
    begin(&next);
    OK(doozer_unlock(inside, NULL, &err));
    CHECK(ended(&next) == DOOZER_OK);
    OK(doozer_unlock(next.lock, NULL, &err));
    doozer_lock_free(next.lock);
    doozer_lock_free(inside);
    doozer_cancel_free(cancel);
}

static void doors_given_up(doozer_client *client) {
    doozer_held_lock *inside;
    OK(doozer_write_lock(client, "/rw", NULL, &inside, &err));
    door_given_up(client, read_lock, "/rw/queue", inside);
    OK(doozer_read_lock(client, "/rw", NULL, &inside, &err));
    door_given_up(client, write_lock, "/rw/queue", inside);
    OK(doozer_semaphore(client, "/s", 1, NULL, &inside, &err));
    door_given_up(client, place, "/s/queue", inside);
    CHECK(files_in(client, "/rw/**") == 0 && files_in(client, "/s/**") == 0);
}

/* Who gives up before the barrier has not come; who gives up behind it has left. */
static void barrier_given_up(doozer_client *client) {
    doozer_cancel *cancel = doozer_cancel_new();
    int64_t rev = current(client) + 1;
    waiting one = of(enter, client, cancel), two = of(enter, client, NULL);
    begin(&one);
    rev = seen(client, "/b/members/*", rev, true);
    doozer_cancel_fire(cancel);
    CHECK(ended(&one) == DOOZER_CANCELLED && one.entered == NULL);
    seen(client, "/b/members/*", rev + 1, false);
    doozer_cancel_free(cancel);

    one = of(enter, client, NULL);
    begin(&one);
    begin(&two);
    CHECK(ended(&one) == DOOZER_OK && ended(&two) == DOOZER_OK);
    cancel = doozer_cancel_new();
    rev = current(client) + 1;
    one.make = leave;
    one.with.cancel = cancel;
    begin(&one);
    seen(client, "/b/members/*", rev, false);
    doozer_cancel_fire(cancel);
    CHECK(ended(&one) == DOOZER_CANCELLED);
    /* It may be called again, to wait for the other. */
    one.with.cancel = NULL;
    begin(&one);
    OK(doozer_barrier_leave(two.entered, NULL, &err));
    CHECK(ended(&one) == DOOZER_OK && files_in(client, "/b/**") == 0);
    doozer_entered_free(one.entered);
    doozer_entered_free(two.entered);
    doozer_cancel_free(cancel);
}

/* Waits for a loss that are given up: nothing is lost. */
static void lost_given_up(doozer_client *client) {
    waiting held = of(lock, client, NULL), led = of(elect, client, NULL), entered = {.client = client};
    lock(&held);
    elect(&led);
    OK(doozer_barrier_enter(client, "/alone", 1, NULL, &entered.entered, &err));
    held.make = lock_lost;
    led.make = leader_lost;
    entered.make = entered_lost;
    waiting *all[] = {&held, &led, &entered};
    for (int i = 0; i < 3; i++) {
        doozer_cancel *cancel = doozer_cancel_new();
        proxy_does("forget");
        all[i]->with = doozer_call_opts_init();
        all[i]->with.cancel = cancel;
        begin(all[i]);
        proxy_does("expect WATCH");
        doozer_cancel_fire(cancel);
        CHECK(ended(all[i]) == DOOZER_CANCELLED);
        proxy_does("expect CANCEL");
        doozer_cancel_free(cancel);
    }
    CHECK(doozer_lock_is_held(held.lock) && doozer_leader_is_leading(led.leader));
    OK(doozer_unlock(held.lock, NULL, &err));
    OK(doozer_resign(led.leader, NULL, &err));
    OK(doozer_barrier_leave(entered.entered, NULL, &err));
    doozer_lock_free(held.lock);
    doozer_leader_free(led.leader);
    doozer_entered_free(entered.entered);
}

/* A loss is known to whoever waits for it while the program does something else; also if the handle was freed meanwhile. */
static void lost_meanwhile(doozer_client *client, bool is_freed) {
    waiting held = of(lock, client, NULL);
    lock(&held);
    CHECK(held.code == DOOZER_OK);
    doozer_held_lock *mine = held.lock;
    held.make = lock_lost;
    proxy_does("forget");
    begin(&held);
    proxy_does("expect WATCH");
    put(client, "/work", "goes on");
    CHECK(holds(client, "/work", "goes on") && doozer_lock_is_held(mine));
    if (is_freed) doozer_lock_free(mine);
    OK(doozer_del(client, "/l", DOOZER_ANY, NULL, NULL, &err));
    CHECK(ended(&held) == DOOZER_OK);
    if (is_freed) return;
    CHECK(!doozer_lock_is_held(mine));
    FAILS(DOOZER_LOCK_LOST, doozer_unlock(mine, NULL, &err));
    doozer_lock_free(mine);
}

/* A reader of a live map that gives up misses nothing; closing it wakes who waits; so does a change, once it is freed. */
static void map_given_up(doozer_client *client) {
    doozer_live *live;
    doozer_entries *entries;
    doozer_cancel *cancel = doozer_cancel_new();
    proxy_does("forget");
    OK(doozer_discover(client, "/m/*", NULL, &live, &err));
    waiting call = of(changed, NULL, cancel);
    call.live = live;
    begin(&call);
    doozer_cancel_fire(cancel);
    CHECK(ended(&call) == DOOZER_CANCELLED);
    put(client, "/m/1", "x");
    OK(doozer_live_changed(live, NULL, &entries, &err));
    CHECK(doozer_entries_count(entries) == 1);
    doozer_entries_free(entries);
    call.with.cancel = NULL;
    begin(&call);
    doozer_live_close(live);
    CHECK(ended(&call) == DOOZER_CLOSED);
    proxy_does("expect WATCH");
    doozer_live_free(live);
    proxy_does("expect CANCEL");

    OK(doozer_discover(client, "/m/*", NULL, &live, &err));
    call.live = live;
    begin(&call);
    put(client, "/m/2", "x");
    CHECK(ended(&call) == DOOZER_OK);
    doozer_live_free(live);
    doozer_cancel_free(cancel);
}

/* What is freed without being given back is given back all the same. */
static void forgotten(doozer_client *client) {
    doozer_held_lock *held;
    doozer_leader *leader;
    doozer_registration *registration;
    doozer_entered *entered;
    OK(doozer_lock(client, "/gone/lock", NULL, &held, &err));
    OK(doozer_elect(client, "/gone/leader", "x", 1, NULL, &leader, &err));
    OK(doozer_register(client, "/gone/service", "x", 1, NULL, &registration, &err));
    OK(doozer_barrier_enter(client, "/gone/barrier", 1, NULL, &entered, &err));
    int64_t rev = current(client) + 1;
    doozer_lock_free(held);
    doozer_leader_free(leader);
    doozer_registration_free(registration);
    doozer_entered_free(entered);
    seen(client, "/gone/lock", rev, false);
    seen(client, "/gone/leader", rev, false);
    seen(client, "/gone/service", rev, false);
    seen(client, "/gone/barrier/members/*", rev, false);
}

/* A client that is closed ends all that waits by it, and what it held is free. */
static void client_closed(doozer_client *client) {
    doozer_client *own = connected(relay.address);
    doozer_leader *leader;
    doozer_held_lock *held;
    OK(doozer_elect(client, "/e", "x", 1, NULL, &leader, &err));
    waiting candidate = of(elect, own, NULL), loser = of(lock_lost, own, NULL), reader = of(changed, own, NULL);
    OK(doozer_lock(own, "/l", NULL, &held, &err));
    loser.lock = held;
    OK(doozer_discover(own, "/m/*", NULL, &reader.live, &err));
    proxy_does("forget");
    begin(&candidate);
    proxy_does("expect SET");
    begin(&loser);
    proxy_does("expect WATCH");
    begin(&reader);
    OK(doozer_close(own, NULL, &err));
    CHECK(ended(&candidate) == DOOZER_CLOSED && ended(&reader) == DOOZER_CLOSED && ended(&loser) == DOOZER_OK);
    /* Who waited for the loss may have found it lost before anybody saw why. */
    CHECK(!doozer_lock_is_held(held));
    doozer_code why = doozer_unlock(held, NULL, NULL);
    CHECK(why == DOOZER_CLOSED || why == DOOZER_LOCK_LOST);
    doozer_lock_free(held);
    doozer_live_free(reader.live);
    doozer_client_free(own);
    /* Its session has ended with it. */
    waiting next = of(lock, client, NULL);
    lock(&next);
    CHECK(next.code == DOOZER_OK);
    OK(doozer_unlock(next.lock, NULL, &err));
    doozer_lock_free(next.lock);
    OK(doozer_resign(leader, NULL, &err));
    doozer_leader_free(leader);
    CHECK(holds(client, "/e", NULL));
}

int main(int count, char **arguments) {
    CHECK(count == 2);
    alarm(PATIENCE_S);
    doozer_node *node = member_behind(arguments[1]);
    doozer_client *client = connected(relay.address);
    election_given_up(client);
    doors_given_up(client);
    barrier_given_up(client);
    lost_given_up(client);
    lost_meanwhile(client, false);
    lost_meanwhile(client, true);
    map_given_up(client);
    forgotten(client);
    client_closed(client);
    OK(doozer_nop(client, NULL, &err));
    finish(client, node);
    proxy_stop(&relay);
    doozer_shutdown(SOON_MS);
    return 0;
}
