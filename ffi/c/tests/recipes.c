/* Locks of every kind, elections, services, barriers, transactions and what writes depend on: over TCP and within the
 * process. */
#include "test.h"

/* The change of a file that matches, from a revision on; it is freed by the caller. */
static doozer_event *change_of(doozer_client *client, const char *glob, int64_t rev) {
    doozer_event *event;
    doozer_call_opts soon = within(SOON_MS);
    OK(doozer_wait(client, glob, rev, &soon, &event, &err));
    return event;
}

/* The file is deleted, or was since `rev`. */
static void goes(doozer_client *client, const char *glob, int64_t rev) {
    doozer_event *event = change_of(client, glob, rev);
    CHECK(doozer_event_is_del(event));
    doozer_event_free(event);
}

static void locks(doozer_client *client, doozer_client *other) {
    doozer_held_lock *lock, *second;
    doozer_call_opts quick = within(200), call = doozer_call_opts_init();
    OK(doozer_try_lock(client, "/l", NULL, &lock, &err));
    CHECK(lock != NULL && doozer_lock_is_held(lock) && same(doozer_lock_path(lock), "/l"));
    int64_t valid = doozer_lock_valid_for_ms(lock);
    CHECK(valid > 0 && valid <= 8750);
    OK(doozer_try_lock(other, "/l", NULL, &second, &err));
    CHECK(second == NULL);
    FAILS_WITH(DOOZER_TIMEOUT, "lost /l", doozer_lock_lost(lock, &quick, &err));

    OK(doozer_lock_fence(lock, &call, &err));
    CHECK(same(call.fence_path, "/l") && call.fence_token == doozer_lock_rev(lock));
    int64_t rev;
    OK(doozer_set(client, "/p", "mine", 4, DOOZER_ANY, &call, &rev, &err));
    CHECK(rev > doozer_lock_rev(lock));
    FAILS(DOOZER_REV_MISMATCH, doozer_set(client, "/p", "x", 1, DOOZER_MISSING, &call, NULL, &err));
    OK(doozer_del(other, "/l", doozer_lock_rev(lock), NULL, NULL, &err));
    FAILS_WITH(DOOZER_LOCK_LOST, "/l is not held", doozer_set(client, "/p", "late", 4, DOOZER_ANY, &call, &rev, &err));
    CHECK(rev == 0);
    FAILS(DOOZER_LOCK_LOST, doozer_del(client, "/p", DOOZER_ANY, &call, &rev, &err));
    CHECK(rev == 0 && holds(client, "/p", "mine"));
    OK(doozer_lock_lost(lock, NULL, &err));
    CHECK(!doozer_lock_is_held(lock) && doozer_lock_valid_for_ms(lock) == 0 && doozer_lock_rev(lock) > 0);
    FAILS(DOOZER_LOCK_LOST, doozer_unlock(lock, NULL, &err));
    doozer_lock_free(lock);

    /* Readers together, a writer alone; so many at a time. */
    OK(doozer_read_lock(client, "/rw", NULL, &lock, &err));
    OK(doozer_read_lock(other, "/rw", NULL, &second, &err));
    CHECK(doozer_lock_rev(second) > doozer_lock_rev(lock));
    CHECK(strncmp(doozer_lock_path(lock), "/rw/holders/", 12) == 0);
    doozer_held_lock *third;
    FAILS_WITH(DOOZER_TIMEOUT, "write_lock /rw", doozer_write_lock(client, "/rw", &quick, &third, &err));
    CHECK(third == NULL);
    OK(doozer_unlock(lock, NULL, &err));
    /* One that is freed is given back too. */
    doozer_lock_free(second);
    doozer_lock_free(lock);
    OK(doozer_write_lock(client, "/rw", NULL, &lock, &err));
    FAILS(DOOZER_TIMEOUT, doozer_read_lock(other, "/rw", &quick, &third, &err));
    OK(doozer_unlock(lock, NULL, &err));
    doozer_lock_free(lock);
    OK(doozer_semaphore(client, "/s", 2, NULL, &lock, &err));
    OK(doozer_semaphore(other, "/s", 2, NULL, &second, &err));
    FAILS(DOOZER_TIMEOUT, doozer_semaphore(client, "/s", 2, &quick, &third, &err));
    OK(doozer_unlock(lock, NULL, &err));
    OK(doozer_unlock(second, NULL, &err));
    doozer_lock_free(lock);
    doozer_lock_free(second);
}

