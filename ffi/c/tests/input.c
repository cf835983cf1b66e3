/* Bad input: a code and a message, never a crash, never a hang. */
#include <arpa/inet.h>
#include <sys/socket.h>

#include "test.h"

static const int64_t HUGE_REV = INT64_MAX;

#define MISSES(argument, function_call) FAILS_WITH(DOOZER_MISSING_ARG, "`" argument "` is NULL", function_call)

static void recipe_nulls(doozer_client *client) {
    doozer_held_lock *lock;
    doozer_leader *leader;
    doozer_registration *registration;
    doozer_live *live;
    doozer_entered *entered;
    doozer_entries *entries;
    doozer_watch *watch;
    doozer_config *config;
    doozer_call_opts options = doozer_call_opts_init();
    const doozer_call_opts *call = NULL;
    MISSES("lock", doozer_try_lock(client, "/l", call, NULL, &err));
    MISSES("client", doozer_try_lock(NULL, "/l", call, &lock, &err));
    MISSES("path", doozer_read_lock(client, NULL, call, &lock, &err));
    MISSES("lock", doozer_write_lock(client, "/l", call, NULL, &err));
    MISSES("path", doozer_semaphore(client, NULL, 1, call, &lock, &err));
    MISSES("lock", doozer_lock_lost(NULL, call, &err));
    MISSES("lock", doozer_lock_fence(NULL, &options, &err));
    MISSES("leader", doozer_elect(client, "/l", "x", 1, call, NULL, &err));
    MISSES("path", doozer_elect(client, NULL, "x", 1, call, &leader, &err));
    MISSES("value", doozer_elect(client, "/l", NULL, 1, call, &leader, &err));
    MISSES("leader", doozer_proclaim(NULL, "x", 1, call, NULL, &err));
    MISSES("leader", doozer_resign(NULL, call, &err));
    MISSES("leader", doozer_leader_lost(NULL, call, &err));
    MISSES("leader", doozer_leader_fence(NULL, &options, &err));
    MISSES("registration", doozer_register(client, "/l", "x", 1, call, NULL, &err));
    MISSES("value", doozer_register(client, "/l", NULL, 1, call, &registration, &err));
    MISSES("registration", doozer_deregister(NULL, call, &err));
    MISSES("live", doozer_discover(client, "/**", call, NULL, &err));
    MISSES("glob", doozer_discover(client, NULL, call, &live, &err));
    MISSES("live", doozer_live_files(NULL, &entries, &err));
    MISSES("live", doozer_live_changed(NULL, call, &entries, &err));
    MISSES("entered", doozer_barrier_enter(client, "/l", 1, call, NULL, &err));
    MISSES("client", doozer_barrier_enter(NULL, "/l", 1, call, &entered, &err));
    MISSES("entered", doozer_barrier_leave(NULL, call, &err));
    MISSES("entered", doozer_barrier_lost(NULL, call, &err));
    MISSES("watch", doozer_follow_open(client, "/**", DOOZER_NOW, NULL, &err));
    MISSES("glob", doozer_follow_open(client, NULL, DOOZER_NOW, &watch, &err));
    MISSES("config", doozer_observe_open(client, "/l", NULL, &err));
    MISSES("path", doozer_observe_open(client, NULL, &config, &err));
    MISSES("path", doozer_rollback(client, NULL, 1, call, NULL, &err));
    MISSES("txn", doozer_txn_if_absent(NULL, "/l", &err));
    MISSES("txn", doozer_txn_commit(client, NULL, call, NULL, 0, &err));
    OK(doozer_discover(client, "/none", call, &live, &err));
    MISSES("entries", doozer_live_files(live, NULL, &err));
    MISSES("entries", doozer_live_changed(live, call, NULL, &err));
    doozer_live_free(live);
    OK(doozer_lock(client, "/given", call, &lock, &err));
    MISSES("call", doozer_lock_fence(lock, NULL, &err));
    doozer_lock_free(lock);
}

