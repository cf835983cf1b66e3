//! The numbers that have been given away. A line here is never changed or taken out; a new kind adds one.

use doozer_wire::{ErrorKind, Retry};

const GIVEN: &[(u32, &str)] = &[
    (1, "TAG_IN_USE"),
    (2, "UNKNOWN_VERB"),
    (3, "READONLY"),
    (4, "TOO_LATE"),
    (5, "REV_MISMATCH"),
    (6, "BAD_PATH"),
    (7, "MISSING_ARG"),
    (8, "RANGE"),
    (20, "NOTDIR"),
    (21, "ISDIR"),
    (22, "NOENT"),
    (127, "OTHER"),
    (200, "BAD_GLOB"),
    (201, "TOO_LARGE"),
    (202, "BAD_SETTING"),
    (203, "PERMISSION_DENIED"),
    (204, "HELLO_NEEDED"),
    (205, "DISK_FULL"),
    (206, "OVERLOADED"),
    (207, "SHUTTING_DOWN"),
    (208, "MALFORMED"),
    (209, "NO_QUORUM"),
    (210, "OUTCOME_UNKNOWN"),
    (211, "SESSION_EXPIRED"),
    (212, "OUT_OF_ORDER"),
    (213, "ANSWER_GONE"),
    (214, "COMPARE_FAILED"),
    (215, "BAD_TTL"),
    (216, "BAD_SESSION"),
    (240, "TIMEOUT"),
    (241, "CANCELLED"),
    (242, "DISCONNECTED"),
    (243, "LOCK_LOST"),
    (244, "CLOSED"),
    (245, "FORKED"),
    (246, "PANIC"),
    (247, "BAD_URI"),
    (248, "IO"),
    (249, "PROTOCOL"),
    (250, "ABI_MISMATCH"),
];

#[test]
fn no_number_or_name_has_changed() {
    let now: Vec<(u32, &str)> = ErrorKind::ALL.iter().map(|kind| (kind.number(), kind.name())).collect();
    assert_eq!(now, GIVEN);
}

#[test]
fn a_number_leads_back_to_its_kind_and_no_other_to_any() {
    for number in 0..1000 {
        let found = ErrorKind::from_number(number).map(|kind| (kind.number(), kind.name()));
        let given = GIVEN.iter().find(|(given, _)| *given == number).copied();
        assert_eq!(found, given);
    }
}

#[test]
fn only_the_originals_have_a_code_of_their_own() {
    for kind in ErrorKind::ALL {
        let code = if kind.number() < 200 { kind.number() as i32 } else { 127 };
        assert_eq!(kind.wire_code(), code, "{kind}");
    }
}

#[test]
fn it_is_shown_by_its_name() {
    assert_eq!(ErrorKind::RevMismatch.to_string(), "REV_MISMATCH");
    assert_eq!(ErrorKind::OutcomeUnknown.to_string(), "OUTCOME_UNKNOWN");
}

#[test]
fn a_write_of_unknown_outcome_is_never_safe_to_send_again() {
    use ErrorKind::{Cancelled, Disconnected, NoQuorum, Other, OutcomeUnknown, Timeout};
    for kind in [Cancelled, Disconnected, NoQuorum, Other, OutcomeUnknown, Timeout] {
        assert_eq!(kind.retry(), Retry::Unknown, "{kind}");
    }
}
