/* Every call, over TCP and within the process. */
#include "test.h"

static void files(doozer_client *client) {
    int64_t rev, again, stat_rev;
    uint64_t len;
    doozer_file *file;
    OK(doozer_set(client, "/c/a", "one", 3, DOOZER_MISSING, NULL, &rev, &err));
    OK(doozer_set(client, "/c/a", "two\0two", 7, rev, NULL, &again, &err));
    CHECK(again == rev + 1);
    FAILS_WITH(DOOZER_REV_MISMATCH, "REV_MISMATCH: set /c/a: ", doozer_set(client, "/c/a", "x", 1, rev, NULL, &rev, &err));
    CHECK(rev == 0);
    OK(doozer_get(client, "/c/a", DOOZER_NOW, NULL, &file, &err));
    CHECK(doozer_file_len(file) == 7 && memcmp(doozer_file_value(file), "two\0two", 7) == 0);
    CHECK(doozer_file_rev(file) == again && !doozer_file_is_missing(file));
    doozer_file_free(file);
    OK(doozer_get(client, "/c/a", again - 1, NULL, &file, &err));
    CHECK(doozer_file_len(file) == 3 && doozer_file_rev(file) == again - 1);
    doozer_file_free(file);
    OK(doozer_stat(client, "/c/a", DOOZER_NOW, NULL, &len, &stat_rev, &err));
    CHECK(len == 7 && stat_rev == again);
    OK(doozer_stat(client, "/c", DOOZER_NOW, NULL, &len, &stat_rev, &err));
    CHECK(len == 1 && stat_rev == DOOZER_DIRECTORY);
    OK(doozer_stat(client, "/c", DOOZER_NOW, NULL, NULL, NULL, &err));

    /* An empty file is there; a missing one is not. */
    OK(doozer_add(client, "/c/empty", NULL, 0, NULL, NULL, &err));
    OK(doozer_get(client, "/c/empty", DOOZER_NOW, NULL, &file, &err));
    CHECK(doozer_file_value(file) != NULL && doozer_file_len(file) == 0 && !doozer_file_is_missing(file));
    doozer_file_free(file);
    FAILS(DOOZER_REV_MISMATCH, doozer_add(client, "/c/empty", "x", 1, NULL, NULL, &err));
    OK(doozer_del(client, "/c/empty", DOOZER_ANY, NULL, &rev, &err));
    CHECK(rev > again);
    OK(doozer_del(client, "/c/empty", DOOZER_ANY, NULL, &rev, &err));
    CHECK(rev == 0);
    OK(doozer_get(client, "/c/empty", DOOZER_NOW, NULL, &file, &err));
    CHECK(doozer_file_is_missing(file) && doozer_file_value(file) == NULL && doozer_file_rev(file) == 0);
    doozer_file_free(file);
    OK(doozer_rev(client, NULL, &rev, &err));
    CHECK(rev > again);
    doozer_call_opts local = doozer_call_opts_init();
    local.consistency = DOOZER_LOCAL;
    OK(doozer_get(client, "/c/a", DOOZER_NOW, &local, &file, &err));
    CHECK(doozer_file_rev(file) == again);
    doozer_file_free(file);
    OK(doozer_nop(client, NULL, &err));
    /* Results that nobody wants, errors included. */
    CHECK(doozer_set(client, "/c/a", "x", 1, 0, NULL, NULL, NULL) == DOOZER_REV_MISMATCH);
    CHECK(doozer_nop(client, NULL, NULL) == DOOZER_OK);
}

