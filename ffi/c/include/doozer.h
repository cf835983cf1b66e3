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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** The version of this header; doozer_version() is that of the library. */
#define DOOZER_VERSION "0.1.0"

/** For the revision of a read: as things are now. */
#define DOOZER_NOW INT64_MIN

/** For the revision of a write: whatever revision the file has, and whether there is one or not. */
#define DOOZER_ANY INT64_C(-1)

/** For the revision of a write: there must be no such file yet. */
#define DOOZER_MISSING INT64_C(0)

/** The revision doozer_stat gives for a directory. */
#define DOOZER_DIRECTORY INT64_C(-2)

/** For timeout_ms: without end. */
#define DOOZER_FOREVER INT64_C(-1)

/** For consistency: a read sees every write that was acknowledged before it. The default. */
#define DOOZER_LINEARIZABLE 0u

/** For consistency: a read sees what the member that is asked has. It may be behind, and never goes back. */
#define DOOZER_LOCAL 1u


/**
 * The version of the binary interface that this header describes. It grows when a program that was built before would
 * not work any more.
 */
#define DOOZER_ABI_VERSION 1

/**
 * What became of a call: 0, or the permanent number of a kind of error. Later versions add kinds, so a
 * program must be ready for numbers it does not know.
 */
typedef enum {
    /**
     * It was done.
     */
    DOOZER_OK = 0,
    /**
     * Another request with this tag is still outstanding on the connection.
     */
    DOOZER_TAG_IN_USE = 1,
    /**
     * The member does not know the verb.
     */
    DOOZER_UNKNOWN_VERB = 2,
    /**
     * This member or file does not take writes.
     */
    DOOZER_READONLY = 3,
    /**
     * The revision is older than the history the member keeps.
     */
    DOOZER_TOO_LATE = 4,
    /**
     * The file has changed since the revision the write names.
     */
    DOOZER_REV_MISMATCH = 5,
    /**
     * The path is not one a file can have.
     */
    DOOZER_BAD_PATH = 6,
    /**
     * The request lacks a field its verb needs.
     */
    DOOZER_MISSING_ARG = 7,
    /**
     * The offset is negative or past the last entry.
     */
    DOOZER_RANGE = 8,
    /**
     * A file stands where the request needs a directory.
     */
    DOOZER_NOTDIR = 20,
    /**
     * A directory stands where the request needs a file.
     */
    DOOZER_ISDIR = 21,
    /**
     * Nothing has that path.
     */
    DOOZER_NOENT = 22,
    /**
     * An error without a kind of its own that this client knows.
     */
    DOOZER_OTHER = 127,
    /**
     * The glob is not well formed.
     */
    DOOZER_BAD_GLOB = 200,
    /**
     * The value is larger than the cluster's largest value, or the transaction has too many parts.
     */
    DOOZER_TOO_LARGE = 201,
    /**
     * A file under /ctl/settings was given a value it cannot have.
     */
    DOOZER_BAD_SETTING = 202,
    /**
     * The connection has not presented the secret this request needs, or the secret was wrong.
     */
    DOOZER_PERMISSION_DENIED = 203,
    /**
     * The verb can be used only on a connection that has sent HELLO.
     */
    DOOZER_HELLO_NEEDED = 204,
    /**
     * There is no room on disk for another write; reads go on.
     */
    DOOZER_DISK_FULL = 205,
    /**
     * A limit is reached: of the member's connections, waits and watches, or of sessions, their unacknowledged answers and their places in queues.
     */
    DOOZER_OVERLOADED = 206,
    /**
     * The member is stopping and did not take the request.
     */
    DOOZER_SHUTTING_DOWN = 207,
    /**
     * The message could not be understood.
     */
    DOOZER_MALFORMED = 208,
    /**
     * The member cannot reach a majority of the cluster.
     */
    DOOZER_NO_QUORUM = 209,
    /**
     * Whether the write was made cannot be known any more.
     */
    DOOZER_OUTCOME_UNKNOWN = 210,
    /**
     * The session has ended, and its ephemeral files and places in queues with it.
     */
    DOOZER_SESSION_EXPIRED = 211,
    /**
     * A command of the session that comes before this one has not arrived yet.
     */
    DOOZER_OUT_OF_ORDER = 212,
    /**
     * The command was made before, and its answer was acknowledged and is not kept any more.
     */
    DOOZER_ANSWER_GONE = 213,
    /**
     * A compare of the transaction does not hold.
     */
    DOOZER_COMPARE_FAILED = 214,
    /**
     * A session cannot have this TTL.
     */
    DOOZER_BAD_TTL = 215,
    /**
     * The request's session fields do not fit together, or a key or an id has another length than 16 bytes.
     */
    DOOZER_BAD_SESSION = 216,
    /**
     * The call's time ran out before an answer came.
     */
    DOOZER_TIMEOUT = 240,
    /**
     * The caller cancelled the call before an answer came.
     */
    DOOZER_CANCELLED = 241,
    /**
     * The connection was lost, or no address could be reached.
     */
    DOOZER_DISCONNECTED = 242,
    /**
     * The lock is no longer held, or may soon be another's.
     */
    DOOZER_LOCK_LOST = 243,
    /**
     * The client, watch or lock was closed by its owner.
     */
    DOOZER_CLOSED = 244,
    /**
     * A lock, watch or embedded member was made before a fork and used in the child.
     */
    DOOZER_FORKED = 245,
    /**
     * The library failed inside; the handle cannot be used any more.
     */
    DOOZER_PANIC = 246,
    /**
     * The address or URI is not well formed.
     */
    DOOZER_BAD_URI = 247,
    /**
     * The operating system refused an operation.
     */
    DOOZER_IO = 248,
    /**
     * The other side answered with something that is no answer.
     */
    DOOZER_PROTOCOL = 249,
    /**
     * The program was built for another version of the library than the one it loaded.
     */
    DOOZER_ABI_MISMATCH = 250,
} doozer_code;

/**
 * What a second attempt is good for.
 */
typedef enum {
    /**
     * The same request will fail again. Nothing was changed.
     */
    DOOZER_RETRY_NEVER = 0,
    /**
     * The request can succeed once something else has changed: look first, then decide. Nothing was changed.
     */
    DOOZER_RETRY_AFTER_CHANGE = 1,
    /**
     * Nothing was changed, and the same request may be sent again, after a short pause or to another member.
     */
    DOOZER_RETRY_SAFE = 2,
    /**
     * A read may be sent again. A write may or may not have been made: look before sending it again.
     */
    DOOZER_RETRY_UNKNOWN = 3,
} doozer_retry;

/**
 * What kind of part of a transaction refused it.
 */
typedef enum {
    /**
     * None: it was no transaction, or no part of one.
     */
    DOOZER_PART_NONE = 0,
    /**
     * A condition, such as doozer_txn_if_rev.
     */
    DOOZER_PART_COMPARE = 1,
    /**
     * A change, such as doozer_txn_set.
     */
    DOOZER_PART_OPERATION = 2,
} doozer_part;

/**
 * A cancel token: ends every call it was given to in doozer_call_opts, from any thread, now and from then on. One may
 * serve many calls at once. It belongs to the process it was made in: in the child of a fork, a call that is given it
 * fails with DOOZER_FORKED.
 */
typedef struct doozer_cancel doozer_cancel;

/**
 * A client of one cluster. Any number of threads may use it at once. In the child of a fork it opens a connection of
 * its own when it is first used there; the client of an embedded member stays with its parent, and fails with
 * DOOZER_FORKED. It is the caller's to free, with doozer_client_free.
 */
