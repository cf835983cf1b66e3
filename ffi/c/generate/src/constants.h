
/** The version of this header; doozer_version() is that of the library. */
#define DOOZER_VERSION "@VERSION@"

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
