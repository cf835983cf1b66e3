//! The client server: connections, requests, answers.
//! Never here: what a command does (the store's business), or how it is decided (the driver's).

mod commands;
pub(crate) mod connection;
pub(crate) mod keep_alive;
pub(crate) mod listen;
pub(crate) mod lobby;
mod offsets;
mod outcomes;
mod pieces;
mod problem;
mod queued;
pub(crate) mod reads;
mod requests;
mod sessions;
mod shown;
mod status;
pub(crate) mod tls;
mod txn;
mod waits;
pub(crate) mod writes;
