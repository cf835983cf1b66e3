/* What a scenario has opened: member, proxy, clients, streams, what was kept, and calls under way. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

void keep(named *all, const char *name, void *value) {
    for (size_t i = 0; i < NAMED_MAX; i++) {
        if (all[i].name == NULL || strcmp(all[i].name, name) == 0) {
            all[i] = (named){name, value};
            return;
        }
    }
    fail("so many names are not provided for: %s", name);
}

static named *place(const named *all, const char *name, const char *what) {
    for (size_t i = 0; name != NULL && i < NAMED_MAX && all[i].name != NULL; i++) {
        if (strcmp(all[i].name, name) == 0 && all[i].value != NULL) return (named *)&all[i];
    }
    fail("no %s is called `%s`", what, name == NULL ? "" : name);
}

void *kept(const named *all, const char *name, const char *what) { return place(all, name, what)->value; }

void *taken(named *all, const char *name, const char *what) {
    named *found = place(all, name, what);
    void *value = found->value;
    found->value = NULL;
    return value;
}

int64_t resolve(const world *in, const pair *rev) {
    return rev->type == NUMBER ? rev->number : resolve_word(in, rev->text);
}

int64_t resolve_word(const world *in, const char *word) {
    if (*word == '-' || isdigit((unsigned char)*word)) return strtoll(word, NULL, 10);
    size_t len = strcspn(word, "+-");
    const int64_t *saved = kept(in->saved, format("%.*s", (int)len, word), "saved revision");
    return *saved + strtoll(word + len, NULL, 10);
}

void start_member(world *in) {
    doozer_error *err;
    const table *head = &in->told->head;
    doozer_node_opts options = doozer_node_opts_init();
    if (in->node != NULL) fail("the member runs already");
    options.listen = flag_of(head, "listen", true) ? "127.0.0.1:0" : NULL;
    options.data_dir = in->data;
    options.history = (uint64_t)number_of(head, "history", 0);
    options.secret = text_of(head, "secret");
    options.read_secret = text_of(head, "read_secret");
    if (doozer_node_start(&options, NULL, &in->node, &err) != DOOZER_OK) {
        fail("the member does not start: %s", doozer_error_message(err));
    }
}

doozer_client *open_client(world *in, const char *uri, const char *via, const char *secret,
                           const doozer_connect_opts *options, doozer_error **err) {
    doozer_client *client;
    via = via != NULL ? via : in->via;
    if (uri == NULL && strcmp(via, "embedded") == 0) {
        doozer_node_client(in->node, options, &client, err);
        return client;
    }
    if (uri == NULL) {
        const char *address = strcmp(via, "proxy") == 0 ? in->proxy.address : doozer_node_address(in->node);
        if (address == NULL) fail("the member listens nowhere");
        uri = format("doozer:?ca=%s%s%s", address, secret != NULL ? "&sk=" : "", secret != NULL ? secret : "");
    }
    doozer_connect(uri, options, &client, err);
    return client;
}

static void put_proxy_before(world *in) {
    doozer_error *err;
    const char *why = proxy_start(&in->proxy, in->script, doozer_node_address(in->node));
    if (why != NULL) fail("the proxy: %s", why);
    /* What clients learn of the member's address leads to the proxy too. */
    const char *path = format("/ctl/node/%s/addr", doozer_node_id(in->node)), *address = in->proxy.address;
    doozer_client *client = open_client(in, NULL, "embedded", NULL, NULL, &err);
    if (client == NULL ||
        doozer_set(client, path, address, strlen(address), DOOZER_ANY, NULL, NULL, &err) != DOOZER_OK ||
        doozer_close(client, NULL, &err) != DOOZER_OK) {
        fail("putting the proxy before the member: %s", doozer_error_message(err));
    }
    doozer_client_free(client);
}

void open_world(world *made, const scenario *told, const char *via, const char *data, const char *script) {
    doozer_error *err;
    *made = (world){.told = told, .via = via, .data = data, .script = script};
    start_member(made);
    if (strcmp(via, "proxy") == 0) put_proxy_before(made);
    if (strcmp(via, "none") == 0) return;
    doozer_client *client = open_client(made, NULL, NULL, NULL, NULL, &err);
    if (client == NULL) fail("opening `c`: %s", doozer_error_message(err));
    keep(made->clients, "c", client);
}

void close_world(world *done) {
    doozer_error *err;
    for (size_t i = 0; i < NAMED_MAX; i++) {
        request *call = done->calls[i].value;
        if (call != NULL) doozer_cancel_fire(call->with.cancel);
        if (call != NULL) pthread_join(call->thread, NULL);
    }
    for (size_t i = 0; i < NAMED_MAX; i++) {
        stream *open = done->streams[i].value;
        if (open != NULL) doozer_watch_free(open->watch);
        if (open != NULL) doozer_config_free(open->config);
        if (done->things[i].value != NULL) let_go(done->things[i].value);
    }
    for (size_t i = 0; i < NAMED_MAX; i++) {
        doozer_client *client = done->clients[i].value;
        if (client != NULL && doozer_close(client, NULL, &err) != DOOZER_OK) {
            fail("closing a client at the end: %s", doozer_error_message(err));
        }
        doozer_client_free(client);
    }
    if (done->proxy.process != 0) proxy_stop(&done->proxy);
    if (done->node != NULL && doozer_node_stop(done->node, NULL, &err) != DOOZER_OK) {
        fail("stopping the member at the end: %s", doozer_error_message(err));
    }
    doozer_node_free(done->node);
    doozer_shutdown(LIMIT_MS);
}
