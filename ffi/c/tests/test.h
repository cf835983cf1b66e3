/* What the tests share. Each is a program that ends with status 0 if everything is as it should be. */
#ifndef TEST_H
#define TEST_H

#include <doozer.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Longer than anything takes, also under valgrind: what hangs is killed, and fails. */
enum { PATIENCE_S = 300, SOON_MS = 60000 };

static _Thread_local doozer_error *err;

#define CHECK(condition)                                                      \
    do {                                                                      \
        if (!(condition)) failed(__FILE__, __LINE__, #condition, NULL);       \
    } while (0)

/* The call succeeds. Its errors go to `err`. */
#define OK(call)                                                              \
    do {                                                                      \
        if ((call) != DOOZER_OK || err != NULL) failed(__FILE__, __LINE__, #call, err); \
    } while (0)

/* The call fails with just this code, and its error says so too. `detail` is part of what it says. */
#define FAILS_WITH(expected, detail, call)                                    \
    do {                                                                      \
        doozer_code code = (call);                                            \
        if (code != (expected) || doozer_error_code(err) != (expected) ||     \
            strstr(doozer_error_message(err), (detail)) == NULL) {            \
            failed(__FILE__, __LINE__, #expected " " #detail ": " #call, err); \
        }                                                                     \
        doozer_error_free(err);                                               \
        err = NULL;                                                           \
    } while (0)

#define FAILS(expected, call) FAILS_WITH(expected, "", call)

static inline void failed(const char *file, int line, const char *what, doozer_error *error) {
    fprintf(stderr, "%s:%d: %s: %s\n", file, line, what, error == NULL ? "it is not so" : doozer_error_message(error));
    _exit(1);
}

static inline int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline bool same(const char *one, const char *other) {
    return one != NULL && other != NULL && strcmp(one, other) == 0;
}

/* A call's options with a time limit. */
static inline doozer_call_opts within(int64_t timeout_ms) {
    doozer_call_opts options = doozer_call_opts_init();
    options.timeout_ms = timeout_ms;
    return options;
}

/* A member that listens on a free port. */
static inline doozer_node *member(void) {
    doozer_node *node;
    doozer_node_opts options = doozer_node_opts_init();
    options.listen = "127.0.0.1:0";
    OK(doozer_node_start(&options, NULL, &node, &err));
    CHECK(doozer_node_address(node) != NULL);
    return node;
}

static inline doozer_client *connected(const char *address) {
    doozer_client *client;
    OK(doozer_connect(address, NULL, &client, &err));
    return client;
}

static inline int64_t put(doozer_client *client, const char *path, const char *value) {
    int64_t rev;
    OK(doozer_set(client, path, value, strlen(value), DOOZER_ANY, NULL, &rev, &err));
    CHECK(rev > 0);
    return rev;
}

static inline bool holds(doozer_client *client, const char *path, const char *value) {
    doozer_file *file;
    OK(doozer_get(client, path, DOOZER_NOW, NULL, &file, &err));
    bool is_so = value == NULL ? doozer_file_is_missing(file)
                               : doozer_file_len(file) == strlen(value) &&
                                     memcmp(doozer_file_value(file), value, strlen(value)) == 0;
    doozer_file_free(file);
    return is_so;
}

static inline void finish(doozer_client *client, doozer_node *node) {
    OK(doozer_close(client, NULL, &err));
    doozer_client_free(client);
    OK(doozer_node_stop(node, NULL, &err));
    doozer_node_free(node);
}

static inline pthread_t started(void *(*body)(void *), void *argument) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, body, argument) == 0);
    return thread;
}

static inline void joined(pthread_t thread) { CHECK(pthread_join(thread, NULL) == 0); }

#endif