typedef struct doozer_client doozer_client;

/**
 * A file as a live value: first as it is, then as it is after each of its changes. Threads and forks: as doozer_watch.
 * It is the caller's to free.
 */
typedef struct doozer_config doozer_config;

/**
 * Who went through a barrier. Any thread may use it; in the child of a fork it fails with DOOZER_FORKED, and has not left.
 * It is the caller's to free, with doozer_entered_free.
 */
typedef struct doozer_entered doozer_entered;

/**
 * The files of a walk or a live map. They are the caller's to free. NULL stands for none.
 */
typedef struct doozer_entries doozer_entries;

/**
 * A file of a walk, a list or a live map. One of doozer_list_next is the caller's to free; one of doozer_entries_at is not.
 */
typedef struct doozer_entry doozer_entry;

/**
 * Why a call failed. It is the caller's to free; its texts live as long as it does, and are in UTF-8. NULL stands for
 * no error wherever one is read.
 */
typedef struct doozer_error doozer_error;

/**
 * A change of a file. It is the caller's to free.
 */
typedef struct doozer_event doozer_event;

/**
 * A file as it was read: its value and the revision that wrote it, or that there is none. It is the caller's to free.
 * NULL stands for a file that is missing.
 */
typedef struct doozer_file doozer_file;

/**
 * A lock that was taken, of any kind, or a place of a semaphore. Any thread may use it; in the child of a fork it fails
 * with DOOZER_FORKED, and stays held. It is the caller's to free, with doozer_lock_free.
 */
typedef struct doozer_held_lock doozer_held_lock;

/**
 * Who was elected. Any thread may use it; in the child of a fork it fails with DOOZER_FORKED, and goes on leading. It is
 * the caller's to free, with doozer_leader_free.
 */
typedef struct doozer_leader doozer_leader;

/**
 * The files that match a glob, all as of one revision, piece by piece, so that any number of them takes little memory.
 * Threads and forks: as doozer_watch. It is the caller's to free.
 */
typedef struct doozer_list doozer_list;

/**
 * The files that match a glob, kept current in the background. Any thread may use it; in the child of a fork it fails with
 * DOOZER_FORKED. It is the caller's to free, with doozer_live_free.
 */
typedef struct doozer_live doozer_live;

/**
 * The names in a directory. They are the caller's to free. NULL stands for none.
 */
typedef struct doozer_names doozer_names;

/**
 * A member within the program: it serves the program itself without a socket, and others if it listens. Any number of
 * threads may use it at once. It stays with the process that started it: in the child of a fork it fails with
 * DOOZER_FORKED. It is the caller's to free, with doozer_node_free.
 */
typedef struct doozer_node doozer_node;

/**
 * A file that is there for as long as this is. Any thread may use it; in the child of a fork it fails with
 * DOOZER_FORKED, and the file stays. It is the caller's to free, with doozer_registration_free.
 */
typedef struct doozer_registration doozer_registration;

/**
 * A transaction: conditions, and the changes that are made if all of them hold, all or none. Up to 128 of both together.
 * Only one thread at a time may add to it, and none while another commits it; it may be committed again, and in the child
 * of a fork. It is the caller's to free, with doozer_txn_free.
 *
 * Conditions look at the files as they are before; a change sees what the changes before it did. A part that cannot be
 * added is told at once, and once more by doozer_txn_commit, which then makes nothing: so it is enough to look there. All
 * errors name the operation "txn".
 */
typedef struct doozer_txn doozer_txn;

/**
 * Every change of the files that match a glob, from a revision on, in order: none is missed and none comes twice,
 * whatever happens to connections (one of doozer_follow_open may give a difference instead, see there). Several threads may
 * read it; each event goes to one of them. In the child of a fork it fails with DOOZER_FORKED. It is the caller's to free.
 */
typedef struct doozer_watch doozer_watch;

/**
 * How a client works. Begin with doozer_connect_opts_init(); all zeros behind the size are the defaults, and so is NULL
 * in place of the whole. Texts are copied.
 */
typedef struct {
    /**
     * sizeof(doozer_connect_opts).
     */
    size_t size;
    /**
     * How long the client's calls usually may take in milliseconds; see doozer_call_opts. 0: 10 s. DOOZER_FOREVER:
     * without end.
     */
    int64_t timeout_ms;
    /**
     * How long opening the client may take in milliseconds, over all addresses. 0: 10 s. DOOZER_FOREVER: without end.
     */
    int64_t connect_timeout_ms;
    /**
     * Ends the opening early; NULL: nothing does.
     */
    const doozer_cancel *cancel;
    /**
     * What ACCESS presents on each connection; NULL: what the URI says.
     */
    const char *secret;
    /**
     * What the client calls itself to members, for their logs; NULL: "doozer-c/VERSION".
     */
    const char *name;
    /**
     * The URI of the cluster in which addresses are looked up if the URI holds only a cluster's name; NULL: what the
     * environment's DOOZER_BOOT_URI says.
     */
    const char *boot;
    /**
     * The file of the certificates, in PEM form, that may have signed a member's. NULL: no TLS.
     */
    const char *tls_ca;
    /**
     * The file of this client's certificate chain, for clusters that ask for one; then tls_key is needed too.
     */
    const char *tls_cert;
    /**
     * The file of the private key of tls_cert.
     */
    const char *tls_key;
    /**
     * The name that a member's certificate must be for; NULL: the host of the address.
     */
    const char *tls_server_name;
    /**
     * How long what the client holds by its session (locks, elections, registrations) outlives its last sign of life, in
     * milliseconds, from 1 s to 24 h. 0: 10 s.
     */
    int64_t session_ttl_ms;
    /**
     * What its session is called in listings, and what the files of its locks hold, for people; what is longer than 256
     * bytes is cut. NULL: the program's name and the process's id.
     */
    const char *session_label;
} doozer_connect_opts;

/**
 * How one call works. Begin with doozer_call_opts_init(); all zeros behind the size are the defaults, and so is NULL in
 * place of the whole.
 */
typedef struct {
    /**
     * sizeof(doozer_call_opts).
     */
    size_t size;
    /**
     * How long the call may take in milliseconds, reconnecting included. 0: as long as the client's calls usually may;
     * without end for what waits for others (doozer_wait, the streams' next, locks, elections and barriers, and that one
     * of them is lost, doozer_live_changed) and for a member's start and stop. DOOZER_FOREVER: without end. It fails with
     * DOOZER_TIMEOUT then, with DOOZER_DISCONNECTED if no member could be reached, or, a write that was sent, with
     * DOOZER_OUTCOME_UNKNOWN.
     */
    int64_t timeout_ms;
    /**
     * Ends the call early; NULL: nothing does. It has to live until the call begins to wait.
     */
    const doozer_cancel *cancel;
    /**
     * How fresh a read without a revision must be: DOOZER_LINEARIZABLE (0, the default) or DOOZER_LOCAL.
     */
    uint32_t consistency;
    /**
     * For doozer_set and doozer_del: the file of a lock or a leader. The write is made only while that still has the
     * fencing token fence_token, and fails with DOOZER_LOCK_LOST otherwise. doozer_lock_fence and doozer_leader_fence set
     * both. NULL: no such condition. All other functions refuse it with DOOZER_RANGE; a transaction has
     * doozer_txn_if_fence.
     */
    const char *fence_path;
    /**
     * The fencing token that goes with fence_path: doozer_lock_rev, doozer_leader_token.
     */
    int64_t fence_token;
} doozer_call_opts;

/**
 * What a list leaves out. Begin with doozer_list_opts_init(); all zeros behind the size are the defaults, and so is
 * NULL in place of the whole.
 */
