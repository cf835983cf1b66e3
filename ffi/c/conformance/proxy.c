/* The process of bindings/spec/proxy.py, told what to do line by line. */
#include "proxy.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long it may take to answer; `expect` itself takes up to 10 s. */
enum { ANSWER_MS = 20000 };

/* The next line, without its end, to a buffer that is never freed; NULL if none comes. */
static char *answer(proxy *from) {
    static char line[256];
    struct pollfd readable = {fileno(from->answers), POLLIN, 0};
    /* One line for each command: nothing is ever left in the stream's buffer. */
    if (poll(&readable, 1, ANSWER_MS) != 1 || fgets(line, sizeof line, from->answers) == NULL) return NULL;
    line[strcspn(line, "\n")] = '\0';
    return line;
}

const char *proxy_start(proxy *made, const char *script, const char *member) {
    int in[2], out[2];
    if (pipe(in) != 0 || pipe(out) != 0) return "there are no pipes";
    made->process = fork();
    if (made->process < 0) return "fork fails";
    if (made->process == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        /* Its end is the end of its input: no copy of the other side may stay open in it. */
        const int spare[] = {in[0], in[1], out[0], out[1]};
        for (size_t i = 0; i < 4; i++) close(spare[i]);
        execlp("python3", "python3", script, member, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    made->commands = fdopen(in[1], "w");
    made->answers = fdopen(out[0], "r");
    if (made->commands == NULL || made->answers == NULL) return "there are no streams";
    const char *line = answer(made);
    if (line == NULL || sscanf(line, "listening %63s", made->address) != 1) return "it does not say where it listens";
    return NULL;
}

const char *proxy_tell(proxy *told, const char *command) {
    if (fprintf(told->commands, "%s\n", command) < 0 || fflush(told->commands) != 0) return "it is gone";
    const char *line = answer(told);
    if (line == NULL) return "it does not answer";
    return strcmp(line, "ok") == 0 ? NULL : line;
}

void proxy_stop(proxy *running) {
    fclose(running->commands);
    fclose(running->answers);
    kill(running->process, SIGTERM);
    waitpid(running->process, NULL, 0);
}
