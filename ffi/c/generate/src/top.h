/*
 * doozer.h: libdoozer, Doozer for C and whatever can call C.
 * Made from ffi/c/src by doozer-c-generate; do not edit.
 *
 * What holds for every function:
 *
 * - Result. What can fail returns a doozer_code, 0 (DOOZER_OK) if it was done. Later versions add codes: treat one you
 *   do not know as a failure.
 * - Errors. The last argument of what can fail, `err`, may be NULL. Otherwise `*err` is a new doozer_error on failure, which
 *   is the caller's to free, and NULL on success. It is only written: an error that stood there is not freed.
 * - Results. They go where the arguments before `err` say. On failure a handle's place holds NULL, a number's 0. A place
 *   for a number may be NULL; one for a handle may not.
 * - NULL. Where the description does not allow it, it is DOOZER_MISSING_ARG with the argument's name, and never a crash.
 *   Every _free takes NULL and does nothing. What reads a part of a handle (doozer_file_len and the like) takes NULL too.
 * - Ownership. A handle is the caller's until its _free is called, once. What a pointer into a handle points to lives as
 *   long as the handle. Arguments are copied and may go when the call returns.
 * - Closing is not freeing. A _close ends what a handle does and may be called at any time, from any thread, also while
 *   others are in a call with it, which end then. A _free gives the memory back: from then on nobody may begin a call with
 *   the handle. A call that is already waiting does not mind.
 * - Holding. What is held (a lock, a leader, a registration, a place behind a barrier) is given back by its own call, which
 *   says whether that was done; freed without it, it is given back in the background.
 * - Threads. Every handle but a transaction and a result (file, event, entry, entries, names, error) may be used by any
 *   number of threads at once; those by any number that read them.
 * - Blocking. Functions that block say so and take a doozer_call_opts, all but doozer_shutdown; the others come back at
 *   once. A signal does not end a wait: use a cancel token.
 * - Text. Paths, globs and all other `char *` end with a NUL and are in UTF-8; what is not fails, a path with
 *   DOOZER_BAD_PATH. Values are bytes, with a length beside them.
 * - Fork. Any thread may fork at any time outside of a signal handler. In the child a client goes on with a connection of
 *   its own; streams, live maps, whatever is held, cancel tokens, and members with their clients stay with the parent and
 *   fail with DOOZER_FORKED; everything may be freed, which touches nothing of the parent's.
 * - Panics. A bug inside becomes DOOZER_PANIC; the handle is of no more use then, and is still to be freed.
 */
#ifndef DOOZER_H
#define DOOZER_H