typedef struct {
    /**
     * sizeof(doozer_list_opts).
     */
    size_t size;
    /**
     * At most so many files, the first ones; 0: all.
     */
    uint64_t limit;
    /**
     * Not 0: leave the values out.
     */
    int32_t keys_only;
} doozer_list_opts;

/**
 * What a member within the program is told at its start. Begin with doozer_node_opts_init(); all zeros behind the size
 * are the defaults, and so is NULL in place of the whole. Texts are copied.
 */
typedef struct {
    /**
     * sizeof(doozer_node_opts).
     */
    size_t size;
    /**
     * The directory of its data, which is made if it is not there; NULL: in memory.
     */
    const char *data_dir;
    /**
     * "HOST:PORT" to serve clients on; port 0 takes a free one. NULL: it serves only this program.
     */
    const char *listen;
    /**
     * The cluster's name. Used at its birth only. NULL: "local".
     */
    const char *cluster_name;
    /**
     * How many revisions it keeps; 0: 360,000.
     */
    uint64_t history;
    /**
     * How many bytes of history it keeps; 0: 256 MiB.
     */
    uint64_t history_bytes;
    /**
     * The largest value in bytes. Used at a cluster's birth only. 0: 1 MiB.
     */
    uint64_t max_value;
    /**
     * The secret that gives the right to write over the network; NULL: no secret is needed.
     */
    const char *secret;
    /**
     * The secret that gives the right to read; NULL: none is needed.
     */
    const char *read_secret;
    /**
     * The file of its certificate chain, in PEM form, for TLS; then tls_key is needed too. NULL: no TLS.
     */
    const char *tls_cert;
    /**
     * The file of the private key of tls_cert.
     */
    const char *tls_key;
    /**
     * The file of the certificates one of which must have signed a client's; NULL: clients need none.
     */
    const char *tls_ca;
    /**
     * What /ctl/node/ID/hostname says; NULL: "localhost".
     */
    const char *hostname;
} doozer_node_opts;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The error's kind as the number that never changes; DOOZER_OK for NULL.
 */
doozer_code doozer_error_code(const doozer_error *error);

/**
 * The error's kind by its name, such as "REV_MISMATCH"; "OK" for NULL. Never NULL, and never to be freed.
 */
const char *doozer_error_kind(const doozer_error *error);

/**
 * The operation that failed, such as "set"; "" for NULL. Never NULL.
 */
const char *doozer_error_op(const doozer_error *error);

/**
 * The path or glob the operation was about; NULL if it was about none.
 */
const char *doozer_error_path(const doozer_error *error);

/**
 * What there is to say beyond the kind; "" if there is nothing. Never NULL.
 */
const char *doozer_error_detail(const doozer_error *error);

/**
 * All of it in a line, such as "REV_MISMATCH: set /a: the file is at revision 7"; "" for NULL. Never NULL.
 */
const char *doozer_error_message(const doozer_error *error);

/**
 * What a second attempt is good for, as far as the kind tells; DOOZER_RETRY_NEVER for NULL.
 */
doozer_retry doozer_error_retry(const doozer_error *error);

/**
 * Whether the very same call may be made again without looking first. False for a write whose outcome is not known.
 */
bool doozer_error_is_retryable(const doozer_error *error);

/**
 * Which part of a transaction refused it; DOOZER_PART_NONE if none did, and for NULL. `*number` says which of that kind, in
 * the order they were added, counted from 1; 0 with DOOZER_PART_NONE. `number` may be NULL.
 */
doozer_part doozer_error_part(const doozer_error *error,
                              uint32_t *number);

/**
 * Frees an error. NULL does nothing.
 */
void doozer_error_free(doozer_error *error);

/**
 * What a doozer_code is called, such as "REV_MISMATCH"; "OTHER" if this version does not know it. Never NULL, and
 * never to be freed.
 */
const char *doozer_code_name(int32_t code);

/**
 * Makes a cancel token. It is the caller's to free.
 */
doozer_cancel *doozer_cancel_new(void);

/**
 * Ends the calls the token was given to, at once, and those it will be given to: they fail with DOOZER_CANCELLED,
 * unless they have their result already. What was not sent never is, and the member takes a wait back; a write that
 * was sent may still be made. Any thread may call it, at any time, as often as it likes, but no signal handler: see
 * doozer_cancel_fire_from_signal. NULL does nothing. Does not block.
 */
void doozer_cancel_fire(const doozer_cancel *cancel);

/**
 * The same for signal handlers: async-signal-safe, it takes effect within 50 ms. NULL does nothing.
 */
void doozer_cancel_fire_from_signal(const doozer_cancel *cancel);

/**
 * Whether it was fired, either way. False for NULL.
 */
bool doozer_cancel_is_fired(const doozer_cancel *cancel);

/**
 * Frees a token. Calls that have it go on and cannot be cancelled any more. NULL does nothing.
 */
void doozer_cancel_free(doozer_cancel *cancel);

/**
 * The value's first byte; NULL if the file is missing. A value has no NUL behind it: see doozer_file_len.
 */
const void *doozer_file_value(const doozer_file *file);

/**
 * The value's length in bytes; 0 if the file is missing.
 */
size_t doozer_file_len(const doozer_file *file);

/**
 * The revision that wrote the file; 0 if it is missing.
 */
int64_t doozer_file_rev(const doozer_file *file);

/**
 * Whether there is no such file.
 */
bool doozer_file_is_missing(const doozer_file *file);

/**
 * Frees a file, and its value with it. NULL does nothing.
 */
void doozer_file_free(doozer_file *file);

/**
 * The path of the file that changed. It lives as long as the event. NULL for NULL.
 */
const char *doozer_event_path(const doozer_event *event);

/**
 * What the file holds now, see doozer_event_len; empty if it was deleted. NULL for NULL.
 */
const void *doozer_event_value(const doozer_event *event);

/**
 * The value's length in bytes.
 */
size_t doozer_event_len(const doozer_event *event);

/**
 * The revision the change made.
 */
int64_t doozer_event_rev(const doozer_event *event);

/**
 * Whether the file was written.
 */
bool doozer_event_is_set(const doozer_event *event);

/**
 * Whether the file was deleted.
 */
bool doozer_event_is_del(const doozer_event *event);

/**
 * Frees an event, its path and value with it. NULL does nothing.
 */
void doozer_event_free(doozer_event *event);

/**
 * The file's path. It lives as long as the entry. NULL for NULL.
 */
const char *doozer_entry_path(const doozer_entry *entry);

/**
 * The value's first byte; NULL if only the paths were asked for.
 */
const void *doozer_entry_value(const doozer_entry *entry);

/**
 * The value's length in bytes, whether it was asked for or not.
 */
uint64_t doozer_entry_len(const doozer_entry *entry);

/**
 * The revision that wrote the file.
 */
int64_t doozer_entry_rev(const doozer_entry *entry);

/**
 * Frees an entry of doozer_list_next. NULL does nothing.
 */
void doozer_entry_free(doozer_entry *entry);

/**
 * How many entries there are.
 */
size_t doozer_entries_count(const doozer_entries *entries);

/**
 * One of them, counted from 0; NULL past the last. It belongs to the entries, and is freed with them.
 */
const doozer_entry *doozer_entries_at(const doozer_entries *entries, size_t index);

/**
 * Frees entries. NULL does nothing.
 */
void doozer_entries_free(doozer_entries *entries);

/**
 * How many names there are.
 */
size_t doozer_names_count(const doozer_names *names);

