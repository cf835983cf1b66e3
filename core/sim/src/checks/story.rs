//! Stories for the tests of the checks.
