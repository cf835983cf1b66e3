/* A member behind the proxy, which sees what it is sent. For tests of what is taken back. */
#ifndef RELAY_H
#define RELAY_H

#include "../conformance/proxy.h"
#include "test.h"

static proxy relay;

static inline void proxy_does(const char *command) {
    const char *why = proxy_tell(&relay, command);
    if (why != NULL) fprintf(stderr, "the proxy: %s: %s\n", command, why);
    CHECK(why == NULL);
}

/* A member before which `script` stands: connect to the relay's address. */
static inline doozer_node *member_behind(const char *script) {
    doozer_node *node = member();
    doozer_client *own;
    char path[64];
    CHECK(proxy_start(&relay, script, doozer_node_address(node)) == NULL);
    /* What clients learn of the member's address leads to the proxy too. */
    OK(doozer_node_client(node, NULL, &own, &err));
    snprintf(path, sizeof path, "/ctl/node/%s/addr", doozer_node_id(node));
    put(own, path, relay.address);
    doozer_client_free(own);
    return node;
}

#endif