static void elections(doozer_client *client, doozer_client *other) {
    doozer_leader *leader, *second;
    doozer_config *seen;
    doozer_file *file;
    doozer_call_opts quick = within(200), call = doozer_call_opts_init();
    int64_t rev;
    OK(doozer_observe_open(other, "/leader", &seen, &err));
    OK(doozer_config_next(seen, NULL, &file, &err));
    CHECK(doozer_file_is_missing(file));
    doozer_file_free(file);
    FAILS_WITH(DOOZER_TIMEOUT, "observe /leader", doozer_config_next(seen, &quick, &file, &err));
    OK(doozer_elect(client, "/leader", "one", 3, NULL, &leader, &err));
    CHECK(doozer_leader_is_leading(leader) && same(doozer_leader_path(leader), "/leader"));
    OK(doozer_config_next(seen, NULL, &file, &err));
    CHECK(doozer_file_rev(file) == doozer_leader_token(leader) && doozer_file_len(file) == 3);
    doozer_file_free(file);
    FAILS(DOOZER_TIMEOUT, doozer_elect(other, "/leader", "two", 3, &quick, &second, &err));
    CHECK(second == NULL);
    int64_t token = doozer_leader_token(leader);
    OK(doozer_proclaim(leader, "ready", 5, NULL, &rev, &err));
    CHECK(rev > token && doozer_leader_token(leader) == token && holds(other, "/leader", "ready"));
    OK(doozer_proclaim(leader, NULL, 0, NULL, NULL, &err));
    OK(doozer_leader_fence(leader, &call, &err));
    OK(doozer_set(client, "/led", "x", 1, DOOZER_ANY, &call, NULL, &err));
    OK(doozer_resign(leader, NULL, &err));
    OK(doozer_leader_lost(leader, NULL, &err));
    CHECK(!doozer_leader_is_leading(leader) && holds(other, "/leader", NULL));
    FAILS(DOOZER_LOCK_LOST, doozer_set(client, "/led", "y", 1, DOOZER_ANY, &call, NULL, &err));
    FAILS(DOOZER_CLOSED, doozer_proclaim(leader, "still", 5, NULL, &rev, &err));
    FAILS(DOOZER_CLOSED, doozer_resign(leader, NULL, &err));
    doozer_leader_free(leader);
    /* One that is freed resigns, and the next one leads. */
    OK(doozer_elect(client, "/leader", "one", 3, NULL, &leader, &err));
    doozer_leader_free(leader);
    OK(doozer_elect(other, "/leader", "two", 3, NULL, &second, &err));
    CHECK(doozer_leader_token(second) > token);
    put(client, "/leader", "deposed");
    OK(doozer_leader_lost(second, NULL, &err));
    FAILS(DOOZER_LOCK_LOST, doozer_resign(second, NULL, &err));
    doozer_leader_free(second);
    doozer_config_close(seen);
    FAILS_WITH(DOOZER_CLOSED, "observe /leader", doozer_config_next(seen, NULL, &file, &err));
    doozer_config_free(seen);
    OK(doozer_del(client, "/leader", DOOZER_ANY, NULL, NULL, &err));
}

static bool is_entry(const doozer_entries *entries, size_t at, const char *path, const char *value) {
    const doozer_entry *entry = doozer_entries_at(entries, at);
    return same(doozer_entry_path(entry), path) && doozer_entry_len(entry) == strlen(value) &&
           memcmp(doozer_entry_value(entry), value, strlen(value)) == 0;
}

