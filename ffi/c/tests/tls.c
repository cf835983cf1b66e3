/* TLS: a member's certificate, and a client's. The files in tls/ are for these tests alone, and no secret. */
#include "test.h"

static const char *folder;

static const char *file(const char *name) {
    static char paths[3][512];
    static int next;
    char *path = paths[next++ % 3];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

int main(int count, char **arguments) {
    CHECK(count == 2);
    folder = arguments[1];
    alarm(PATIENCE_S);
    const char *ca = file("ca.pem"), *cert = file("cert.pem"), *key = file("key.pem");
    doozer_node *node;
    doozer_client *client;
    doozer_node_opts options = doozer_node_opts_init();
    options.listen = "127.0.0.1:0";
    options.tls_cert = cert;
    options.tls_key = key;
    options.tls_ca = ca;
    OK(doozer_node_start(&options, NULL, &node, &err));
    const char *address = doozer_node_address(node);

    doozer_connect_opts with = doozer_connect_opts_init();
    with.tls_ca = ca;
    with.tls_cert = cert;
    with.tls_key = key;
    OK(doozer_connect(address, &with, &client, &err));
    put(client, "/a", "x");
    doozer_client_free(client);
    with.tls_server_name = "member.test";
    OK(doozer_connect(address, &with, &client, &err));
    CHECK(holds(client, "/a", "x"));

    doozer_client *refused;
    with.connect_timeout_ms = 500;
    with.tls_server_name = "somebody.else";
    FAILS_WITH(DOOZER_DISCONNECTED, "somebody.else", doozer_connect(address, &with, &refused, &err));
    with.tls_server_name = NULL;
    with.tls_cert = with.tls_key = NULL;
    FAILS(DOOZER_DISCONNECTED, doozer_connect(address, &with, &refused, &err));
    with.tls_ca = NULL;
    FAILS(DOOZER_DISCONNECTED, doozer_connect(address, &with, &refused, &err));
    with.tls_ca = key;
    FAILS_WITH(DOOZER_IO, key, doozer_connect(address, &with, &refused, &err));
    CHECK(refused == NULL);
    finish(client, node);
    doozer_shutdown(SOON_MS);
    return 0;
}
