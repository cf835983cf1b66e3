/* The end of everything, what is left of it, and a beginning after it. */
#include <dirent.h>

#include "test.h"

static int threads(void) {
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    CHECK(tasks != NULL);
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) count += task->d_name[0] != '.';
    closedir(tasks);
    return count;
}

int main(void) {
    alarm(PATIENCE_S);
    /* Without anything to end. */
    doozer_shutdown(0);
    int before = threads();
    for (int round = 0; round < 3; round++) {
        doozer_node *node = member();
        doozer_client *client = connected(doozer_node_address(node)), *late = connected(doozer_node_address(node));
        doozer_watch *watch;
        doozer_event *event;
        doozer_file *file;
        doozer_held_lock *lock;
        int64_t rev = put(client, "/a", "x");
        OK(doozer_watch_open(late, "/a", rev, &watch, &err));
        OK(doozer_watch_next(watch, NULL, &event, &err));
        doozer_event_free(event);
        OK(doozer_lock(late, "/l", NULL, &lock, &err));
        CHECK(threads() > before);
        doozer_client_free(client);
        /* With a client, a watch, a lock and a member still open. */
        doozer_shutdown(round == 0 ? DOOZER_FOREVER : SOON_MS);
        CHECK(threads() == before);
        FAILS(DOOZER_CLOSED, doozer_get(late, "/a", DOOZER_NOW, NULL, &file, &err));
        doozer_lock_free(lock);
        doozer_watch_free(watch);
        doozer_client_free(late);
        doozer_node_free(node);
    }
    doozer_shutdown(SOON_MS);
    CHECK(threads() == before);
    return 0;
}
