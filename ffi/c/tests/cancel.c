/* What ends a wait early, and that nothing is left behind. Behind the proxy, which sees what the member is sent. */
#include <signal.h>

#include "relay.h"

/* A wait in another thread, and how it ended. */
typedef struct {
    doozer_client *client;
    doozer_watch *watch;
    const char *lock_path, *glob;
    doozer_call_opts with;
    doozer_code code;
    pthread_t thread;
} waiting;

static void *wait_for(void *argument) {
    waiting *call = argument;
    doozer_event *event = NULL;
    doozer_held_lock *lock = NULL;
    if (call->watch != NULL) {
        call->code = doozer_watch_next(call->watch, &call->with, &event, NULL);
    } else if (call->lock_path != NULL) {
        call->code = doozer_lock(call->client, call->lock_path, &call->with, &lock, NULL);
    } else {
        call->code = doozer_wait(call->client, call->glob != NULL ? call->glob : "/w", 1, &call->with, &event, NULL);
    }
    doozer_event_free(event);
    doozer_lock_free(lock);
    return NULL;
}

static void begin(waiting *call) {
    call->code = DOOZER_OK;
    call->thread = started(wait_for, call);
}

static void cancelled_from_another_thread(doozer_client *client) {
    doozer_cancel *cancel = doozer_cancel_new();
    waiting call = {.client = client, .with = doozer_call_opts_init()};
    call.with.cancel = cancel;
    begin(&call);
    proxy_does("expect WAIT");
    CHECK(!doozer_cancel_is_fired(cancel));
    int64_t fired = now_ms();
    doozer_cancel_fire(cancel);
    joined(call.thread);
    CHECK(call.code == DOOZER_CANCELLED && now_ms() - fired < 20000);
    proxy_does("expect CANCEL");
    /* From then on too; and the client goes on. */
    CHECK(doozer_cancel_is_fired(cancel));
    FAILS_WITH(DOOZER_CANCELLED, "nop", doozer_nop(client, &call.with, &err));
    doozer_cancel_free(cancel);
    OK(doozer_nop(client, NULL, &err));
}

/* A token that is freed while a call has it: the call goes on. */
static void token_freed(doozer_client *client) {
    doozer_cancel *cancel = doozer_cancel_new();
    waiting call = {.client = client, .with = within(300)};
    call.with.cancel = cancel;
    begin(&call);
    proxy_does("expect WAIT");
    doozer_cancel_free(cancel);
    joined(call.thread);
    CHECK(call.code == DOOZER_TIMEOUT);
    proxy_does("expect CANCEL");
}

static doozer_cancel *volatile for_handler;

static void on_signal(int number) {
    (void)number;
    doozer_cancel_fire_from_signal(for_handler);
}

/* The thread that waits is the one the signal comes to, as with Ctrl-C in a program of one thread. */
static void cancelled_by_a_signal(doozer_client *client) {
    struct sigaction action = {.sa_handler = on_signal};
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    for_handler = doozer_cancel_new();
    waiting call = {.client = client, .with = doozer_call_opts_init()};
    call.with.cancel = for_handler;
    begin(&call);
    proxy_does("expect WAIT");
    CHECK(pthread_kill(call.thread, SIGUSR1) == 0);
    joined(call.thread);
    CHECK(call.code == DOOZER_CANCELLED && doozer_cancel_is_fired(for_handler));
    proxy_does("expect CANCEL");
    doozer_cancel_free(for_handler);
}

static void one_token_for_many(doozer_client *client) {
    enum { MANY = 8 };
    waiting calls[MANY];
    doozer_cancel *cancel = doozer_cancel_new();
    for (int i = 0; i < MANY; i++) {
        calls[i] = (waiting){.client = client, .with = doozer_call_opts_init()};
        calls[i].with.cancel = cancel;
        begin(&calls[i]);
    }
    for (int i = 0; i < MANY; i++) proxy_does("expect WAIT");
    doozer_cancel_fire(cancel);
    for (int i = 0; i < MANY; i++) {
        joined(calls[i].thread);
        CHECK(calls[i].code == DOOZER_CANCELLED);
    }
    for (int i = 0; i < MANY; i++) proxy_does("expect CANCEL");
    doozer_cancel_free(cancel);
}

static void timed_out(doozer_client *client) {
    doozer_event *event;
    doozer_call_opts quick = within(200);
    int64_t began = now_ms();
    FAILS_WITH(DOOZER_TIMEOUT, "wait /w", doozer_wait(client, "/w", 1, &quick, &event, &err));
    CHECK(now_ms() - began >= 195 && now_ms() - began < 20000);
    proxy_does("expect WAIT");
    proxy_does("expect CANCEL");
}