/**
 * One of them, counted from 0; NULL past the last. It belongs to the names, and is freed with them.
 */
const char *doozer_names_at(const doozer_names *names, size_t index);

/**
 * Frees names. NULL does nothing.
 */
void doozer_names_free(doozer_names *names);

/**
 * Opens a client of the cluster that `uri` names: "HOST:PORT", or several with commas between, or "doozer:?ca=…&sk=…".
 * NULL is what the environment's DOOZER_URI says, or else 127.0.0.1:8046. NULL options are the defaults.
 *
 * Blocks until a connection stands, at most for connect_timeout_ms. `*client` is the new client, or NULL on failure.
 *
 * Errors: DOOZER_BAD_URI; DOOZER_DISCONNECTED, naming the addresses, if none could be reached in time;
 * DOOZER_PERMISSION_DENIED for a wrong secret; DOOZER_IO for a certificate that cannot be read; DOOZER_BAD_TTL for a
 * session_ttl_ms below 1 s or above 24 h.
 */
doozer_code doozer_connect(const char *uri,
                           const doozer_connect_opts *options,
                           doozer_client **client,
                           doozer_error **err);

/**
 * Closes a client. Calls under way in other threads end with DOOZER_CLOSED, or, writes that were sent, with
 * DOOZER_OUTCOME_UNKNOWN; all later ones fail with DOOZER_CLOSED. Closing again is no error. The handle is still to be
 * freed. In the child of a fork the parent's connection is left alone.
 *
 * Blocks until the connection is given up.
 */
doozer_code doozer_close(const doozer_client *client,
                         const doozer_call_opts *call,
                         doozer_error **err);

/**
 * Whether the client was closed. True for NULL.
 */
bool doozer_is_closed(const doozer_client *client);

/**
 * Frees a client. Calls that other threads are already waiting in, open streams, and what is held by it (locks,
 * elections, registrations, live maps) go on: close it first to end them. NULL does nothing. Does not block.
 */
void doozer_client_free(doozer_client *client);

/**
 * Writes the file `path`, provided that it has not changed since `rev`: 0 is for a file that does not exist yet, -1 for
 * whatever there is. `value` has `len` bytes; NULL will do if there are none. `*new_rev` is the revision this made;
 * `new_rev` may be NULL. With a fence in `call`, see doozer_lock_fence, it is made only while that lock is held. Blocks.
 *
 * Errors: DOOZER_REV_MISMATCH if it has changed; DOOZER_BAD_PATH; DOOZER_ISDIR, DOOZER_NOTDIR if no file can stand there;
 * DOOZER_TOO_LARGE; DOOZER_PERMISSION_DENIED; DOOZER_OUTCOME_UNKNOWN if the answer did not come; DOOZER_LOCK_LOST if what
 * the fence names is not held any more.
 */
doozer_code doozer_set(const doozer_client *client,
                       const char *path,
                       const void *value,
                       size_t len,
                       int64_t rev,
                       const doozer_call_opts *call,
                       int64_t *new_rev,
                       doozer_error **err);

/**
 * Makes the file `path`, which must not exist yet: doozer_set with revision 0. Blocks.
 *
 * Errors: as doozer_set; DOOZER_REV_MISMATCH if it exists.
 */
doozer_code doozer_add(const doozer_client *client,
                       const char *path,
                       const void *value,
                       size_t len,
                       const doozer_call_opts *call,
                       int64_t *new_rev,
                       doozer_error **err);

/**
 * Deletes the file `path`, provided that it has not changed since `rev`, see doozer_set. `*new_rev` is the revision this
 * made; 0 if there was no such file. `new_rev` may be NULL. Blocks.
 *
 * Errors: as doozer_set.
 */
doozer_code doozer_del(const doozer_client *client,
                       const char *path,
                       int64_t rev,
                       const doozer_call_opts *call,
                       int64_t *new_rev,
                       doozer_error **err);

/**
 * Writes again what the file `path` held at revision `rev`, provided that nobody changes it meanwhile. `*new_rev` is the
 * revision this made; if the file is still the one of that time, its own. `new_rev` may be NULL. Blocks.
 *
 * Errors: as doozer_get; DOOZER_NOENT if there was no file then; DOOZER_REV_MISMATCH if it was changed meanwhile; those of
 * doozer_set.
 */
doozer_code doozer_rollback(const doozer_client *client,
                            const char *path,
                            int64_t rev,
                            const doozer_call_opts *call,
                            int64_t *new_rev,
                            doozer_error **err);

/**
 * Reads the file `path` as it is (DOOZER_NOW) or was at a revision; one that has not come yet is waited for. A file that
 * does not exist is no error, see doozer_file_is_missing. `*file` is the file, or NULL on failure. Blocks.
 *
 * Errors: DOOZER_ISDIR; DOOZER_BAD_PATH; DOOZER_RANGE for a negative revision; DOOZER_TOO_LATE for one that is not kept
 * any more; DOOZER_PERMISSION_DENIED.
 */
doozer_code doozer_get(const doozer_client *client,
                       const char *path,
                       int64_t rev,
                       const doozer_call_opts *call,
                       doozer_file **file,
                       doozer_error **err);

/**
 * The current revision goes to `*rev`. Blocks.
 */
doozer_code doozer_rev(const doozer_client *client,
                       const doozer_call_opts *call,
                       int64_t *rev,
                       doozer_error **err);

/**
 * Looks at a file or directory, now (DOOZER_NOW) or at a revision. `*len` is the file's length in bytes, or the number of
 * the directory's entries; `*file_rev` is the revision that wrote the file, DOOZER_DIRECTORY for a directory, 0 if there
 * is nothing. Either may be NULL. Blocks.
 *
 * Errors: as doozer_get, but for a directory.
 */
doozer_code doozer_stat(const doozer_client *client,
                        const char *path,
                        int64_t rev,
                        const doozer_call_opts *call,
                        uint64_t *len,
                        int64_t *file_rev,
                        doozer_error **err);

/**
 * The names in a directory, in order, now (DOOZER_NOW) or at a revision. `*names` is NULL on failure. Blocks.
 *
 * Errors: DOOZER_NOENT; DOOZER_NOTDIR; and those of doozer_get.
 */
doozer_code doozer_getdir(const doozer_client *client,
                          const char *path,
                          int64_t rev,
                          const doozer_call_opts *call,
                          doozer_names **names,
                          doozer_error **err);

/**
 * All files that match `glob` at one revision, the current one (DOOZER_NOW) or another, in the order of the tree.
 * doozer_list_open gives them piece by piece. `*entries` is NULL on failure. Blocks.
 *
 * Errors: DOOZER_BAD_GLOB; DOOZER_RANGE; DOOZER_TOO_LATE; DOOZER_PERMISSION_DENIED.
 */
doozer_code doozer_walk(const doozer_client *client,
                        const char *glob,
                        int64_t rev,
                        const doozer_call_opts *call,
                        doozer_entries **entries,
                        doozer_error **err);

/**
 * Waits for the first change of a file that matches `glob`, on or after revision `rev`; without end unless told
 * otherwise. `*event` is NULL on failure. Blocks.
 *
 * Errors: DOOZER_BAD_GLOB; DOOZER_RANGE; DOOZER_TOO_LATE; DOOZER_PERMISSION_DENIED.
 */
doozer_code doozer_wait(const doozer_client *client,
                        const char *glob,
                        int64_t rev,
                        const doozer_call_opts *call,
                        doozer_event **event,
                        doozer_error **err);

/**
 * Passes through the cluster without changing anything: proof that writing works. Takes the right to write. Blocks.
 */