static void services(doozer_client *client, doozer_client *other) {
    doozer_live *live;
    doozer_entries *entries;
    doozer_registration *one, *two;
    doozer_call_opts quick = within(50);
    OK(doozer_discover(other, "/svc/*", NULL, &live, &err));
    OK(doozer_live_files(live, &entries, &err));
    CHECK(entries != NULL && doozer_entries_count(entries) == 0);
    doozer_entries_free(entries);
    FAILS_WITH(DOOZER_TIMEOUT, "discover /svc/*", doozer_live_changed(live, &quick, &entries, &err));
    CHECK(entries == NULL);
    OK(doozer_register(client, "/svc/1", "here", 4, NULL, &one, &err));
    int64_t rev = doozer_registration_rev(one);
    CHECK(rev > 0 && same(doozer_registration_path(one), "/svc/1"));
    OK(doozer_live_changed(live, NULL, &entries, &err));
    CHECK(doozer_entries_count(entries) == 1 && is_entry(entries, 0, "/svc/1", "here"));
    CHECK(doozer_entry_rev(doozer_entries_at(entries, 0)) == rev);
    OK(doozer_register(client, "/svc/2", NULL, 0, NULL, &two, &err));
    doozer_entries *later;
    OK(doozer_live_changed(live, NULL, &later, &err));
    CHECK(doozer_entries_count(later) == 2 && is_entry(later, 1, "/svc/2", ""));
    /* What was given before stays as it was. */
    CHECK(doozer_entries_count(entries) == 1);
    doozer_entries_free(entries);
    doozer_entries_free(later);
    OK(doozer_deregister(one, NULL, &err));
    CHECK(doozer_registration_rev(one) == 0 && holds(client, "/svc/1", NULL));
    FAILS(DOOZER_CLOSED, doozer_deregister(one, NULL, &err));
    doozer_registration_free(one);
    /* One that is freed is taken back. */
    rev = doozer_registration_rev(two);
    doozer_registration_free(two);
    goes(other, "/svc/2", rev + 1);
    doozer_live_close(live);
    doozer_live_close(live);
    FAILS_WITH(DOOZER_CLOSED, "discover /svc/*", doozer_live_changed(live, NULL, &entries, &err));
    CHECK(entries == NULL);
    OK(doozer_live_files(live, &entries, &err));
    doozer_entries_free(entries);
    doozer_live_free(live);
}

static void barriers(doozer_client *client, doozer_client *other) {
    doozer_entered *entered;
    doozer_call_opts quick = within(200);
    FAILS_WITH(DOOZER_TIMEOUT, "enter /b", doozer_barrier_enter(client, "/b", 2, &quick, &entered, &err));
    CHECK(entered == NULL);
    OK(doozer_barrier_enter(client, "/alone", 1, NULL, &entered, &err));
    FAILS(DOOZER_TIMEOUT, doozer_barrier_lost(entered, &quick, &err));
    CHECK(doozer_barrier_is_inside(entered) && !doozer_barrier_is_inside(NULL));
    OK(doozer_barrier_leave(entered, NULL, &err));
    OK(doozer_barrier_lost(entered, NULL, &err));
    CHECK(!doozer_barrier_is_inside(entered));
    doozer_entered_free(entered);
    /* One that is freed has left: the next round can begin. */
    for (int round = 0; round < 2; round++) {
        OK(doozer_barrier_enter(round == 0 ? client : other, "/alone", 1, NULL, &entered, &err));
        doozer_entered_free(entered);
    }
}