/* A part that cannot be added refuses the whole transaction, whether or not anybody looks when it is added. */
static void transactions(doozer_client *client) {
    doozer_txn *txn = doozer_txn_new();
    MISSES("path", doozer_txn_if_rev(txn, NULL, 0, &err));
    OK(doozer_txn_set(txn, "/unguarded", "x", 1, DOOZER_ANY, &err));
    MISSES("path", doozer_txn_commit(client, txn, NULL, NULL, 0, &err));
    doozer_txn_free(txn);
    txn = doozer_txn_new();
    MISSES("value", doozer_txn_set(txn, "/unguarded", NULL, 1, DOOZER_ANY, &err));
    FAILS_WITH(DOOZER_TOO_LARGE, "`value`", doozer_txn_if_value(txn, "/unguarded", "x", SIZE_MAX, &err));
    FAILS_WITH(DOOZER_BAD_PATH, "`path` is not UTF-8", doozer_txn_del(txn, "/\xff", 0, &err));
    MISSES("value", doozer_txn_commit(client, txn, NULL, NULL, 0, &err));
    doozer_txn_free(txn);
    txn = doozer_txn_new();
    MISSES("client", doozer_txn_commit(NULL, txn, NULL, NULL, 0, &err));
    doozer_txn_free(txn);
    CHECK(holds(client, "/unguarded", NULL));
    int64_t revs[129];
    txn = doozer_txn_new();
    for (int i = 0; i < 129; i++) OK(doozer_txn_del(txn, "/none", DOOZER_ANY, &err));
    FAILS_WITH(DOOZER_TOO_LARGE, "limit 128", doozer_txn_commit(client, txn, NULL, revs, 129, &err));
    doozer_txn_free(txn);
    txn = doozer_txn_new();
    OK(doozer_txn_if_fence(txn, "no path", INT64_MIN, &err));
    FAILS_WITH(DOOZER_BAD_PATH, "compare 1", doozer_txn_commit(client, txn, NULL, NULL, 0, &err));
    doozer_txn_free(txn);
}

/* A fence where it would be passed over, or that is none. */
static void fences(doozer_client *client) {
    doozer_file *file;
    doozer_held_lock *lock;
    doozer_live *live;
    doozer_txn *txn = doozer_txn_new();
    doozer_call_opts call = doozer_call_opts_init();
    call.fence_path = "/l";
    call.fence_token = 1;
#define REFUSES(function_call) FAILS_WITH(DOOZER_RANGE, "`fence_path` is for doozer_set and doozer_del", function_call)
    REFUSES(doozer_add(client, "/fenced", "x", 1, &call, NULL, &err));
    REFUSES(doozer_get(client, "/fenced", DOOZER_NOW, &call, &file, &err));
    REFUSES(doozer_lock(client, "/fenced", &call, &lock, &err));
    REFUSES(doozer_discover(client, "/fenced", &call, &live, &err));
    REFUSES(doozer_rollback(client, "/fenced", 1, &call, NULL, &err));
    REFUSES(doozer_txn_commit(client, txn, &call, NULL, 0, &err));
    REFUSES(doozer_close(client, &call, &err));
    CHECK(!doozer_is_closed(client) && holds(client, "/fenced", NULL));
    FAILS_WITH(DOOZER_LOCK_LOST, "/l is not held with the token 1", doozer_set(client, "/fenced", "x", 1, 0, &call, NULL, &err));
    call.fence_token = 0;
    FAILS_WITH(DOOZER_RANGE, "`fence_token` is no fencing token: 0", doozer_set(client, "/fenced", "x", 1, 0, &call, NULL, &err));
    call.fence_token = -1;
    FAILS_WITH(DOOZER_RANGE, "`fence_token` is no fencing token: -1", doozer_del(client, "/fenced", 0, &call, NULL, &err));
    call.fence_path = NULL;
    FAILS_WITH(DOOZER_MISSING_ARG, "`fence_path` is NULL", doozer_set(client, "/fenced", "x", 1, 0, &call, NULL, &err));
    call.fence_path = "/\xff";
    FAILS_WITH(DOOZER_BAD_PATH, "`fence_path` is not UTF-8", doozer_set(client, "/fenced", "x", 1, 0, &call, NULL, &err));
    call.fence_path = "l";
    call.fence_token = 1;
    FAILS(DOOZER_BAD_PATH, doozer_set(client, "/fenced", "x", 1, 0, &call, NULL, &err));
    doozer_txn_free(txn);
}