doozer_code doozer_nop(const doozer_client *client,
                       const doozer_call_opts *call,
                       doozer_error **err);

/**
 * The id of the member the client is connected to. `*id` is the caller's to free with doozer_string_free; NULL on
 * failure. Blocks.
 */
doozer_code doozer_self(const doozer_client *client,
                        const doozer_call_opts *call,
                        char **id,
                        doozer_error **err);

/**
 * Frees the text of doozer_self. NULL does nothing.
 */
void doozer_string_free(char *text);

/**
 * Presents a secret of `len` bytes, and presents it again on every connection to come. Blocks.
 *
 * Errors: DOOZER_PERMISSION_DENIED if it is wrong; nothing has changed then.
 */
doozer_code doozer_access(const doozer_client *client,
                          const void *secret,
                          size_t len,
                          const doozer_call_opts *call,
                          doozer_error **err);

/**
 * Opens a watch of every change from revision `rev` on of the files that match `glob`. It has to be closed or freed. It
 * asks the member for nothing until doozer_watch_next. `*watch` is NULL on failure. Does not block.
 *
 * Errors: DOOZER_CLOSED, DOOZER_FORKED; all others come with the first event.
 */
doozer_code doozer_watch_open(const doozer_client *client,
                              const char *glob,
                              int64_t rev,
                              doozer_watch **watch,
                              doozer_error **err);

/**
 * Opens a stream of the changes of the files that match `glob` which never fails because it is too late: from revision
 * `rev` on, or, with DOOZER_NOW, beginning with every file that there is. Where changes are not kept any more it gives the
 * difference instead: the files that were written since, with what they hold now, then those that are gone, each with the
 * revision at which it was looked. It is read, closed and freed as a watch; its errors name the operation "follow".
 * `*watch` is NULL on failure. Does not block.
 *
 * Errors: as doozer_watch_open.
 */
doozer_code doozer_follow_open(const doozer_client *client,
                               const char *glob,
                               int64_t rev,
                               doozer_watch **watch,
                               doozer_error **err);

/**
 * Waits for the next event; without end unless told otherwise. A call that is cancelled or timed out loses none.
 * `*event` is the caller's to free; NULL on failure. Blocks.
 *
 * Errors: DOOZER_CLOSED once the watch was closed, or has ended with an earlier error; DOOZER_BAD_GLOB; DOOZER_RANGE;
 * DOOZER_TOO_LATE if a revision is not kept any more; DOOZER_PERMISSION_DENIED; DOOZER_FORKED.
 */
doozer_code doozer_watch_next(const doozer_watch *watch,
                              const doozer_call_opts *call,
                              doozer_event **event,
                              doozer_error **err);

/**
 * Closes a watch: it is taken back from the member, and whoever waits for its next event, in any thread, hears
 * DOOZER_CLOSED at once. The handle is still to be freed. NULL, and closing again, do nothing. Does not block.
 */
void doozer_watch_close(const doozer_watch *watch);

/**
 * Frees a watch and closes it, unless another thread is waiting in it. NULL does nothing. Does not block.
 */
void doozer_watch_free(doozer_watch *watch);

/**
 * Opens the file `path` as a live value. It has to be closed or freed. `*config` is NULL on failure. Does not block.
 *
 * Errors: as doozer_watch_open.
 */
doozer_code doozer_config_open(const doozer_client *client,
                               const char *path,
                               doozer_config **config,
                               doozer_error **err);

/**
 * Opens the election at `path`, see doozer_elect, as a live value: what its leader said last; a missing file while nobody
 * leads. It is read, closed and freed as a doozer_config; its errors name the operation "observe". `*config` is NULL on
 * failure. Does not block.
 *
 * Errors: as doozer_watch_open.
 */
doozer_code doozer_observe_open(const doozer_client *client,
                                const char *path,
                                doozer_config **config,
                                doozer_error **err);

/**
 * The file as it is, the first time; then waits for its next change, without end unless told otherwise. A file that is
 * not there, or not any more, comes as a missing one. A reader so slow that the member does not keep a change any more
 * misses changes, but never the latest. `*file` is the caller's to free; NULL on failure. Blocks.
 *
 * Errors: DOOZER_CLOSED as doozer_watch_next; DOOZER_BAD_PATH; DOOZER_ISDIR; DOOZER_PERMISSION_DENIED; DOOZER_FORKED.
 */
doozer_code doozer_config_next(const doozer_config *config,
                               const doozer_call_opts *call,
                               doozer_file **file,
                               doozer_error **err);

/**
 * Closes a live value, as doozer_watch_close does a watch.
 */
void doozer_config_close(const doozer_config *config);

/**
 * Frees a live value, as doozer_watch_free does a watch.
 */
void doozer_config_free(doozer_config *config);

/**
 * Opens a list of the files that match `glob` at one revision, the current one (DOOZER_NOW) or another, in the order of
 * the tree. They come page by page, and each page has the time limit and the consistency of `call`. The list has to be
 * closed or freed. `*list` is NULL on failure. Does not block.
 *
 * Errors: as doozer_watch_open.
 */
doozer_code doozer_list_open(const doozer_client *client,
                             const char *glob,
                             int64_t rev,
                             const doozer_list_opts *options,
                             const doozer_call_opts *call,
                             doozer_list **list,
                             doozer_error **err);

/**
 * The next file of a list. `*entry_out` is the caller's to free; NULL, with DOOZER_OK, after the last, and NULL on
 * failure. Blocks while a page is fetched.
 *
 * Errors: DOOZER_CLOSED once the list was closed; DOOZER_BAD_GLOB; DOOZER_RANGE; DOOZER_TOO_LATE if the revision is not
 * kept any more; DOOZER_PERMISSION_DENIED; DOOZER_FORKED.
 */
doozer_code doozer_list_next(const doozer_list *list,
                             const doozer_call_opts *call,
                             doozer_entry **entry_out,
                             doozer_error **err);

/**
 * Closes a list, as doozer_watch_close does a watch.
 */
void doozer_list_close(const doozer_list *list);

/**
 * Frees a list, as doozer_watch_free does a watch.
 */
void doozer_list_free(doozer_list *list);

/**
 * Makes a transaction without any part. It is the caller's to free.
 */
doozer_txn *doozer_txn_new(void);

/**
 * Adds the condition that the file's revision is `rev`; 0: that there is none.
 *
 * Errors: DOOZER_MISSING_ARG; DOOZER_BAD_PATH if `path` is not UTF-8. All else is told by doozer_txn_commit.
 */
doozer_code doozer_txn_if_rev(doozer_txn *txn, const char *path, int64_t rev, doozer_error **err);

/**
 * Adds the condition that the file holds `value`, of `len` bytes; NULL will do if there are none.
 *
 * Errors: as doozer_txn_if_rev; DOOZER_TOO_LARGE.
 */
doozer_code doozer_txn_if_value(doozer_txn *txn,
                                const char *path,
                                const void *value,
                                size_t len,
                                doozer_error **err);

/**
 * Adds the condition that nothing is there, no directory either.
 *
 * Errors: as doozer_txn_if_rev.
 */
doozer_code doozer_txn_if_absent(doozer_txn *txn, const char *path, doozer_error **err);

/**
 * Adds the condition that the file has the fencing token `token`: that a lock (doozer_lock_path, doozer_lock_rev) is still
 * held, or that a leader (doozer_leader_path, doozer_leader_token) still leads. The token of a file that is bound to no
 * session is its revision.
 *
 * Errors: as doozer_txn_if_rev.
 */
doozer_code doozer_txn_if_fence(doozer_txn *txn,
                                const char *path,
                                int64_t token,
                                doozer_error **err);

