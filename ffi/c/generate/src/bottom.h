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
