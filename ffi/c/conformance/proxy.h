/* The process of bindings/spec/proxy.py, told what to do line by line. */
#ifndef PROXY_H
#define PROXY_H

#include <stdio.h>
#include <sys/types.h>

typedef struct {
    pid_t process;
    FILE *commands, *answers;
    char address[64];
} proxy;

/* Starts `script` before the member at `member`. NULL, or why it did not start. */
const char *proxy_start(proxy *made, const char *script, const char *member);
/* Has it carry out a command. NULL, or what it answered instead of "ok". */
const char *proxy_tell(proxy *told, const char *command);
/* Ends it. */
void proxy_stop(proxy *running);

#endif