/**
 * Adds a change: writes a file, by the rule of doozer_set.
 *
 * Errors: as doozer_txn_if_value.
 */
doozer_code doozer_txn_set(doozer_txn *txn,
                           const char *path,
                           const void *value,
                           size_t len,
                           int64_t rev,
                           doozer_error **err);

/**
 * Adds a change: writes a file that goes when the session of the client ends which commits this, by the rule of doozer_set.
 *
 * Errors: as doozer_txn_if_value.
 */
doozer_code doozer_txn_set_ephemeral(doozer_txn *txn,
                                     const char *path,
                                     const void *value,
                                     size_t len,
                                     int64_t rev,
                                     doozer_error **err);

/**
 * Adds a change: deletes a file, by the rule of doozer_del.
 *
 * Errors: as doozer_txn_if_rev.
 */
doozer_code doozer_txn_del(doozer_txn *txn, const char *path, int64_t rev, doozer_error **err);

/**
 * Makes all changes of a transaction if all its conditions hold, or none. The revision of each change, in the order they
 * were added, goes to `revs`, which has room for `room` of them: 0 for the deletion of a file that was not there. They are
 * consecutive. NULL: nobody wants them. On failure they are 0. The transaction stays as it is. Blocks.
 *
 * Errors: DOOZER_COMPARE_FAILED if a condition does not hold; what a change would end with by itself, as doozer_set; which
 * part it was, doozer_error_part tells. DOOZER_TOO_LARGE for more than 128 parts; DOOZER_RANGE, and nothing was made, if
 * there are more changes than `room`; what a part could not be added with.
 */
doozer_code doozer_txn_commit(const doozer_client *client,
                              const doozer_txn *txn,
                              const doozer_call_opts *call,
                              int64_t *revs,
                              size_t room,
                              doozer_error **err);

/**
 * Frees a transaction. NULL does nothing.
 */
void doozer_txn_free(doozer_txn *txn);

/**
 * Takes a lock: makes the file `path`, bound to the client's session, as soon as it does not exist. Those who wait stand in
 * a queue of the cluster's and are served in order; without end unless told otherwise. A call that is cancelled or timed
 * out leaves nothing behind. `*lock` is NULL on failure. Blocks.
 *
 * It is held until it is given back, or the client is closed, or the client's session ends because nothing was heard of it
 * for its TTL (session_ttl_ms of doozer_connect_opts): a process that dies holds it no longer than that. The holder knows of
 * such a loss before the cluster gives the lock to the next one, see doozer_lock_lost, unless it stood still meanwhile. So
 * hand the fencing token, doozer_lock_rev, to what the lock protects, if that can refuse a smaller one than it has seen;
 * for writes to Doozer itself there is doozer_lock_fence. Whoever deletes or overwrites the file takes the lock from its
 * holder.
 *
 * Errors: DOOZER_BAD_PATH; DOOZER_ISDIR, DOOZER_NOTDIR if no file can stand there; DOOZER_TIMEOUT, naming the revision of
 * the holder's file; DOOZER_PERMISSION_DENIED.
 */
doozer_code doozer_lock(const doozer_client *client,
                        const char *path,
                        const doozer_call_opts *call,
                        doozer_held_lock **lock,
                        doozer_error **err);

/**
 * Takes a lock if nobody holds it: `*lock` is NULL, with DOOZER_OK, if somebody does, and NULL on failure. Otherwise as
 * doozer_lock. Blocks for a call's usual time.
 *
 * Errors: as doozer_lock.
 */
doozer_code doozer_try_lock(const doozer_client *client,
                            const char *path,
                            const doozer_call_opts *call,
                            doozer_held_lock **lock,
                            doozer_error **err);

/**
 * Takes a read-write lock for reading: `path` is a directory, in which many readers may be at a time, and no writer. All who
 * want in are served in the order in which they came. The lock's path and token are those of a file in that directory that
 * stands for this reader. Otherwise as doozer_lock. Blocks.
 *
 * Errors: as doozer_lock; DOOZER_NOTDIR if a file stands at `path`.
 */
doozer_code doozer_read_lock(const doozer_client *client,
                             const char *path,
                             const doozer_call_opts *call,
                             doozer_held_lock **lock,
                             doozer_error **err);

/**
 * Takes a read-write lock for writing: alone. Otherwise as doozer_read_lock. Blocks.
 *
 * Errors: as doozer_read_lock.
 */
doozer_code doozer_write_lock(const doozer_client *client,
                              const char *path,
                              const doozer_call_opts *call,
                              doozer_held_lock **lock,
                              doozer_error **err);

/**
 * Takes one of `n` places: `path` is a directory, in which so many may be at a time. All who want in are served in the order
 * in which they came; each goes in once fewer than its own `n` are inside, so give all the same. The lock's path and token
 * are those of a file in that directory that stands for this place. Otherwise as doozer_lock. Blocks.
 *
 * Errors: as doozer_read_lock; DOOZER_RANGE if `n` is 0.
 */
doozer_code doozer_semaphore(const doozer_client *client,
                             const char *path,
                             size_t n,
                             const doozer_call_opts *call,
                             doozer_held_lock **lock,
                             doozer_error **err);

/**
 * Gives a lock back: deletes the file, if it is still this holder's. With DOOZER_OK it is free, or the next one has it. The
 * handle is still to be freed. It may take as long as `call` says, and no longer than is usual for the client. A
 * call that is cancelled or timed out leaves it being given back; after another error than those below it may be called
 * again, too. Blocks.
 *
 * Errors: DOOZER_LOCK_LOST if it was not this holder's any more, so that somebody else may have held the lock meanwhile;
 * DOOZER_CLOSED if it was given back before, or if the client was closed; DOOZER_FORKED.
 */
doozer_code doozer_unlock(const doozer_held_lock *lock,
                          const doozer_call_opts *call,
                          doozer_error **err);

/**
 * Waits until the lock is not held any more: until the cluster may soon give it to somebody else, because it has confirmed
 * nothing for too long; or because somebody deleted or overwrote the file, or it was given back. The former is known before
 * the next one can have it, unless this process stands still. Waits without end unless told otherwise; it may be called
 * from any number of threads, before and after. Blocks.
 *
 * Errors: DOOZER_TIMEOUT and DOOZER_CANCELLED, by `call`, if it was held until then; DOOZER_FORKED.
 */
doozer_code doozer_lock_lost(const doozer_held_lock *lock,
                             const doozer_call_opts *call,
                             doozer_error **err);

/**
 * Makes the writes that `call` is given to, doozer_set and doozer_del, depend on the lock: sets fence_path, which lives as
 * long as the lock's handle, and fence_token. The cluster refuses them with DOOZER_LOCK_LOST once somebody else may hold the
 * lock, however late they come. Does not block.
 *
 * Errors: DOOZER_FORKED; DOOZER_ABI_MISMATCH if the program's doozer_call_opts has no place for it.
 */
doozer_code doozer_lock_fence(const doozer_held_lock *lock,
                              doozer_call_opts *call,
                              doozer_error **err);

/**
 * The path of the lock's file. It lives as long as the handle. NULL for NULL.
 */
const char *doozer_lock_path(const doozer_held_lock *lock);

/**
 * The fencing token: the revision of the lock's file, which grows from holder to holder.
 */
int64_t doozer_lock_rev(const doozer_held_lock *lock);

/**
 * Whether it surely is held: it was not given back, nor found lost, and the cluster does not end its session yet. Asks
 * nobody: that somebody deleted or overwrote the file is known only while doozer_lock_lost waits. False in the child of a
 * fork, and for NULL. Does not block.
 */