/* A lock that is waited for and given up leaves no file behind. */
static void lock_given_up(doozer_client *client) {
    doozer_held_lock *held;
    doozer_cancel *cancel = doozer_cancel_new();
    OK(doozer_lock(client, "/l", NULL, &held, &err));
    waiting call = {.client = client, .lock_path = "/l", .with = doozer_call_opts_init()};
    call.with.cancel = cancel;
    proxy_does("forget");
    begin(&call);
    proxy_does("expect SET");
    doozer_cancel_fire(cancel);
    joined(call.thread);
    CHECK(call.code == DOOZER_CANCELLED);
    proxy_does("expect CANCEL");
    OK(doozer_unlock(held, NULL, &err));
    CHECK(holds(client, "/l", NULL));
    doozer_lock_free(held);
    doozer_cancel_free(cancel);
}

static void watch_closed(doozer_client *client) {
    waiting call = {.client = client, .with = doozer_call_opts_init()};
    OK(doozer_watch_open(client, "/w", 1, &call.watch, &err));
    begin(&call);
    proxy_does("expect WATCH");
    doozer_watch_close(call.watch);
    joined(call.thread);
    CHECK(call.code == DOOZER_CLOSED);
    proxy_does("expect CANCEL");
    doozer_watch_free(call.watch);
    /* Freed without being closed it is taken back too. */
    doozer_event *event;
    doozer_call_opts quick = within(50);
    OK(doozer_watch_open(client, "/w", 1, &call.watch, &err));
    FAILS(DOOZER_TIMEOUT, doozer_watch_next(call.watch, &quick, &event, &err));
    proxy_does("expect WATCH");
    doozer_watch_free(call.watch);
    proxy_does("expect CANCEL");
}

/* Handles that are freed while another thread waits in a call with them: the call goes on, and ends as it would. */
static void freed_while_waited_for(const doozer_node *node) {
    doozer_client *writer = connected(doozer_node_address(node));
    waiting call = {.client = connected(relay.address), .with = doozer_call_opts_init(), .glob = "/freed"};
    begin(&call);
    proxy_does("expect WAIT");
    doozer_client_free(call.client);
    put(writer, "/freed", "x");
    joined(call.thread);
    CHECK(call.code == DOOZER_OK);

    doozer_client *client = connected(relay.address);
    int64_t rev;
    OK(doozer_rev(client, NULL, &rev, &err));
    OK(doozer_watch_open(client, "/freed", rev + 1, &call.watch, &err));
    begin(&call);
    proxy_does("expect WATCH");
    doozer_watch_free(call.watch);
    doozer_client_free(client);
    put(writer, "/freed", "y");
    joined(call.thread);
    CHECK(call.code == DOOZER_OK);
    doozer_client_free(writer);
}

static void client_closed(void) {
    waiting call = {.client = connected(relay.address), .with = doozer_call_opts_init()};
    begin(&call);
    proxy_does("expect WAIT");
    OK(doozer_close(call.client, NULL, &err));
    joined(call.thread);
    CHECK(call.code == DOOZER_CLOSED);
    doozer_client_free(call.client);
}

/* A member that is stopped and freed under its clients: none of their calls stays. */
static void member_gone(void) {
    doozer_node *node;
    OK(doozer_node_start(NULL, NULL, &node, &err));
    waiting call = {.with = within(500)};
    OK(doozer_node_client(node, NULL, &call.client, &err));
    begin(&call);
    doozer_node_free(node);
    joined(call.thread);
    CHECK(call.code == DOOZER_DISCONNECTED || call.code == DOOZER_TIMEOUT);
    doozer_client_free(call.client);
}

static void opening_cancelled(void) {
    doozer_client *client;
    doozer_connect_opts options = doozer_connect_opts_init();
    doozer_cancel *cancel = doozer_cancel_new();
    options.cancel = cancel;
    options.connect_timeout_ms = DOOZER_FOREVER;
    doozer_cancel_fire(cancel);
    FAILS_WITH(DOOZER_CANCELLED, "connect", doozer_connect(relay.address, &options, &client, &err));
    doozer_cancel_free(cancel);
}

int main(int count, char **arguments) {
    CHECK(count == 2);
    alarm(PATIENCE_S);
    doozer_node *node = member_behind(arguments[1]);
    doozer_client *client = connected(relay.address);
    cancelled_from_another_thread(client);
    token_freed(client);
    cancelled_by_a_signal(client);
    one_token_for_many(client);
    timed_out(client);
    lock_given_up(client);
    watch_closed(client);
    freed_while_waited_for(node);
    client_closed();
    member_gone();
    opening_cancelled();
    OK(doozer_nop(client, NULL, &err));
    finish(client, node);
    proxy_stop(&relay);
    doozer_shutdown(SOON_MS);
    return 0;
}
