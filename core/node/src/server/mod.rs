//! The client server: connections, requests, answers.
//! Never here: what a command does (the store's business), or how it is decided (the driver's).

pub(crate) mod connection;
pub(crate) mod listen;
pub(crate) mod lobby;
mod offsets;
mod pieces;
mod problem;
pub(crate) mod reads;
mod requests;
mod status;
pub(crate) mod tls;
mod waits;
pub(crate) mod writes;
