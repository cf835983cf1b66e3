/* Programs and libraries of different ages: option structs of other sizes, and the versions. */
#include "test.h"

/* What a later version's options may look like. */
typedef struct {
    doozer_call_opts known;
    uint64_t beyond[4];
} newer_call_opts;

static void sizes(doozer_client *client) {
    newer_call_opts newer;
    memset(&newer, 0, sizeof newer);
    newer.known.size = sizeof newer;
    newer.known.timeout_ms = 5000;
    OK(doozer_nop(client, &newer.known, &err));
    newer.beyond[3] = 1;
    FAILS_WITH(DOOZER_ABI_MISMATCH, "doozer_call_opts", doozer_nop(client, &newer.known, &err));
    /* An older program's, which has its size and a time limit. What stands behind is not looked at. */
    doozer_call_opts older = within(-7);
    older.size = sizeof(size_t);
    older.consistency = 99;
    OK(doozer_nop(client, &older, &err));
    older.size = offsetof(doozer_call_opts, cancel);
    FAILS_WITH(DOOZER_RANGE, "`timeout_ms`", doozer_nop(client, &older, &err));
    older.timeout_ms = 5000;
    OK(doozer_nop(client, &older, &err));
    for (size_t wrong = 0; wrong < sizeof(size_t); wrong++) {
        older.size = wrong;
        FAILS_WITH(DOOZER_RANGE, "begin with doozer_call_opts_init()", doozer_nop(client, &older, &err));
    }
    older.size = SIZE_MAX;
    FAILS_WITH(DOOZER_RANGE, "begin with doozer_call_opts_init()", doozer_nop(client, &older, &err));

    doozer_client *opened = NULL;
    doozer_node *node = NULL;
    doozer_list *list = NULL;
    FAILS(DOOZER_RANGE, doozer_connect("127.0.0.1:1", &(doozer_connect_opts){0}, &opened, &err));
    FAILS(DOOZER_RANGE, doozer_node_start(&(doozer_node_opts){0}, NULL, &node, &err));
    FAILS(DOOZER_RANGE, doozer_list_open(client, "/a", DOOZER_NOW, &(doozer_list_opts){0}, NULL, &list, &err));
    CHECK(opened == NULL && node == NULL && list == NULL);
}

static void versions(void) {
    char both[64];
    OK(doozer_check_abi(&err));
    OK(doozer_check_abi_version(DOOZER_ABI_VERSION, &err));
    CHECK(doozer_abi_version() == DOOZER_ABI_VERSION && same(doozer_version(), DOOZER_VERSION));
    snprintf(both, sizeof both, "version %u of", DOOZER_ABI_VERSION + 1);
    FAILS_WITH(DOOZER_ABI_MISMATCH, both, doozer_check_abi_version(DOOZER_ABI_VERSION + 1, &err));
    snprintf(both, sizeof both, "has version %u", DOOZER_ABI_VERSION);
    FAILS_WITH(DOOZER_ABI_MISMATCH, both, doozer_check_abi_version(0, &err));
    CHECK(doozer_check_abi_version(0, NULL) == DOOZER_ABI_MISMATCH);
}

int main(void) {
    alarm(PATIENCE_S);
    doozer_node *node = member();
    doozer_client *client = connected(doozer_node_address(node));
    sizes(client);
    versions();
    finish(client, node);
    doozer_shutdown(SOON_MS);
    return 0;
}
