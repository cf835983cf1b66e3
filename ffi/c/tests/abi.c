/* Programs and libraries of different ages: option structs of other sizes, and the versions. */
#include "test.h"

/* What a later version's options may look like. */
typedef struct {
    doozer_call_opts known;
    uint64_t beyond[4];
} newer_call_opts;

/* A program from before writes could be fenced: what stands behind its struct is neither read nor written. */
static void fences(doozer_client *client) {
    doozer_held_lock *lock;
    doozer_call_opts older = within(5000), ours;
    older.size = offsetof(doozer_call_opts, fence_path);
    older.fence_path = (const char *)1;
    older.fence_token = -1;
    OK(doozer_set(client, "/older", "x", 1, DOOZER_ANY, &older, NULL, &err));
    OK(doozer_nop(client, &older, &err));
    OK(doozer_lock(client, "/l", &older, &lock, &err));
    FAILS_WITH(DOOZER_ABI_MISMATCH, "doozer_call_opts", doozer_lock_fence(lock, &older, &err));
    older.size += sizeof older.fence_path;
    FAILS_WITH(DOOZER_ABI_MISMATCH, "doozer_call_opts", doozer_lock_fence(lock, &older, &err));
    CHECK(older.fence_path == (const char *)1 && older.fence_token == -1);
    FAILS_WITH(DOOZER_RANGE, "begin with", doozer_lock_fence(lock, &(doozer_call_opts){0}, &err));
    newer_call_opts newer;
    memset(&newer, 0, sizeof newer);
    newer.known.size = sizeof newer;
    OK(doozer_lock_fence(lock, &newer.known, &err));
    OK(doozer_set(client, "/older", "y", 1, DOOZER_ANY, &newer.known, NULL, &err));
    ours = doozer_call_opts_init();
    OK(doozer_lock_fence(lock, &ours, &err));
    OK(doozer_unlock(lock, NULL, &err));
    FAILS(DOOZER_LOCK_LOST, doozer_set(client, "/older", "z", 1, DOOZER_ANY, &newer.known, NULL, &err));
    FAILS(DOOZER_LOCK_LOST, doozer_set(client, "/older", "z", 1, DOOZER_ANY, &ours, NULL, &err));
    doozer_lock_free(lock);
}

/* A program from before a session had options. */
static void older_connect(const doozer_node *node) {
    doozer_client *client;
    doozer_connect_opts older = doozer_connect_opts_init();
    older.size = offsetof(doozer_connect_opts, session_ttl_ms);
    older.session_ttl_ms = 1;
    older.session_label = (const char *)1;
    OK(doozer_connect(doozer_node_address(node), &older, &client, &err));
    OK(doozer_nop(client, NULL, &err));
    doozer_client_free(client);
    older.size = offsetof(doozer_connect_opts, session_label);
    FAILS(DOOZER_BAD_TTL, doozer_connect(doozer_node_address(node), &older, &client, &err));
}

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

    fences(client);

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
    older_connect(node);
    versions();
    finish(client, node);
    doozer_shutdown(SOON_MS);
    return 0;
}
