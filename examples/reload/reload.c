/* The talk's reload loop: a program that hears of each change of its configuration.
 *
 * cc reload.c -o reload-c $(pkg-config --cflags --libs doozer) && ./reload-c 127.0.0.1:8046 /myapp.conf */
#include <doozer.h>
#include <inttypes.h>
#include <stdio.h>

static int failed(doozer_error *err) {
    fprintf(stderr, "reload: %s\n", doozer_error_message(err));
    doozer_error_free(err);
    return 1;
}

int main(int count, char **arguments) {
    const char *uri = count > 1 ? arguments[1] : "127.0.0.1:8046";
    const char *path = count > 2 ? arguments[2] : "/myapp.conf";
    doozer_error *err;
    doozer_client *client;
    doozer_config *config;
    if (doozer_connect(uri, NULL, &client, &err) != DOOZER_OK) return failed(err);
    if (doozer_config_open(client, path, &config, &err) != DOOZER_OK) return failed(err);
    /* First the file as it is, then as it is after each change. None is missed, whatever happens to connections. */
    doozer_file *file;
    while (doozer_config_next(config, NULL, &file, &err) == DOOZER_OK) {
        if (doozer_file_is_missing(file)) {
            printf("%s is not there\n", path);
        } else {
            printf("%s %" PRId64 " ", path, doozer_file_rev(file));
            fwrite(doozer_file_value(file), 1, doozer_file_len(file), stdout);
            putchar('\n');
        }
        fflush(stdout);
        doozer_file_free(file);
    }
    return failed(err);
}
