/* One of several programs that take turns on one lock and append to one file; `run` beside this file starts them.
 *
 * cc worker.c -o worker-c $(pkg-config --cflags --libs doozer) && ./worker-c 127.0.0.1:8046 /locks/one turns.txt c 10 */
#include <doozer.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static doozer_error *err;

static void must(doozer_code code) {
    if (code == DOOZER_OK) return;
    fprintf(stderr, "worker: %s\n", doozer_error_message(err));
    exit(1);
}

static void append(const char *file, const char *name, const doozer_held_lock *lock, const char *word) {
    FILE *to = fopen(file, "a");
    if (to == NULL || fprintf(to, "%s %" PRId64 " %s\n", name, doozer_lock_rev(lock), word) < 0 || fclose(to) != 0) exit(1);
}

int main(int count, char **arguments) {
    if (count != 6) return fprintf(stderr, "usage: worker URI PATH FILE NAME TURNS\n"), 2;
    const char *path = arguments[2], *file = arguments[3], *name = arguments[4];
    char ready[256];
    doozer_client *client;
    doozer_event *go;
    snprintf(ready, sizeof ready, "/one-lock/ready/%s", name);
    must(doozer_connect(arguments[1], NULL, &client, &err));
    must(doozer_set(client, ready, "", 0, DOOZER_ANY, NULL, NULL, &err));
    must(doozer_wait(client, "/one-lock/go", 1, NULL, &go, &err));
    for (int turn = atoi(arguments[5]); turn > 0; turn--) {
        doozer_held_lock *lock;
        must(doozer_lock(client, path, NULL, &lock, &err));
        append(file, name, lock, "begin");
        must(doozer_nop(client, NULL, &err)); /* Time for the others to come in between, if they could. */
        append(file, name, lock, "end");
        must(doozer_unlock(lock, NULL, &err));
        doozer_lock_free(lock);
    }
    return 0;
}
