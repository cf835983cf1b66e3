//! Connections that come before there is a member to serve them: clients wait; other members are answered who is here.
//! Never here: how anybody is served.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use bytes::BytesMut;
use doozer_wire::{Decoder, FRAME_BYTES_MIN_LIMIT, Request, Role};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::watch;

use crate::config::Limits;
use crate::peers::home::Home;
use crate::shared::Shared;

pub(crate) struct Lobby {
    pub home: Arc<Home>,
    /// The member, once it is there.
    pub member: watch::Receiver<Option<Arc<Shared>>>,
    /// Connections that are open.
    pub connections: Arc<AtomicUsize>,
    pub limits: Limits,
}

/// Who came.
pub(crate) enum Guest {
    /// Anybody; the member is there.
    Client(Arc<Shared>),
    /// Another member, with this HELLO, before there is a member to take it.
    Peer(Box<Request>),
    /// It left, or the member never came.
    Gone,
}

/// Bytes that a client may send before it is served.
const EARLY_BYTES: usize = 64 << 10;

impl Lobby {
    /// Waits until it is clear what becomes of a connection. What was read meanwhile is in `input`.
    pub async fn enter<S: AsyncRead + Unpin>(
        &self,
        stream: &mut S,
        input: &mut BytesMut,
    ) -> io::Result<Guest> {
        let mut member = self.member.clone();
        loop {
            if let Some(member) = member.borrow_and_update().clone() {
                return Ok(Guest::Client(member));
            }
            if let Some(request) = peer_hello(input) {
                return Ok(Guest::Peer(Box::new(request)));
            }
            tokio::select! {
                changed = member.changed() => if changed.is_err() { return Ok(Guest::Gone) },
                read = stream.read_buf(input), if input.len() < EARLY_BYTES => if read? == 0 { return Ok(Guest::Gone) },
            }
        }
    }
}

/// Another member's HELLO, taken off the front of `input`; anything else stays there.
fn peer_hello(input: &mut BytesMut) -> Option<Request> {
    let mut rest = input.clone();
    let body = Decoder::new(FRAME_BYTES_MIN_LIMIT).next(&mut rest).ok()??;
    let request = Request::decode(body).ok()?;
    let is_peer = request.hello.as_ref().is_some_and(|hello| hello.role == Role::Peer);
    is_peer.then(|| {
        *input = rest;
        request
    })
}