/* NULL wherever none is allowed; what it is in place of is named. */
static void nulls(doozer_client *client, doozer_node *node) {
    doozer_client *opened;
    doozer_file *file;
    doozer_event *event;
    doozer_entry *entry;
    doozer_held_lock *lock;
    doozer_watch *watch;
    const doozer_call_opts *call = NULL;
    MISSES("client", doozer_connect("127.0.0.1:1", NULL, NULL, &err));
    MISSES("client", doozer_node_client(node, NULL, NULL, &err));
    MISSES("node", doozer_node_client(NULL, NULL, &opened, &err));
    MISSES("node", doozer_node_start(NULL, NULL, NULL, &err));
    MISSES("node", doozer_node_stop(NULL, NULL, &err));
    MISSES("node", doozer_node_revision(NULL, NULL, &err));
    MISSES("node", doozer_node_get_local(NULL, "/a", DOOZER_NOW, &file, &err));
    MISSES("path", doozer_node_get_local(node, NULL, DOOZER_NOW, &file, &err));
    MISSES("file", doozer_node_get_local(node, "/a", DOOZER_NOW, NULL, &err));
    MISSES("client", doozer_set(NULL, "/a", "x", 1, 0, call, NULL, &err));
    MISSES("path", doozer_set(client, NULL, "x", 1, 0, call, NULL, &err));
    MISSES("value", doozer_set(client, "/a", NULL, 1, 0, call, NULL, &err));
    MISSES("path", doozer_add(client, NULL, "x", 1, call, NULL, &err));
    MISSES("value", doozer_add(client, "/a", NULL, 1, call, NULL, &err));
    MISSES("client", doozer_del(NULL, "/a", 0, call, NULL, &err));
    MISSES("path", doozer_del(client, NULL, 0, call, NULL, &err));
    MISSES("client", doozer_get(NULL, "/a", DOOZER_NOW, call, &file, &err));
    MISSES("path", doozer_get(client, NULL, DOOZER_NOW, call, &file, &err));
    MISSES("file", doozer_get(client, "/a", DOOZER_NOW, call, NULL, &err));
    MISSES("client", doozer_rev(NULL, call, NULL, &err));
    MISSES("path", doozer_stat(client, NULL, DOOZER_NOW, call, NULL, NULL, &err));
    MISSES("names", doozer_getdir(client, "/", DOOZER_NOW, call, NULL, &err));
    MISSES("entries", doozer_walk(client, "/**", DOOZER_NOW, call, NULL, &err));
    MISSES("glob", doozer_wait(client, NULL, 1, call, &event, &err));
    MISSES("event", doozer_wait(client, "/a", 1, call, NULL, &err));
    MISSES("client", doozer_nop(NULL, call, &err));
    MISSES("id", doozer_self(client, call, NULL, &err));
    MISSES("secret", doozer_access(client, NULL, 1, call, &err));
    MISSES("client", doozer_close(NULL, call, &err));
    MISSES("glob", doozer_watch_open(client, NULL, 1, &watch, &err));
    MISSES("client", doozer_watch_open(NULL, "/a", 1, &watch, &err));
    MISSES("watch", doozer_watch_open(client, "/a", 1, NULL, &err));
    MISSES("watch", doozer_watch_next(NULL, call, &event, &err));
    MISSES("config", doozer_config_open(client, "/a", NULL, &err));
    MISSES("config", doozer_config_next(NULL, call, &file, &err));
    MISSES("list", doozer_list_open(client, "/a", DOOZER_NOW, NULL, call, NULL, &err));
    MISSES("list", doozer_list_next(NULL, call, &entry, &err));
    MISSES("lock", doozer_lock(client, "/l", call, NULL, &err));
    MISSES("path", doozer_lock(client, NULL, call, &lock, &err));
    MISSES("lock", doozer_unlock(NULL, call, &err));
    recipe_nulls(client);
    /* Without a place for the error it is the same. */
    CHECK(doozer_get(NULL, NULL, DOOZER_NOW, NULL, NULL, NULL) == DOOZER_MISSING_ARG);
    /* The lock that had no place was not taken. */
    CHECK(holds(client, "/l", NULL));
}

