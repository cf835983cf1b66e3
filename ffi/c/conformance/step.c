/* One step: its arguments, its call, and its outcome held against what it expects. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runner.h"

/* The steps that are a call of a client, a stream or the member; beside them there are the recipes. */
static const char *const CALLS[] = {"set",  "add",  "del",    "get", "rev",      "stat", "getdir",    "walk",     "list", "wait",
                                    "next", "self", "access", "nop", "rollback", "txn",  "get_local", "revision", NULL};
static const char *const STREAMS[] = {"watch", "follow", "config", "observe", NULL};

static void *copy(const void *from, size_t size) {
    void *made = malloc(size);
    if (made == NULL) abort();
    return memcpy(made, from, size);
}

static bool is_among(const char *const known[], const char *op) {
    while (*known != NULL && strcmp(*known, op) != 0) known++;
    return *known != NULL;
}

static thing *thing_of(const world *in, const char *kind, const char *name) {
    return kept(in->things, format("%s %s", kind, name), "thing that was kept");
}

/* What a call is made on. */
static thing *made_on(const world *in, const table *step) {
    static const char *const KINDS[] = {"lock", "leader", "registration", "live", "entered", NULL};
    for (const char *const *kind = KINDS; *kind != NULL; kind++) {
        if (text_of(step, *kind) != NULL) return thing_of(in, *kind, text_of(step, *kind));
    }
    fail("it names nothing that was kept");
}

/* The lock, or the leader, that writes depend on. */
static thing *fence_of(const world *in, const char *name) {
    const char *as_lock = format("lock %s", name);
    for (size_t i = 0; i < NAMED_MAX && in->things[i].name != NULL; i++) {
        if (strcmp(in->things[i].name, as_lock) == 0) return in->things[i].value;
    }
    return thing_of(in, "leader", name);
}

static request prepare(const world *in, const table *step, const char *op) {
    request call = {.op = op, .with = doozer_call_opts_init(), .list = doozer_list_opts_init()};
    const char *name = text_of(step, "client");
    call.path = text_of(step, "path") != NULL ? text_of(step, "path") : text_of(step, "glob");
    call.with.timeout_ms = number_of(step, "timeout_ms", LIMIT_MS);
    call.is_limited = find(step, "timeout_ms") != NULL;
    if (strcmp(op, "next") == 0) {
        call.from = kept(in->streams, text_of(step, "stream"), "stream");
        call.path = call.from->path;
    } else if (is_on_thing(op)) {
        call.on = made_on(in, step);
        call.path = call.on->path;
    } else if (strcmp(op, "get_local") == 0 || strcmp(op, "revision") == 0) {
        call.node = in->node;
        if (call.node == NULL) fail("the member is stopped");
    } else if (strcmp(op, "connect") != 0) {
        call.client = kept(in->clients, name != NULL ? name : "c", "client");
    }
    value_of(step, "value", "value_hex", "value_size", &call.value);
    const pair *rev = find(step, "rev");
    call.rev = rev != NULL ? resolve(in, rev) : DOOZER_NOW;
    call.list.limit = (uint64_t)number_of(step, "limit", 0);
    call.list.keys_only = flag_of(step, "keys_only", false);
    call.secret = text_of(step, "secret");
    if (kind_given(op) != NULL) call.kept_as = text_of(step, kind_given(op));
    call.n = (size_t)number_of(step, "n", 0);
    if (text_of(step, "fence") != NULL) call.fence = fence_of(in, text_of(step, "fence"));
    if (text_of(step, "txn") != NULL) call.txn = read_txn(in, text_of(step, "txn"), &call.changes);
    return call;
}

/* Holds an outcome against the step, and keeps what came of it. */
static void settle(world *in, const table *step, const request *call) {
    check(in, step, call);
    if (call->fault != NULL) return;
    const char *kind = kind_given(call->op);
    if (kind != NULL && call->kept.path != NULL) {
        keep(in->things, format("%s %s", kind, call->kept_as), copy(&call->kept, sizeof call->kept));
    }
    const char *name = text_of(step, "save");
    if (name == NULL) return;
    if (!call->given.has_rev) fail("it gives no revision to save");
    keep(in->saved, name, copy(&call->given.rev, sizeof call->given.rev));
}

static void *in_background(void *call) {
    make(call);
    return NULL;
}