static void trees(doozer_client *client) {
    doozer_names *names;
    doozer_entries *entries;
    doozer_entry *entry;
    doozer_list *list;
    put(client, "/t/a", "1");
    put(client, "/t/b", "22");
    int64_t rev = put(client, "/t/c/d", "333");
    OK(doozer_getdir(client, "/t", DOOZER_NOW, NULL, &names, &err));
    CHECK(doozer_names_count(names) == 3 && same(doozer_names_at(names, 2), "c") && doozer_names_at(names, 3) == NULL);
    doozer_names_free(names);
    FAILS(DOOZER_NOENT, doozer_getdir(client, "/none", DOOZER_NOW, NULL, &names, &err));
    CHECK(names == NULL);
    OK(doozer_walk(client, "/t/**", rev, NULL, &entries, &err));
    CHECK(doozer_entries_count(entries) == 3 && doozer_entries_at(entries, 3) == NULL);
    const doozer_entry *last = doozer_entries_at(entries, 2);
    CHECK(same(doozer_entry_path(last), "/t/c/d") && doozer_entry_rev(last) == rev && doozer_entry_len(last) == 3);
    CHECK(memcmp(doozer_entry_value(last), "333", 3) == 0);
    doozer_entries_free(entries);
    OK(doozer_walk(client, "/none/**", DOOZER_NOW, NULL, &entries, &err));
    CHECK(entries != NULL && doozer_entries_count(entries) == 0);
    doozer_entries_free(entries);

    doozer_list_opts some = doozer_list_opts_init();
    some.limit = 2;
    some.keys_only = 1;
    OK(doozer_list_open(client, "/t/**", DOOZER_NOW, &some, NULL, &list, &err));
    for (const char *const *path = (const char *const[]){"/t/a", "/t/b", NULL}; *path != NULL; path++) {
        OK(doozer_list_next(list, NULL, &entry, &err));
        CHECK(same(doozer_entry_path(entry), *path) && doozer_entry_value(entry) == NULL && doozer_entry_len(entry) > 0);
        doozer_entry_free(entry);
    }
    for (int twice = 0; twice < 2; twice++) {
        OK(doozer_list_next(list, NULL, &entry, &err));
        CHECK(entry == NULL);
    }
    doozer_list_close(list);
    doozer_list_close(list);
    FAILS_WITH(DOOZER_CLOSED, "list /t/**", doozer_list_next(list, NULL, &entry, &err));
    doozer_list_free(list);
}

static void streams(doozer_client *client) {
    doozer_watch *watch;
    doozer_config *config;
    doozer_event *event;
    doozer_file *file;
    doozer_call_opts quick = within(20);
    int64_t rev = put(client, "/s/a", "1");
    OK(doozer_wait(client, "/s/*", rev, NULL, &event, &err));
    CHECK(same(doozer_event_path(event), "/s/a") && doozer_event_rev(event) == rev && doozer_event_is_set(event));
    CHECK(!doozer_event_is_del(event) && doozer_event_len(event) == 1 && memcmp(doozer_event_value(event), "1", 1) == 0);
    doozer_event_free(event);
    FAILS(DOOZER_TIMEOUT, doozer_wait(client, "/s/*", rev + 1, &quick, &event, &err));
    CHECK(event == NULL);

    OK(doozer_watch_open(client, "/s/*", rev + 1, &watch, &err));
    FAILS_WITH(DOOZER_TIMEOUT, "watch /s/*", doozer_watch_next(watch, &quick, &event, &err));
    put(client, "/s/b", "2");
    OK(doozer_del(client, "/s/b", DOOZER_ANY, NULL, NULL, &err));
    OK(doozer_watch_next(watch, NULL, &event, &err));
    CHECK(same(doozer_event_path(event), "/s/b") && doozer_event_is_set(event) && doozer_event_rev(event) == rev + 1);
    doozer_event_free(event);
    OK(doozer_watch_next(watch, NULL, &event, &err));
    CHECK(doozer_event_is_del(event) && doozer_event_len(event) == 0 && doozer_event_rev(event) == rev + 2);
    doozer_event_free(event);
    doozer_watch_close(watch);
    FAILS_WITH(DOOZER_CLOSED, "watch /s/*", doozer_watch_next(watch, NULL, &event, &err));
    doozer_watch_free(watch);

    /* A stream that has failed stays over. */
    OK(doozer_watch_open(client, "no glob", 1, &watch, &err));
    FAILS(DOOZER_BAD_GLOB, doozer_watch_next(watch, NULL, &event, &err));
    FAILS_WITH(DOOZER_CLOSED, "earlier error", doozer_watch_next(watch, NULL, &event, &err));
    doozer_watch_free(watch);

    OK(doozer_config_open(client, "/s/conf", &config, &err));
    OK(doozer_config_next(config, NULL, &file, &err));
    CHECK(doozer_file_is_missing(file));
    doozer_file_free(file);
    FAILS(DOOZER_TIMEOUT, doozer_config_next(config, &quick, &file, &err));
    rev = put(client, "/s/conf", "on");
    OK(doozer_config_next(config, NULL, &file, &err));
    CHECK(doozer_file_rev(file) == rev && doozer_file_len(file) == 2);
    doozer_file_free(file);
    doozer_config_free(config);
}