/* What reads or frees NULL. */
static void nothing(void) {
    doozer_error_free(NULL);
    doozer_file_free(NULL);
    doozer_event_free(NULL);
    doozer_entry_free(NULL);
    doozer_entries_free(NULL);
    doozer_names_free(NULL);
    doozer_string_free(NULL);
    doozer_client_free(NULL);
    doozer_node_free(NULL);
    doozer_lock_free(NULL);
    doozer_leader_free(NULL);
    doozer_registration_free(NULL);
    doozer_live_close(NULL);
    doozer_live_free(NULL);
    doozer_entered_free(NULL);
    doozer_txn_free(NULL);
    CHECK(doozer_lock_valid_for_ms(NULL) == 0 && doozer_error_part(NULL, NULL) == DOOZER_PART_NONE);
    CHECK(doozer_leader_path(NULL) == NULL && doozer_leader_token(NULL) == 0 && !doozer_leader_is_leading(NULL));
    CHECK(doozer_registration_path(NULL) == NULL && doozer_registration_rev(NULL) == 0);
    doozer_cancel_free(NULL);
    doozer_watch_close(NULL);
    doozer_watch_free(NULL);
    doozer_config_close(NULL);
    doozer_config_free(NULL);
    doozer_list_close(NULL);
    doozer_list_free(NULL);
    doozer_cancel_fire(NULL);
    doozer_cancel_fire_from_signal(NULL);
    CHECK(!doozer_cancel_is_fired(NULL) && doozer_is_closed(NULL) && !doozer_lock_is_held(NULL));
    CHECK(doozer_error_code(NULL) == DOOZER_OK && same(doozer_error_kind(NULL), "OK"));
    CHECK(same(doozer_error_op(NULL), "") && doozer_error_path(NULL) == NULL && same(doozer_error_detail(NULL), ""));
    CHECK(same(doozer_error_message(NULL), "") && doozer_error_retry(NULL) == DOOZER_RETRY_NEVER);
    CHECK(!doozer_error_is_retryable(NULL));
    CHECK(doozer_file_is_missing(NULL) && doozer_file_value(NULL) == NULL && doozer_file_len(NULL) == 0);
    CHECK(doozer_event_path(NULL) == NULL && doozer_event_value(NULL) == NULL && doozer_event_rev(NULL) == 0);
    CHECK(!doozer_event_is_set(NULL) && !doozer_event_is_del(NULL) && doozer_event_len(NULL) == 0);
    CHECK(doozer_entry_path(NULL) == NULL && doozer_entry_value(NULL) == NULL && doozer_entry_len(NULL) == 0);
    CHECK(doozer_entry_rev(NULL) == 0 && doozer_file_rev(NULL) == 0 && doozer_lock_rev(NULL) == 0);
    CHECK(doozer_entries_count(NULL) == 0 && doozer_entries_at(NULL, 0) == NULL);
    CHECK(doozer_names_count(NULL) == 0 && doozer_names_at(NULL, 0) == NULL && doozer_lock_path(NULL) == NULL);
    CHECK(doozer_node_id(NULL) == NULL && doozer_node_address(NULL) == NULL && doozer_node_cluster_name(NULL) == NULL);
    CHECK(same(doozer_code_name(DOOZER_NOENT), "NOENT") && same(doozer_code_name(0), "OK"));
    CHECK(same(doozer_code_name(9999), "OTHER") && same(doozer_code_name(INT32_MIN), "OTHER"));
}

