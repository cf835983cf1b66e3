/* What a call costs from C: `bench URI` prints a line NAME VALUE for each figure, in whole nanoseconds and kilobytes.
 *
 *     cc -O2 bench.c -o bench $(pkg-config --cflags --libs doozer) && ./bench 127.0.0.1:8046
 *
 * bindings/bench runs it in rounds, beside the other languages' and the Rust client's. */
#include <doozer.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { FILES = 1000, VALUE_BYTES = 128, BATCH = 1000, BATCHES = 501, CALLS = 10000, WARM_UP = 20000, OPERATIONS = 100000 };

static doozer_error *err;
static char value[VALUE_BYTES], paths[FILES][16];

static void must(doozer_code code) {
    if (code == DOOZER_OK) return;
    fprintf(stderr, "bench: %s\n", doozer_error_message(err));
    exit(1);
}

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int ascending(const void *one, const void *other) {
    int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;
    return (a > b) - (a < b);
}

/* Prints the median of how long one of `each` calls takes, of `count` measurements. */
static void measure(const char *name, int count, int each, void (*call)(void *, int), void *with) {
    static int64_t times[CALLS];
    for (int i = 0; i < count; i++) {
        int64_t began = now_ns();
        for (int n = 0; n < each; n++) call(with, i * each + n);
        times[i] = (now_ns() - began) / each;
    }
    qsort(times, (size_t)count, sizeof *times, ascending);
    printf("%s %" PRId64 "\n", name, times[count / 2]);
}

static void noop(void *with, int n) {
    (void)with, (void)n;
    doozer_bench_noop();
}

static void noop_async(void *with, int n) {
    (void)with, (void)n;
    must(doozer_bench_noop_async(NULL, &err));
}

static void get_local(void *node, int n) {
    doozer_file *file;
    must(doozer_node_get_local(node, paths[n % FILES], DOOZER_NOW, &file, &err));
    if (doozer_file_len(file) != VALUE_BYTES) abort();
    doozer_file_free(file);
}

static void get(void *client, int n) {
    doozer_file *file;
    (void)n;
    must(doozer_get(client, "/bench", DOOZER_NOW, NULL, &file, &err));
    if (doozer_file_len(file) != VALUE_BYTES) abort();
    doozer_file_free(file);
}

static void mixed(doozer_client *client, doozer_node *node, int count) {
    for (int n = 0; n < count; n++) {
        int64_t rev;
        doozer_names *names;
        switch (n % 5) {
            case 0: must(doozer_set(client, "/bench/mixed", value, sizeof value, DOOZER_ANY, NULL, &rev, &err)); break;
            case 1: must(doozer_getdir(client, "/bench", DOOZER_NOW, NULL, &names, &err)); doozer_names_free(names); break;
            case 2: must(doozer_rev(client, NULL, &rev, &err)); break;
            case 3: doozer_add(client, "/bench/mixed", value, 1, NULL, NULL, &err); doozer_error_free(err); break;
            default: get_local(node, n);
        }
    }
}

static long resident_kb(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1) abort();
    fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

int main(int count, char **arguments) {
    doozer_node *node;
    doozer_client *own, *remote;
    if (count != 2) return fprintf(stderr, "usage: bench URI\n"), 2;
    /* A short history, so that what the member keeps does not pass for what the library leaves. */
    doozer_node_opts options = doozer_node_opts_init();
    options.history = 100;
    must(doozer_node_start(&options, NULL, &node, &err));
    must(doozer_node_client(node, NULL, &own, &err));
    for (int i = 0; i < FILES; i++) {
        snprintf(paths[i], sizeof paths[i], "/bench/f%d", i);
        must(doozer_set(own, paths[i], value, sizeof value, DOOZER_ANY, NULL, NULL, &err));
    }
    must(doozer_connect(arguments[1], NULL, &remote, &err));
    must(doozer_set(remote, "/bench", value, sizeof value, DOOZER_ANY, NULL, NULL, &err));

    measure("noop_ns", BATCHES, BATCH, noop, NULL);
    measure("embedded_get_ns", BATCHES, BATCH, get_local, node);
    measure("noop_async_ns", CALLS, 1, noop_async, NULL);
    measure("remote_get_ns", CALLS, 1, get, remote);
    mixed(own, node, WARM_UP);
    printf("rss_before_kb %ld\n", resident_kb());
    mixed(own, node, OPERATIONS);
    printf("rss_after_kb %ld\n", resident_kb());

    doozer_client_free(remote);
    doozer_client_free(own);
    must(doozer_node_stop(node, NULL, &err));
    doozer_node_free(node);
    return 0;
}