static void locks(doozer_client *client) {
    doozer_held_lock *lock, *other;
    doozer_call_opts quick = within(1000);
    OK(doozer_lock(client, "/l/x", NULL, &lock, &err));
    CHECK(doozer_lock_is_held(lock) && doozer_lock_rev(lock) > 0 && same(doozer_lock_path(lock), "/l/x"));
    FAILS_WITH(DOOZER_TIMEOUT, "held since revision", doozer_lock(client, "/l/x", &quick, &other, &err));
    CHECK(other == NULL);
    OK(doozer_unlock(lock, NULL, &err));
    CHECK(!doozer_lock_is_held(lock));
    FAILS(DOOZER_CLOSED, doozer_unlock(lock, NULL, &err));
    /* The next holder's token is greater. Whoever overwrites the file takes the lock away. */
    OK(doozer_lock(client, "/l/x", NULL, &other, &err));
    CHECK(doozer_lock_rev(other) > doozer_lock_rev(lock));
    doozer_lock_free(lock);
    put(client, "/l/x", "mine");
    FAILS(DOOZER_LOCK_LOST, doozer_unlock(other, NULL, &err));
    CHECK(!doozer_lock_is_held(other));
    doozer_lock_free(other);
    OK(doozer_del(client, "/l/x", DOOZER_ANY, NULL, NULL, &err));
    /* One that is freed while it is held is given back: somebody else gets it. */
    OK(doozer_lock(client, "/l/x", NULL, &lock, &err));
    doozer_lock_free(lock);
    OK(doozer_lock(client, "/l/x", NULL, &lock, &err));
    OK(doozer_unlock(lock, NULL, &err));
    doozer_lock_free(lock);
}

static void closing(doozer_client *client, const doozer_node *node) {
    char *id;
    doozer_watch *watch;
    doozer_file *file;
    OK(doozer_self(client, NULL, &id, &err));
    CHECK(same(id, doozer_node_id(node)) && strlen(id) >= 16);
    doozer_string_free(id);
    CHECK(!doozer_is_closed(client));
    OK(doozer_close(client, NULL, &err));
    OK(doozer_close(client, NULL, &err));
    CHECK(doozer_is_closed(client));
    FAILS(DOOZER_CLOSED, doozer_get(client, "/c/a", DOOZER_NOW, NULL, &file, &err));
    FAILS(DOOZER_CLOSED, doozer_watch_open(client, "/**", 1, &watch, &err));
    CHECK(file == NULL && watch == NULL);
}

