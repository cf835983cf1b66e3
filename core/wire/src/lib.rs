//! The wire protocol of Doozer: messages, framing, error numbers.
//! No sockets, no time and no rules of the store belong here; prost's types never leave this crate.
//!
//! `docs/client-protocol.md` describes what the messages mean; this crate turns them into bytes and back.
//!
//! | module | what it holds |
//! |---|---|
//! | `frame` | [`Decoder`]: cuts a stream into messages; [`frame_limit`] |
//! | `verb` | [`Verb`] |
//! | `request` | [`Request`], for both sides |
//! | `response` | [`Response`], which a member writes without allocating; [`OwnedResponse`], which a client reads |
//! | `entry` | [`Entry`] and [`OwnedEntry`]: the files of a LIST |
//! | `event` | [`EventBody`]: a change, encoded once for all who watch it |
//! | `hello` | [`Hello`], [`HelloReply`], [`Features`] |
//! | `flags` | [`SetFlags`] |
//! | `txn` | [`TxnRequest`], [`TxnReply`] and what they are made of |
//! | `session` | [`SessionRequest`], [`SessionReply`] and what they tell |
//! | `status` | [`StatusReply`] |
//! | `kind` | [`ErrorKind`] with permanent numbers, and [`Retry`]; made from `errors.toml` |
//! | `error` | [`Malformed`]: a body that is no message |
//! | `uri` | [`Uri`], [`Address`], [`Secret`] |
//! | [`peer`] | what members say to each other |
//!
//! A member reads with [`Decoder::next`] and [`Request::decode`], and answers with [`Response::encode_frame`]:
//!
//! ```
//! use bytes::BytesMut;
//! use doozer_wire::{Decoder, Request, Response, Verb, frame_limit};
//!
//! let mut sent = BytesMut::new();
//! let ask = Request { tag: Some(7), verb: Verb::Get as i32, path: Some("/a".into()), ..Request::default() };
//! ask.encode_frame(&mut sent);
//!
//! let mut decoder = Decoder::new(frame_limit(1 << 20));
//! let frame = decoder.next(&mut sent)?.ok_or("only a part of a frame")?;
//! let request = Request::decode(frame)?;
//! assert_eq!(request, ask);
//!
//! let mut answers = BytesMut::new();
//! Response { tag: request.tag, rev: Some(1), value: Some(b"x"), ..Response::default() }.encode_frame(&mut answers);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod entry;
mod error;
mod event;
mod flags;
mod frame;
mod hello;
#[path = "generated/errors.rs"]
mod kind;
pub mod peer;
#[path = "generated/doozer.rs"]
#[allow(dead_code, clippy::all, reason = "written by prost-build, which declares more than is used")]
mod proto;
mod put;
mod request;
mod response;
mod session;
mod status;
mod txn;
mod uri;
mod verb;

#[cfg(test)]
mod codec_tests;

pub use entry::{Entry, OwnedEntry};
pub use error::Malformed;
pub use event::EventBody;
pub use flags::SetFlags;
pub use frame::{Decoder, FRAME_BYTES_MIN_LIMIT, FrameError, frame_limit};
pub use hello::{Features, Hello, HelloReply, PROTOCOL_VERSION, Role};
pub use kind::{ErrorKind, Retry};
pub use request::{Consistency, Request};
pub use response::{FLAG_DEL, FLAG_PROGRESS, FLAG_SET, OwnedResponse, Response};
pub use session::{BoundFile, LockInfo, Place, SessionInfo, SessionOp, SessionReply, SessionRequest, Waiter};
pub use status::StatusReply;
pub use txn::{Action, Compare, Failed, Test, TxnFault, TxnOp, TxnReply, TxnRequest};
pub use uri::{Address, AddressFault, DEFAULT_PORT, Secret, Uri, UriError};
pub use verb::Verb;