bool doozer_lock_is_held(const doozer_held_lock *lock);

/**
 * For how many milliseconds it surely is held, if it is not given back and nobody deletes or overwrites its file; 0 once
 * doozer_lock_is_held is false. By a clock that goes on while the machine sleeps. Does not block.
 */
int64_t doozer_lock_valid_for_ms(const doozer_held_lock *lock);

/**
 * Frees the handle. A lock that is still held is given back in the background, as far as that can be done, once no other
 * thread waits in doozer_lock_lost; doozer_unlock says whether it was. NULL does nothing. Does not block.
 */
void doozer_lock_free(doozer_held_lock *lock);

/**
 * Stands for election: waits until the file `path` is this candidate's, which then leads. The file holds `value`, of `len`
 * bytes, for everybody to see: see doozer_observe_open. Candidates are elected in the order in which they came. `*leader`
 * is NULL on failure. Otherwise as doozer_lock. Blocks.
 *
 * Errors: as doozer_lock; DOOZER_TOO_LARGE.
 */
doozer_code doozer_elect(const doozer_client *client,
                         const char *path,
                         const void *value,
                         size_t len,
                         const doozer_call_opts *call,
                         doozer_leader **leader,
                         doozer_error **err);

/**
 * Says something else from now on; the token stays. `*new_rev` is the revision of that; `new_rev` may be NULL. It may take
 * as long as `call` says, and no longer than the election might. Cancelled or timed out, it may have been said, or not.
 * Blocks.
 *
 * Errors: DOOZER_LOCK_LOST if it does not lead any more; DOOZER_CLOSED if it has resigned; DOOZER_FORKED; and as doozer_set.
 */
doozer_code doozer_proclaim(const doozer_leader *leader,
                            const void *value,
                            size_t len,
                            const doozer_call_opts *call,
                            int64_t *new_rev,
                            doozer_error **err);

/**
 * Leads no longer; the next candidate does. Otherwise as doozer_unlock. Blocks.
 *
 * Errors: DOOZER_LOCK_LOST if it did not lead any more; DOOZER_CLOSED if it has resigned before, or if the client was
 * closed; DOOZER_FORKED.
 */
doozer_code doozer_resign(const doozer_leader *leader,
                          const doozer_call_opts *call,
                          doozer_error **err);

/**
 * Waits until it does not lead any more, as doozer_lock_lost. Blocks.
 *
 * Errors: as doozer_lock_lost.
 */
doozer_code doozer_leader_lost(const doozer_leader *leader, const doozer_call_opts *call, doozer_error **err);

/**
 * Makes the writes that `call` is given to depend on its leading, as doozer_lock_fence does. Does not block.
 *
 * Errors: as doozer_lock_fence.
 */
doozer_code doozer_leader_fence(const doozer_leader *leader, doozer_call_opts *call, doozer_error **err);

/**
 * The path of the election's file. It lives as long as the handle. NULL for NULL.
 */
const char *doozer_leader_path(const doozer_leader *leader);

/**
 * The fencing token: greater for each leader than for the one before, and the same however often it proclaims.
 */
int64_t doozer_leader_token(const doozer_leader *leader);

/**
 * Whether it surely leads, as doozer_lock_is_held. Does not block.
 */
bool doozer_leader_is_leading(const doozer_leader *leader);

/**
 * Frees the handle. One that still leads resigns in the background, as doozer_lock_free gives a lock back. NULL does
 * nothing. Does not block.
 */
void doozer_leader_free(doozer_leader *leader);

/**
 * Registers a service, or whatever there is as long as this process is: writes the file `path`, bound to the client's
 * session, with `value` of `len` bytes, whatever was there before, and writes it again whenever the session was lost. Give
 * each instance a path of its own; doozer_discover finds them. `*registration` is NULL on failure. Blocks until the file is
 * there, for a call's usual time; a call that is cancelled or timed out leaves nothing behind.
 *
 * When the process dies, the file goes within the session's TTL and a margin. After an outage of the cluster, or of the
 * way to it, the file is there again a moment after. A file that somebody else deletes or overwrites is left alone: so an
 * instance can be taken out by hand.
 *
 * Errors: DOOZER_BAD_PATH; DOOZER_ISDIR, DOOZER_NOTDIR; DOOZER_TOO_LARGE; DOOZER_PERMISSION_DENIED.
 */
doozer_code doozer_register(const doozer_client *client,
                            const char *path,
                            const void *value,
                            size_t len,
                            const doozer_call_opts *call,
                            doozer_registration **registration,
                            doozer_error **err);

/**
 * Takes a registration back. With DOOZER_OK the file is gone, or is somebody else's. The handle is still to be freed. It may
 * take as long as `call` says, and no longer than is usual for the client. A call that is cancelled or timed out
 * leaves it being taken back. Blocks.
 *
 * Errors: DOOZER_CLOSED if it was taken back before, or if the client was closed; DOOZER_FORKED; those of a write.
 */
doozer_code doozer_deregister(const doozer_registration *registration,
                              const doozer_call_opts *call,
                              doozer_error **err);

/**
 * The file's path. It lives as long as the handle. NULL for NULL.
 */
const char *doozer_registration_path(const doozer_registration *registration);

/**
 * The file's revision; 0 while it may be gone with a session that was lost, and is to be written again; 0 also once it was
 * taken back, in the child of a fork, and for NULL. Asks nobody. Does not block.
 */
int64_t doozer_registration_rev(const doozer_registration *registration);

/**
 * Frees the handle. What is still registered is taken back in the background, as far as that can be done. NULL does
 * nothing. Does not block.
 */
void doozer_registration_free(doozer_registration *registration);

/**
 * The files that match `glob`, such as services that were registered (doozer_register), as a map that is kept current in
 * the background: reading it costs nothing. `*live` is NULL on failure. Blocks until it is known what there is, for a call's
 * usual time; after that there is no time limit, whatever happens to connections and members meanwhile. While there is no
 * connection the map is what was known last. Its errors name the operation "discover".
 *
 * Errors: DOOZER_BAD_GLOB; DOOZER_PERMISSION_DENIED.
 */
doozer_code doozer_discover(const doozer_client *client,
                            const char *glob,
                            const doozer_call_opts *call,
                            doozer_live **live,
                            doozer_error **err);

/**
 * The files as they are now, in the order of their paths. Asks nobody. Once the map was closed they stay as they were.
 * `*entries` is the caller's to free, with doozer_entries_free; NULL on failure. Does not block.
 *
 * Errors: DOOZER_FORKED.
 */
doozer_code doozer_live_files(const doozer_live *live,
                              doozer_entries **entries,
                              doozer_error **err);

/**
 * Waits until something has changed since the last call that said so, or since the map was made; then gives the files.
 * Several changes may come at once. Waits without end unless told otherwise; a call that is cancelled or timed out loses
 * none. `*entries` is the caller's to free, with doozer_entries_free; NULL on failure. Blocks.
 *
 * Errors: DOOZER_CLOSED once the map was closed, or its client; DOOZER_PERMISSION_DENIED; DOOZER_FORKED.
 */
doozer_code doozer_live_changed(const doozer_live *live,
                                const doozer_call_opts *call,
                                doozer_entries **entries,
                                doozer_error **err);

/**
 * Closes a map: it is kept current no longer, and whoever waits in doozer_live_changed, in any thread, hears DOOZER_CLOSED
 * at once. The handle is still to be freed. NULL, and closing again, do nothing. Does not block.
 */
void doozer_live_close(const doozer_live *live);