static void texts(doozer_client *client, doozer_node *node) {
    doozer_file *file;
    doozer_event *event;
    doozer_client *opened;
    FAILS_WITH(DOOZER_BAD_PATH, "`path` is not UTF-8", doozer_set(client, "/\xff", "x", 1, 0, NULL, NULL, &err));
    FAILS_WITH(DOOZER_BAD_PATH, "`path` is not UTF-8", doozer_node_get_local(node, "/\xc3", DOOZER_NOW, &file, &err));
    FAILS_WITH(DOOZER_BAD_GLOB, "`glob` is not UTF-8", doozer_wait(client, "/\xff", 1, NULL, &event, &err));
    FAILS_WITH(DOOZER_BAD_URI, "`uri` is not UTF-8", doozer_connect("\xff", NULL, &opened, &err));
    FAILS(DOOZER_BAD_URI, doozer_connect("", NULL, &opened, &err));
    FAILS(DOOZER_BAD_PATH, doozer_set(client, "", "x", 1, 0, NULL, NULL, &err));
    FAILS(DOOZER_BAD_PATH, doozer_node_get_local(node, "a", DOOZER_NOW, &file, &err));
    FAILS(DOOZER_ISDIR, doozer_node_get_local(node, "/ctl", DOOZER_NOW, &file, &err));
    char *longest = malloc(1 << 20);
    CHECK(longest != NULL);
    memset(longest, 'a', (1 << 20) - 1);
    longest[0] = '/';
    longest[(1 << 20) - 1] = '\0';
    FAILS(DOOZER_BAD_PATH, doozer_set(client, longest, "x", 1, 0, NULL, NULL, &err));
    free(longest);
    doozer_connect_opts options = doozer_connect_opts_init();
    options.name = "\xff";
    FAILS_WITH(DOOZER_OTHER, "`name` is not UTF-8", doozer_connect("127.0.0.1:1", &options, &opened, &err));
    options.name = NULL;
    options.session_label = "\xff";
    FAILS_WITH(DOOZER_OTHER, "`session_label` is not UTF-8", doozer_connect("127.0.0.1:1", &options, &opened, &err));
    options.session_label = NULL;
    options.tls_cert = "cert.pem";
    FAILS_WITH(DOOZER_MISSING_ARG, "tls_ca", doozer_connect("127.0.0.1:1", &options, &opened, &err));
    options.tls_ca = "/no/such/file.pem";
    FAILS_WITH(DOOZER_IO, "/no/such/file.pem", doozer_connect("127.0.0.1:1", &options, &opened, &err));
    doozer_node_opts told = doozer_node_opts_init();
    doozer_node *started_node;
    told.tls_cert = "cert.pem";
    FAILS_WITH(DOOZER_MISSING_ARG, "tls_key", doozer_node_start(&told, NULL, &started_node, &err));
    told.tls_cert = NULL;
    told.listen = "nowhere";
    FAILS(DOOZER_IO, doozer_node_start(&told, NULL, &started_node, &err));
    told.listen = doozer_node_address(node);
    FAILS_WITH(DOOZER_IO, doozer_node_address(node), doozer_node_start(&told, NULL, &started_node, &err));
    told.listen = NULL;
    told.data_dir = "/proc/nothing/can/be/made/here";
    FAILS_WITH(DOOZER_IO, "/proc/nothing", doozer_node_start(&told, NULL, &started_node, &err));
    CHECK(started_node == NULL && opened == NULL);
}

