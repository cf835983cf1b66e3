/* Runs the scenarios of bindings/spec/conformance with libdoozer.
 *
 *     runner [DIRECTORY] [OUTPUT] [PART]
 *
 * Each scenario has a process of its own, so that one that crashes or hangs fails alone, and leaves nothing behind. */
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner.h"

enum { SCENARIO_MS = 60000, CHILD_MS = 20000 };

/* Scenarios this runner cannot run, by the beginning of their names, and why. */
static const struct {
    const char *name, *why;
} SKIPPED[] = {{"bad-path-nul", "a path of C's ends at its first NUL, so there is no path with one in it"}};

/* Where a failure is told, and of which step. */
static int told_to = STDERR_FILENO;
static size_t step_at;
static const char *step_does = "opening";
static bool is_forked;

_Noreturn void fail(const char *pattern, ...) {
    char why[1024];
    va_list arguments;
    va_start(arguments, pattern);
    vsnprintf(why, sizeof why, pattern, arguments);
    va_end(arguments);
    dprintf(is_forked ? STDERR_FILENO : told_to, "step %zu (%s): %s%s", step_at, step_does, why, is_forked ? "\n" : "");
    _exit(1);
}

/* Waits for a process; kills it, with `group` all of its own, if it takes too long. */
static int status_of(pid_t process, int ends, int limit_ms, bool group) {
    int status;
    /* The descriptor ends with the process, and nobody writes to it. */
    struct pollfd end = {ends, POLLIN, 0};
    if (poll(&end, 1, limit_ms) != 1) kill(group ? -process : process, SIGKILL);
    close(ends);
    while (waitpid(process, &status, 0) < 0) {}
    return status;
}

/* Carries the steps behind `fork` out in a child. Returns where `join` is, in the parent. */
static size_t fork_at(world *in, size_t from) {
    int ends[2];
    size_t join = from + 1;
    while (join < in->told->step_count && strcmp(text_of(&in->told->steps[join], "do"), "join") != 0) join++;
    if (pipe(ends) != 0) fail("there is no pipe");
    pid_t child = fork();
    if (child < 0) fail("fork fails");
    if (child == 0) {
        is_forked = true;
        for (size_t at = from + 1; at < join; at++) {
            step_at = at + 1;
            step_does = text_of(&in->told->steps[at], "do");
            carry_out(in, &in->told->steps[at]);
        }
        _exit(0);
    }
    close(ends[1]);
    if (status_of(child, ends[0], CHILD_MS, false) != 0) fail("the child failed, or did not end");
    return join;
}

/* The scenario, in a process of its own. */
_Noreturn static void run(const scenario *told, const char *via, const char *data, const char *script) {
    world in;
    if (told->fault != NULL) fail("%s", told->fault);
    open_world(&in, told, via, data, script);
    for (size_t at = 0; at < told->step_count; at++) {
        step_at = at + 1;
        step_does = text_of(&told->steps[at], "do");
        if (step_does == NULL) fail("it does nothing");
        if (strcmp(step_does, "fork") == 0) {
            at = fork_at(&in, at);
        } else {
            carry_out(&in, &told->steps[at]);
        }
    }
    step_does = "ending";
    close_world(&in);
    _exit(0);
}

static int removed(const char *path, const struct stat *stat, int type, struct FTW *at) {
    (void)stat, (void)type, (void)at;
    return remove(path);
}

/* Runs a scenario. NULL, or why it failed. */
static char *one(const scenario *told, const char *via, const char *script) {
    char folder[] = "/tmp/doozer-conformance-XXXXXX";
    bool is_durable = flag_of(&told->head, "durable", false);
    int ends[2], tells[2];
    if (pipe(ends) != 0 || pipe(tells) != 0 || (is_durable && mkdtemp(folder) == NULL)) return "no pipe, or no folder";
    pid_t process = fork();
    if (process < 0) return "fork fails";
    if (process == 0) {
        setpgid(0, 0);
        close(ends[0]);
        close(tells[0]);
        told_to = tells[1];
        run(told, via, is_durable ? folder : NULL, script);
    }
    close(ends[1]);
    close(tells[1]);
    int status = status_of(process, ends[0], SCENARIO_MS, true);
    char why[1200] = "";
    ssize_t len = read(tells[0], why, sizeof why - 1);
    close(tells[0]);
    if (is_durable) nftw(folder, removed, 16, FTW_DEPTH | FTW_PHYS);
    if (status == 0) return NULL;
    if (WIFSIGNALED(status)) {
        bool is_late = WTERMSIG(status) == SIGKILL;
        return is_late ? format("it did not end within %d ms", SCENARIO_MS) : format("signal %d", WTERMSIG(status));
    }
    return format("%s", len > 0 ? why : "it ended without a reason");
}

/* Runs and reports one. Whether it did not fail. */
static bool report(FILE *output, const scenario *told, const char *name, const char *via, const char *script) {
    for (size_t i = 0; i < sizeof SKIPPED / sizeof *SKIPPED; i++) {
        if (strncmp(name, SKIPPED[i].name, strlen(SKIPPED[i].name)) == 0) {
            if (output != NULL) fprintf(output, "%s\tskip\t%s\n", name, SKIPPED[i].why);
            return true;
        }
    }
    char *why = one(told, via, script);
    if (why != NULL) fprintf(stderr, "%s: %s: %s\n", told->file, name, why);
    for (char *at = why; at != NULL && *at != '\0'; at++) {
        if (strchr("\t\n\r", *at) != NULL) *at = ' ';
    }
    if (output != NULL) fprintf(output, "%s\t%s\t%s\n", name, why == NULL ? "pass" : "fail", why == NULL ? "" : why);
    return why == NULL;
}

int main(int count, char **arguments) {
    const char *directory = count > 1 ? arguments[1] : CONFORMANCE, *part = count > 3 ? arguments[3] : "";
    const char *script = format("%s/../proxy.py", directory);
    FILE *output = count > 2 ? fopen(arguments[2], "w") : NULL;
    if (count > 2 && output == NULL) return perror(arguments[2]), 1;
    /* The environment has no say; and a proxy that is gone is an error and no end. */
    unsetenv("DOOZER_URI");
    unsetenv("DOOZER_BOOT_URI");
    signal(SIGPIPE, SIG_IGN);
    scenarios found = load(directory);
    size_t run_count = 0, failed = 0;
    for (size_t i = 0; i < found.count; i++) {
        const scenario *told = &found.all[i];
        const char *name = text_of(&told->head, "name"), *via = text_of(&told->head, "via");
        const char *names[] = {name, format("%s@embedded", name)}, *vias[] = {via != NULL ? via : "tcp", "embedded"};
        for (size_t twice = 0; twice <= flag_of(&told->head, "also_embedded", false); twice++) {
            if (strstr(names[twice], part) == NULL) continue;
            run_count++;
            failed += !report(output, told, names[twice], vias[twice], script);
        }
    }
    if (output != NULL && fclose(output) != 0) return perror(arguments[2]), 1;
    printf("conformance (C): %zu run or skipped, %zu failed\n", run_count, failed);
    return failed == 0 && run_count > 0 ? 0 : 1;
}