static void begin(world *in, const table *step, const request *prepared) {
    request *call = copy(prepared, sizeof *prepared);
    call->with.cancel = doozer_cancel_new();
    if (pthread_create(&call->thread, NULL, in_background, call) != 0) fail("no thread can be made");
    keep(in->calls, text_of(step, "background"), call);
}

static request *joined(world *in, const table *step, int64_t limit_ms) {
    request *call = taken(in->calls, text_of(step, "call"), "call");
    if (strcmp(text_of(step, "do"), "cancel") == 0) {
        doozer_cancel_fire(call->with.cancel);
    } else {
        limit_ms += call->with.timeout_ms;
    }
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += limit_ms / 1000;
    if (pthread_timedjoin_np(call->thread, NULL, &end) != 0) fail("it did not end within %lld ms", (long long)limit_ms);
    return call;
}

static void open_stream(world *in, const table *step, const request *call) {
    stream *made = calloc(1, sizeof *made);
    if (made == NULL) abort();
    made->op = call->op;
    made->path = call->path;
    if (strcmp(call->op, "watch") == 0) {
        doozer_watch_open(call->client, call->path, call->rev, &made->watch, &made->fault);
    } else if (strcmp(call->op, "follow") == 0) {
        doozer_follow_open(call->client, call->path, call->rev, &made->watch, &made->fault);
    } else if (strcmp(call->op, "observe") == 0) {
        doozer_observe_open(call->client, call->path, &made->config, &made->fault);
    } else {
        doozer_config_open(call->client, call->path, &made->config, &made->fault);
    }
    keep(in->streams, text_of(step, "stream"), made);
}

static void connect_client(world *in, const table *step, request *call) {
    doozer_connect_opts options = doozer_connect_opts_init();
    options.connect_timeout_ms = call->with.timeout_ms;
    options.session_ttl_ms = number_of(step, "session_ttl_ms", 0);
    options.session_label = text_of(step, "session_label");
    doozer_client *made =
        open_client(in, text_of(step, "uri"), text_of(step, "via"), call->secret, &options, &call->fault);
    if (made != NULL) keep(in->clients, text_of(step, "client"), made);
}

static void close_stream(world *in, const table *step) {
    stream *open = taken(in->streams, text_of(step, "stream"), "stream");
    doozer_watch_close(open->watch);
    doozer_config_close(open->config);
    doozer_watch_free(open->watch);
    doozer_config_free(open->config);
}

static void once(world *in, const table *step) {
    const char *op = text_of(step, "do");
    doozer_error *err;
    if (strcmp(op, "proxy") == 0) {
        if (in->proxy.process == 0) fail("there is no proxy");
        const char *why = proxy_tell(&in->proxy, text_of(step, "command"));
        if (why != NULL) fail("the proxy: %s", why);
    } else if (strcmp(op, "start") == 0) {
        start_member(in);
    } else if (strcmp(op, "stop") == 0) {
        if (doozer_node_stop(in->node, NULL, &err) != DOOZER_OK) fail("%s", doozer_error_message(err));
        doozer_node_free(in->node);
        in->node = NULL;
    } else if (strcmp(op, "close_stream") == 0) {
        close_stream(in, step);
    } else if (strcmp(op, "await") == 0) {
        settle(in, step, joined(in, step, HUNG_MS));
    } else if (strcmp(op, "cancel") == 0) {
        const request *call = joined(in, step, LATE_MS);
        if (doozer_error_code(call->fault) != DOOZER_CANCELLED) {
            fail("it did not end as cancelled, but with: %s", doozer_error_message(call->fault));
        }
    } else {
        request call = prepare(in, step, op);
        if (strcmp(op, "close") == 0) {
            if (doozer_close(call.client, NULL, &err) != DOOZER_OK) fail("%s", doozer_error_message(err));
        } else if (is_among(STREAMS, op)) {
            open_stream(in, step, &call);
        } else if (strcmp(op, "connect") == 0) {
            connect_client(in, step, &call);
            settle(in, step, &call);
        } else if (!is_among(CALLS, op) && !is_recipe(op)) {
            fail("no step does `%s`", op);
        } else if (text_of(step, "background") != NULL) {
            begin(in, step, &call);
        } else {
            make(&call);
            settle(in, step, &call);
        }
    }
}

void carry_out(world *in, const table *step) {
    if (find(step, "repeat") == NULL) {
        once(in, step);
        return;
    }
    for (int64_t i = 1; i <= number_of(step, "repeat", 0); i++) {
        table round = in_round(step, i);
        once(in, &round);
    }
}
