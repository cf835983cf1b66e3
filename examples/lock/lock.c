/* The talk's lock: a file that exists while somebody holds it.
 *
 * cc lock.c -o lock-c $(pkg-config --cflags --libs doozer) && ./lock-c 127.0.0.1:8046 /locks/x */
#include <doozer.h>
#include <inttypes.h>
#include <stdio.h>

static int failed(doozer_error *err) {
    fprintf(stderr, "lock: %s\n", doozer_error_message(err));
    doozer_error_free(err);
    return 1;
}

int main(int count, char **arguments) {
    const char *uri = count > 1 ? arguments[1] : "127.0.0.1:8046";
    const char *path = count > 2 ? arguments[2] : "/locks/x";
    doozer_error *err;
    doozer_client *client;
    doozer_held_lock *lock;
    if (doozer_connect(uri, NULL, &client, &err) != DOOZER_OK) return failed(err);
    if (doozer_lock(client, path, NULL, &lock, &err) != DOOZER_OK) return failed(err);
    /* The token grows from holder to holder: what the lock protects can refuse one who is late. */
    printf("held %" PRId64 "\n", doozer_lock_rev(lock));
    fflush(stdout);
    for (int read = getchar(); read != '\n' && read != EOF; read = getchar()) {}
    if (doozer_unlock(lock, NULL, &err) != DOOZER_OK) return failed(err);
    puts("given back");
    doozer_lock_free(lock);
    doozer_client_free(client);
    return 0;
}
