/* Bad input: a code and a message, never a crash, never a hang. */
#include <arpa/inet.h>
#include <sys/socket.h>

#include "test.h"

static const int64_t HUGE_REV = INT64_MAX;

/* NULL wherever none is allowed; what it is in place of is named. */
static void nulls(doozer_client *client, doozer_node *node) {
    doozer_client *opened;
    doozer_file *file;
    doozer_event *event;
    doozer_entry *entry;
    doozer_held_lock *lock;
    doozer_watch *watch;
    const doozer_call_opts *call = NULL;
#define MISSES(argument, function_call) FAILS_WITH(DOOZER_MISSING_ARG, "`" argument "` is NULL", function_call)
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
    texts(client, node);
    numbers(client, node);
    nobody();
    finish(client, node);
    doozer_shutdown(SOON_MS);
    return 0;
}
