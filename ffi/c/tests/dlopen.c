/* A program that is not linked with the library: it loads it, asks whether the two fit, uses it, and lets go of it while
 * its threads are there. */
#include <doozer.h>
#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

static int failed(const char *what) {
    fprintf(stderr, "dlopen: %s\n", what);
    return 1;
}

int main(int count, char **arguments) {
    if (count != 2) return failed("usage: dlopen LIBRARY");
    alarm(300);
    void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) return failed(dlerror());
    uint32_t (*version)(void);
    doozer_code (*check)(uint32_t, doozer_error **);
    doozer_code (*round_trip)(const doozer_call_opts *, doozer_error **);
    void (*error_free)(doozer_error *);
    void (*shutdown)(int64_t);
    *(void **)&version = dlsym(library, "doozer_abi_version");
    *(void **)&check = dlsym(library, "doozer_check_abi_version");
    *(void **)&round_trip = dlsym(library, "doozer_bench_noop_async");
    *(void **)&error_free = dlsym(library, "doozer_error_free");
    *(void **)&shutdown = dlsym(library, "doozer_shutdown");
    if (!version || !check || !round_trip || !error_free || !shutdown) return failed("a function is missing");
    doozer_error *err;
    if (version() != DOOZER_ABI_VERSION || check(DOOZER_ABI_VERSION, &err) != DOOZER_OK) return failed("they do not fit");
    if (check(DOOZER_ABI_VERSION + 1, &err) != DOOZER_ABI_MISMATCH) return failed("everything fits");
    error_free(err);
    if (round_trip(NULL, &err) != DOOZER_OK) return failed("a call");
    /* Its threads run on, so it has to stay. */
    if (dlclose(library) != 0) return failed("dlclose");
    if (round_trip(NULL, &err) != DOOZER_OK) return failed("a call after dlclose");
    shutdown(60000);
    return 0;
}