static void transactions(doozer_client *client) {
    doozer_txn *txn = doozer_txn_new();
    int64_t a = put(client, "/t/a", "1"), revs[4] = {-1, -1, -1, -1};
    uint32_t number;
    OK(doozer_txn_if_rev(txn, "/t/a", a, &err));
    OK(doozer_txn_if_value(txn, "/t/a", "1", 1, &err));
    OK(doozer_txn_if_absent(txn, "/t/b", &err));
    OK(doozer_txn_set(txn, "/t/a", "2", 1, a, &err));
    OK(doozer_txn_set_ephemeral(txn, "/t/b", NULL, 0, DOOZER_MISSING, &err));
    OK(doozer_txn_del(txn, "/t/none", DOOZER_ANY, &err));
    /* No room for what it gives: nothing is made. */
    FAILS_WITH(DOOZER_RANGE, "has 3 changes, and `revs` has room for 2", doozer_txn_commit(client, txn, NULL, revs, 2, &err));
    CHECK(revs[0] == 0 && revs[1] == 0 && revs[2] == -1 && holds(client, "/t/a", "1"));
    OK(doozer_txn_commit(client, txn, NULL, revs, 4, &err));
    /* Consecutive; what was freed before may still be given back meanwhile. */
    CHECK(revs[0] > a && revs[1] == revs[0] + 1 && revs[2] == 0 && revs[3] == -1);
    CHECK(holds(client, "/t/a", "2") && holds(client, "/t/b", ""));
    /* Again, its conditions do not hold: the first that does not is named. */
    CHECK(doozer_txn_commit(client, txn, NULL, revs, 4, &err) == DOOZER_COMPARE_FAILED);
    CHECK(doozer_error_part(err, &number) == DOOZER_PART_COMPARE && number == 1 && revs[0] == 0);
    CHECK(doozer_error_part(err, NULL) == DOOZER_PART_COMPARE && same(doozer_error_op(err), "txn"));
    CHECK(doozer_error_path(err) == NULL && strstr(doozer_error_message(err), "compare 1") != NULL);
    doozer_error_free(err);
    err = NULL;
    doozer_txn_free(txn);

    txn = doozer_txn_new();
    OK(doozer_txn_set(txn, "/t/c", "x", 1, DOOZER_MISSING, &err));
    OK(doozer_txn_set(txn, "/t/a", "x", 1, DOOZER_MISSING, &err));
    CHECK(doozer_txn_commit(client, txn, NULL, NULL, 0, &err) == DOOZER_REV_MISMATCH);
    CHECK(doozer_error_part(err, &number) == DOOZER_PART_OPERATION && number == 2);
    doozer_error_free(err);
    err = NULL;
    CHECK(holds(client, "/t/c", NULL));
    /* It stays usable, for other clients and after a change of the world. */
    OK(doozer_del(client, "/t/a", DOOZER_ANY, NULL, NULL, &err));
    OK(doozer_txn_commit(client, txn, NULL, NULL, 0, &err));
    CHECK(holds(client, "/t/c", "x") && holds(client, "/t/a", "x"));
    doozer_txn_free(txn);

    txn = doozer_txn_new();
    doozer_held_lock *lock;
    OK(doozer_lock(client, "/t/l", NULL, &lock, &err));
    OK(doozer_txn_if_fence(txn, doozer_lock_path(lock), doozer_lock_rev(lock), &err));
    OK(doozer_txn_set(txn, "/t/c", "fenced", 6, DOOZER_ANY, &err));
    OK(doozer_txn_commit(client, txn, NULL, revs, 1, &err));
    CHECK(revs[0] > doozer_lock_rev(lock) && holds(client, "/t/c", "fenced"));
    OK(doozer_unlock(lock, NULL, &err));
    FAILS(DOOZER_COMPARE_FAILED, doozer_txn_commit(client, txn, NULL, revs, 1, &err));
    doozer_lock_free(lock);
    doozer_txn_free(txn);
    /* One without any part is made. */
    txn = doozer_txn_new();
    OK(doozer_txn_commit(client, txn, NULL, NULL, 0, &err));
    doozer_txn_free(txn);
    number = 7;
    FAILS(DOOZER_REV_MISMATCH, doozer_add(client, "/t/c", "x", 1, NULL, NULL, &err));
    CHECK(doozer_error_part(NULL, &number) == DOOZER_PART_NONE && number == 0);
}