static void numbers(doozer_client *client, doozer_node *node) {
    doozer_file *file;
    doozer_watch *watch;
    doozer_event *event;
    doozer_call_opts quick = within(50);
    FAILS(DOOZER_RANGE, doozer_get(client, "/a", -1, NULL, &file, &err));
    FAILS(DOOZER_RANGE, doozer_get(client, "/a", INT64_MIN + 1, NULL, &file, &err));
    FAILS(DOOZER_RANGE, doozer_node_get_local(node, "/a", -1, &file, &err));
    FAILS(DOOZER_TIMEOUT, doozer_node_get_local(node, "/a", HUGE_REV, &file, &err));
    FAILS(DOOZER_TIMEOUT, doozer_get(client, "/a", HUGE_REV, &quick, &file, &err));
    FAILS(DOOZER_TIMEOUT, doozer_wait(client, "/a", HUGE_REV, &quick, &event, &err));
    FAILS(DOOZER_RANGE, doozer_wait(client, "/a", INT64_MIN, &quick, &event, &err));
    FAILS(DOOZER_REV_MISMATCH, doozer_set(client, "/a", "x", 1, INT64_MIN, NULL, NULL, &err));
    OK(doozer_set(client, "/a", "x", 1, HUGE_REV, NULL, NULL, &err));
    OK(doozer_watch_open(client, "/a", HUGE_REV, &watch, &err));
    FAILS(DOOZER_TIMEOUT, doozer_watch_next(watch, &quick, &event, &err));
    doozer_watch_free(watch);
    FAILS_WITH(DOOZER_TOO_LARGE, "`value`", doozer_set(client, "/a", "x", SIZE_MAX, 0, NULL, NULL, &err));
    FAILS(DOOZER_TOO_LARGE, doozer_access(client, "x", SIZE_MAX, NULL, &err));

    doozer_call_opts call = within(INT64_MAX);
    OK(doozer_nop(client, &call, &err));
    OK(doozer_watch_open(client, "/a", 1, &watch, &err));
    OK(doozer_watch_next(watch, &call, &event, &err));
    doozer_event_free(event);
    doozer_watch_free(watch);
    call = within(DOOZER_FOREVER);
    OK(doozer_nop(client, &call, &err));
    call = within(-2);
    FAILS_WITH(DOOZER_RANGE, "`timeout_ms` is negative", doozer_nop(client, &call, &err));
    call = within(INT64_MIN);
    FAILS_WITH(DOOZER_RANGE, "`timeout_ms` is negative", doozer_nop(client, &call, &err));
    call = doozer_call_opts_init();
    call.consistency = 7;
    FAILS_WITH(DOOZER_RANGE, "consistency is 7", doozer_nop(client, &call, &err));

    doozer_connect_opts options = doozer_connect_opts_init();
    doozer_client *opened;
    options.timeout_ms = options.connect_timeout_ms = INT64_MAX;
    OK(doozer_connect(doozer_node_address(node), &options, &opened, &err));
    OK(doozer_nop(opened, NULL, &err));
    doozer_client_free(opened);
    options.timeout_ms = options.connect_timeout_ms = DOOZER_FOREVER;
    OK(doozer_connect(doozer_node_address(node), &options, &opened, &err));
    OK(doozer_nop(opened, NULL, &err));
    doozer_client_free(opened);
    options.connect_timeout_ms = -5;
    FAILS_WITH(DOOZER_RANGE, "connect_timeout_ms", doozer_connect("127.0.0.1:1", &options, &opened, &err));

    options = doozer_connect_opts_init();
    options.session_ttl_ms = DOOZER_FOREVER;
    FAILS_WITH(DOOZER_RANGE, "`session_ttl_ms` is negative: -1", doozer_connect("127.0.0.1:1", &options, &opened, &err));
    options.session_ttl_ms = 999;
    FAILS_WITH(DOOZER_BAD_TTL, "from 1s", doozer_node_client(node, &options, &opened, &err));
    options.session_ttl_ms = INT64_MAX;
    FAILS(DOOZER_BAD_TTL, doozer_connect(doozer_node_address(node), &options, &opened, &err));

    doozer_held_lock *lock;
    doozer_entered *entered;
    FAILS(DOOZER_RANGE, doozer_semaphore(client, "/s", 0, NULL, &lock, &err));
    FAILS(DOOZER_RANGE, doozer_barrier_enter(client, "/b", 0, NULL, &entered, &err));
    FAILS(DOOZER_TIMEOUT, doozer_barrier_enter(client, "/b", SIZE_MAX, &quick, &entered, &err));
    OK(doozer_semaphore(client, "/s", SIZE_MAX, NULL, &lock, &err));
    doozer_lock_free(lock);
    OK(doozer_follow_open(client, "/a", -1, &watch, &err));
    FAILS(DOOZER_RANGE, doozer_watch_next(watch, &quick, &event, &err));
    doozer_watch_free(watch);
    FAILS(DOOZER_RANGE, doozer_rollback(client, "/a", HUGE_REV, NULL, NULL, &err));
    FAILS(DOOZER_RANGE, doozer_rollback(client, "/a", DOOZER_NOW, NULL, NULL, &err));
    call = within(-2);
    FAILS_WITH(DOOZER_RANGE, "`timeout_ms` is negative", doozer_lock(client, "/l", &call, &lock, &err));
}

/* Nobody there: an error within its time that names the address. */
static void nobody(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    doozer_client *client;
    char address[32];
    /* A socket that is bound and does not listen keeps its port from everybody else. */
    int bound = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(bound, (struct sockaddr *)&at, sizeof at) == 0 && getsockname(bound, (struct sockaddr *)&at, &len) == 0);
    snprintf(address, sizeof address, "127.0.0.1:%d", ntohs(at.sin_port));
    doozer_connect_opts options = doozer_connect_opts_init();
    options.connect_timeout_ms = 200;
    int64_t began = now_ms();
    FAILS_WITH(DOOZER_DISCONNECTED, address, doozer_connect(address, &options, &client, &err));
    CHECK(client == NULL && now_ms() - began < 20000);
    /* The default is the environment's. */
    setenv("DOOZER_URI", address, 1);
    FAILS_WITH(DOOZER_DISCONNECTED, address, doozer_connect(NULL, &options, &client, &err));
    unsetenv("DOOZER_URI");
    close(bound);
}

int main(void) {
    alarm(PATIENCE_S);
    doozer_node *node = member();
    doozer_client *client = connected(doozer_node_address(node));
    nulls(client, node);
    nothing();
    transactions(client);
    fences(client);
    texts(client, node);
    numbers(client, node);
    nobody();
    finish(client, node);
    doozer_shutdown(SOON_MS);
    return 0;
}