static void secrets(void) {
    doozer_node *node;
    doozer_client *client;
    doozer_node_opts options = doozer_node_opts_init();
    options.listen = "127.0.0.1:0";
    options.secret = "write";
    options.read_secret = "read";
    options.cluster_name = "secret";
    options.history = 10;
    options.max_value = 100;
    OK(doozer_node_start(&options, NULL, &node, &err));
    CHECK(same(doozer_node_cluster_name(node), "secret"));
    doozer_connect_opts with = doozer_connect_opts_init();
    with.secret = "wrong";
    FAILS(DOOZER_PERMISSION_DENIED, doozer_connect(doozer_node_address(node), &with, &client, &err));
    with.secret = "read";
    with.name = "the tests";
    with.timeout_ms = 5000;
    OK(doozer_connect(doozer_node_address(node), &with, &client, &err));
    FAILS(DOOZER_PERMISSION_DENIED, doozer_nop(client, NULL, &err));
    FAILS(DOOZER_PERMISSION_DENIED, doozer_access(client, "wrong", 5, NULL, &err));
    OK(doozer_access(client, "write", 5, NULL, &err));
    OK(doozer_nop(client, NULL, &err));
    char large[101] = "";
    FAILS(DOOZER_TOO_LARGE, doozer_set(client, "/a", large, sizeof large, DOOZER_ANY, NULL, NULL, &err));
    for (int i = 0; i < 20; i++) put(client, "/a", "x");
    doozer_file *file;
    FAILS(DOOZER_TOO_LATE, doozer_get(client, "/a", 1, NULL, &file, &err));
    finish(client, node);
}

static void members(void) {
    char folder[] = "/tmp/doozer-test-XXXXXX", command[64];
    CHECK(mkdtemp(folder) != NULL);
    doozer_node *node, *second;
    doozer_client *client;
    doozer_file *file;
    int64_t rev;
    doozer_node_opts options = doozer_node_opts_init();
    options.data_dir = folder;
    OK(doozer_node_start(&options, NULL, &node, &err));
    CHECK(doozer_node_address(node) == NULL);
    FAILS_WITH(DOOZER_IO, folder, doozer_node_start(&options, NULL, &second, &err));
    OK(doozer_node_client(node, NULL, &client, &err));
    int64_t written = put(client, "/kept", "so");
    OK(doozer_node_revision(node, &rev, &err));
    CHECK(rev == written);
    finish(client, node);

    OK(doozer_node_start(&options, NULL, &node, &err));
    OK(doozer_node_get_local(node, "/kept", DOOZER_NOW, &file, &err));
    CHECK(doozer_file_len(file) == 2 && doozer_file_rev(file) == written);
    OK(doozer_node_stop(node, NULL, &err));
    OK(doozer_node_stop(node, NULL, &err));
    /* What was read stays. */
    CHECK(memcmp(doozer_file_value(file), "so", 2) == 0);
    doozer_file_free(file);
    FAILS(DOOZER_CLOSED, doozer_node_get_local(node, "/kept", DOOZER_NOW, &file, &err));
    FAILS(DOOZER_CLOSED, doozer_node_revision(node, &rev, &err));
    FAILS(DOOZER_CLOSED, doozer_node_client(node, NULL, &client, &err));
    doozer_node_free(node);
    snprintf(command, sizeof command, "rm -r %s", folder);
    CHECK(system(command) == 0);
}

int main(void) {
    alarm(PATIENCE_S);
    OK(doozer_check_abi(&err));
    CHECK(same(doozer_version(), DOOZER_VERSION));
    doozer_node *node = member();
    for (int embedded = 0; embedded < 2; embedded++) {
        doozer_client *client;
        if (embedded) {
            OK(doozer_node_client(node, NULL, &client, &err));
            OK(doozer_del(client, "/c/a", DOOZER_ANY, NULL, NULL, &err));
            OK(doozer_del(client, "/s/conf", DOOZER_ANY, NULL, NULL, &err));
        } else {
            client = connected(doozer_node_address(node));
        }
        files(client);
        trees(client);
        streams(client);
        locks(client);
        closing(client, node);
        doozer_client_free(client);
    }
    OK(doozer_node_stop(node, NULL, &err));
    doozer_node_free(node);
    secrets();
    members();
    doozer_bench_noop();
    OK(doozer_bench_noop_async(NULL, &err));
    doozer_shutdown(SOON_MS);
    return 0;
}
