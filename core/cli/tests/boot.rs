//! Members that find each other by their cluster's name, which another cluster keeps: founded at most once as long as anybody
//! may have its data, and again when nobody has.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod common;

#[path = "boot/chaos.rs"]
mod chaos;
#[path = "boot/claim.rs"]
mod claim;
#[path = "boot/founded.rs"]
mod founded;
#[path = "boot/gate.rs"]
mod gate;
#[path = "boot/kept.rs"]
mod kept;
#[path = "boot/names.rs"]
mod names;
#[path = "boot/refused.rs"]
mod refused;