static void streams(doozer_client *client) {
    doozer_watch *follow;
    doozer_event *event;
    int64_t rev, back, first = put(client, "/f/a", "one");
    OK(doozer_follow_open(client, "/f/*", DOOZER_NOW, &follow, &err));
    OK(doozer_watch_next(follow, NULL, &event, &err));
    CHECK(same(doozer_event_path(event), "/f/a") && doozer_event_rev(event) == first && doozer_event_is_set(event));
    doozer_event_free(event);
    rev = put(client, "/f/a", "two");
    OK(doozer_watch_next(follow, NULL, &event, &err));
    CHECK(doozer_event_rev(event) == rev);
    doozer_event_free(event);
    doozer_watch_close(follow);
    FAILS_WITH(DOOZER_CLOSED, "follow /f/*", doozer_watch_next(follow, NULL, &event, &err));
    doozer_watch_free(follow);
    doozer_call_opts wrong = within(-3);
    OK(doozer_follow_open(client, "/f/*", rev, &follow, &err));
    FAILS_WITH(DOOZER_RANGE, "follow: `timeout_ms`", doozer_watch_next(follow, &wrong, &event, &err));
    OK(doozer_watch_next(follow, NULL, &event, &err));
    CHECK(doozer_event_rev(event) == rev);
    doozer_event_free(event);
    doozer_watch_free(follow);

    OK(doozer_rollback(client, "/f/a", first, NULL, &back, &err));
    CHECK(back > rev && holds(client, "/f/a", "one"));
    FAILS(DOOZER_NOENT, doozer_rollback(client, "/f/a", first - 1, NULL, &back, &err));
    CHECK(back == 0);
    OK(doozer_del(client, "/f/a", DOOZER_ANY, NULL, NULL, &err));
}

/* What a session is called, and how long it lives without a sign of its client. */
static void sessions(const doozer_node *node) {
    for (int embedded = 0; embedded < 2; embedded++) {
        doozer_client *client;
        doozer_held_lock *lock;
        doozer_connect_opts options = doozer_connect_opts_init();
        options.session_ttl_ms = 60000;
        options.session_label = "worker 7";
        OK(embedded ? doozer_node_client(node, &options, &client, &err)
                    : doozer_connect(doozer_node_address(node), &options, &client, &err));
        OK(doozer_lock(client, "/labelled", NULL, &lock, &err));
        CHECK(holds(client, "/labelled", "worker 7"));
        int64_t valid = doozer_lock_valid_for_ms(lock);
        CHECK(valid > 10000 && valid <= 52500);
        OK(doozer_unlock(lock, NULL, &err));
        doozer_lock_free(lock);
        OK(doozer_close(client, NULL, &err));
        doozer_client_free(client);
    }
}

int main(void) {
    alarm(PATIENCE_S);
    doozer_node *node = member();
    for (int embedded = 0; embedded < 2; embedded++) {
        doozer_client *client, *other = connected(doozer_node_address(node));
        if (embedded) {
            OK(doozer_node_client(node, NULL, &client, &err));
            OK(doozer_del(client, "/t/b", DOOZER_ANY, NULL, NULL, &err));
            OK(doozer_del(client, "/t/c", DOOZER_ANY, NULL, NULL, &err));
        } else {
            client = connected(doozer_node_address(node));
        }
        locks(client, other);
        elections(client, other);
        services(client, other);
        barriers(client, other);
        transactions(client);
        streams(client);
        OK(doozer_close(client, NULL, &err));
        doozer_client_free(client);
        OK(doozer_close(other, NULL, &err));
        doozer_client_free(other);
    }
    sessions(node);
    OK(doozer_node_stop(node, NULL, &err));
    doozer_node_free(node);
    doozer_shutdown(SOON_MS);
    return 0;
}