/**
 * Frees a map, and takes it back from the member once no other thread waits in it. NULL does nothing. Does not block.
 */
void doozer_live_free(doozer_live *live);

/**
 * Goes through the barrier in the directory `path`: waits until `n` have come, this one included; without end unless told
 * otherwise. Should there be more by then, they go through too; who comes when some have gone through waits until all of
 * those have left, and for `n` of its own. A call that is cancelled or timed out has not come. `*entered` is NULL on
 * failure. Blocks.
 *
 * Errors: DOOZER_RANGE if `n` is 0; DOOZER_BAD_PATH; DOOZER_NOTDIR if a file stands at `path`; DOOZER_LOCK_LOST if the
 * session was lost meanwhile; DOOZER_PERMISSION_DENIED.
 */
doozer_code doozer_barrier_enter(const doozer_client *client,
                                 const char *path,
                                 size_t n,
                                 const doozer_call_opts *call,
                                 doozer_entered **entered,
                                 doozer_error **err);

/**
 * Leaves, and waits until all who went through together have left: as long as `call` says;
 * without end unless told otherwise. A call that is cancelled or timed out has left, and may be made again to wait for the
 * others. The handle is still to be freed. Blocks.
 *
 * Errors: DOOZER_LOCK_LOST if it counted as having left before; DOOZER_CLOSED if the client was closed; DOOZER_FORKED.
 */
doozer_code doozer_barrier_leave(const doozer_entered *entered,
                                 const doozer_call_opts *call,
                                 doozer_error **err);

/**
 * Waits until it counts as having left, because its session may have ended, or somebody deleted its file, or it has left.
 * Otherwise as doozer_lock_lost. Blocks.
 *
 * Errors: as doozer_lock_lost.
 */
doozer_code doozer_barrier_lost(const doozer_entered *entered,
                                const doozer_call_opts *call,
                                doozer_error **err);

/**
 * Whether it surely counts as inside: it has not left, nor was found lost, and the cluster does not end its session yet. Asks
 * nobody: that somebody deleted its file is known only while doozer_barrier_lost waits. False in the child of a fork, and for
 * NULL. Does not block.
 */
bool doozer_barrier_is_inside(const doozer_entered *entered);

/**
 * Frees the handle. One that has not left does so in the background, once no other thread waits in doozer_barrier_lost. NULL
 * does nothing. Does not block.
 */
void doozer_entered_free(doozer_entered *entered);

/**
 * Starts a member. NULL options are the defaults: in memory, and not listening. Blocks until it serves. `*node` is NULL
 * on failure.
 *
 * Errors: DOOZER_IO, with what stood in the way: an address in use, a directory that cannot be made, is in use or
 * damaged.
 */
doozer_code doozer_node_start(const doozer_node_opts *options,
                              const doozer_call_opts *call,
                              doozer_node **node,
                              doozer_error **err);

/**
 * A client of the member, without a socket. It needs no secret. NULL options are the defaults. Blocks. `*client` is NULL
 * on failure.
 *
 * Errors: DOOZER_CLOSED if the member was stopped; DOOZER_FORKED.
 */
doozer_code doozer_node_client(const doozer_node *node,
                               const doozer_connect_opts *options,
                               doozer_client **client,
                               doozer_error **err);

/**
 * Reads a file from this member's own state, as it is (DOOZER_NOW) or was at a revision. It waits for nothing and sends
 * nothing. `*file` is NULL on failure.
 *
 * Errors: DOOZER_ISDIR; DOOZER_BAD_PATH; DOOZER_RANGE for a negative revision; DOOZER_TOO_LATE for one that is not kept any
 * more; DOOZER_TIMEOUT for one that has not come yet; DOOZER_CLOSED; DOOZER_FORKED.
 */
doozer_code doozer_node_get_local(const doozer_node *node,
                                  const char *path,
                                  int64_t rev,
                                  doozer_file **file,
                                  doozer_error **err);

/**
 * The revision of this member's own state goes to `*rev`. Does not block.
 *
 * Errors: DOOZER_CLOSED if the member was stopped; DOOZER_FORKED.
 */
doozer_code doozer_node_revision(const doozer_node *node, int64_t *rev, doozer_error **err);

/**
 * The member's id, as doozer_self answers it. It lives as long as the handle. NULL for NULL.
 */
const char *doozer_node_id(const doozer_node *node);

/**
 * The name the member's cluster was born with. It lives as long as the handle. NULL for NULL.
 */
const char *doozer_node_cluster_name(const doozer_node *node);

/**
 * Where the member listens, "HOST:PORT" with the port it got; NULL if it does not. It lives as long as the handle.
 */
const char *doozer_node_address(const doozer_node *node);

/**
 * Stops a member: it takes no more requests, answers what is under way, makes everything durable, and ends. A call that
 * is cancelled or timed out leaves it stopping. Stopping again does nothing. The handle is still to be freed. Blocks.
 *
 * Errors: DOOZER_FORKED.
 */
doozer_code doozer_node_stop(const doozer_node *node,
                             const doozer_call_opts *call,
                             doozer_error **err);

/**
 * Frees a member. One that was not stopped ends as if it had crashed, which loses nothing that was acknowledged. NULL
 * does nothing. Does not block.
 */
void doozer_node_free(doozer_node *node);

/**
 * The version of the library that was loaded, such as "0.1.0"; DOOZER_VERSION is that of this header. Never to be freed.
 */
const char *doozer_version(void);

/**
 * The version of the binary interface of the library that was loaded. Every version of the library has this function
 * and the next, as they are, so that a program can ask before it calls anything else.
 */
uint32_t doozer_abi_version(void);

/**
 * Whether a program built with the header of that version can use this library; doozer_check_abi is the usual way to
 * ask. A program that loads the library with dlopen passes the DOOZER_ABI_VERSION it was built with.
 *
 * Errors: DOOZER_ABI_MISMATCH, naming both versions.
 */
doozer_code doozer_check_abi_version(uint32_t version,
                                     doozer_error **err);

/**
 * Ends the library's threads, so that nothing is left of it, waiting for them at most so many milliseconds
 * (DOOZER_FOREVER: as long as it takes). No other thread may be within a call of the library, and none may begin one
 * until this returns. Handles that are left say DOOZER_CLOSED and may be freed; whatever is opened afterwards begins
 * anew. Not needed at a program's end.
 */
void doozer_shutdown(int64_t timeout_ms);

/**
 * Does nothing: what a call costs by itself, for benchmarks.
 */
void doozer_bench_noop(void);

/**
 * Goes to the library's threads and back: what a call that waits costs by itself, for benchmarks. Blocks.
 */
doozer_code doozer_bench_noop_async(const doozer_call_opts *call, doozer_error **err);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

/** The options of a call, all defaults. */
static inline doozer_call_opts doozer_call_opts_init(void) {
    doozer_call_opts options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}

/** The options of a client, all defaults. */
static inline doozer_connect_opts doozer_connect_opts_init(void) {
    doozer_connect_opts options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}

/** The options of a list, all defaults. */
static inline doozer_list_opts doozer_list_opts_init(void) {
    doozer_list_opts options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}

/** The options of a member, all defaults. */
static inline doozer_node_opts doozer_node_opts_init(void) {
    doozer_node_opts options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}

/**
 * Whether this program can use the library it was loaded with: call it first where the two may differ.
 * Errors: DOOZER_ABI_MISMATCH, naming both versions.
 */
static inline doozer_code doozer_check_abi(doozer_error **err) {
    return doozer_check_abi_version(DOOZER_ABI_VERSION, err);
}

#endif /* DOOZER_H */
