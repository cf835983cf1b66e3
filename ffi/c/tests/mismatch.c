/* Built with the header of another version: the check at load says so, with both versions. */
#include "test.h"

int main(void) {
    char theirs[64], ours[64];
    snprintf(theirs, sizeof theirs, "version %u of the binary interface", DOOZER_ABI_VERSION);
    snprintf(ours, sizeof ours, "has version %u:", doozer_abi_version());
    CHECK(doozer_abi_version() != DOOZER_ABI_VERSION);
    FAILS_WITH(DOOZER_ABI_MISMATCH, theirs, doozer_check_abi(&err));
    FAILS_WITH(DOOZER_ABI_MISMATCH, ours, doozer_check_abi(&err));
    return 0;
}
