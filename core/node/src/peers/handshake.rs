//! The first frames of a connection between members, on either side.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use doozer_wire::peer::{
    Acceptor, BadFrame, Call, Dialer, HANDSHAKE_BYTES_MAX, Introduction, Opener, Purpose, Refused, Sealer,
};
use doozer_wire::{
    Decoder, FrameError, HelloReply, Malformed, OwnedResponse, PROTOCOL_VERSION, Request, Response,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::home::Home;
use super::words;

/// How long it may take in all.
const HANDSHAKE: Duration = Duration::from_secs(3);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// The network's reason.
    #[error("{}", words::of(.0))]
    Io(#[from] io::Error),
    /// One of the two refuses.
    #[error("refused: {0}")]
    Refused(#[from] Refused),
    /// What came in the handshake is no frame.
    #[error("{}", words::of_no_frame(.0))]
    NoFrame(FrameError),
    /// What came in the handshake is no message.
    #[error("no member is there ({0}): check the address")]
    NoMessage(Malformed),
    /// What came later is no frame.
    #[error("the connection was closed: {0}: it was garbled")]
    Frame(#[from] FrameError),
    /// What came later is no frame of that member's.
    #[error("the connection was closed: {0}")]
    BadFrame(#[from] BadFrame),
    /// It ended in the middle of its way.
    #[error(
        "the connection was closed: a frame was not whole after {} s: it was garbled, or the network is far too slow", .0.as_secs()
    )]
    Stuck(Duration),
    /// Nothing came.
    #[error("no answer within {} s: it hangs, or is no member", HANDSHAKE.as_secs())]
    TooSlow,
}

impl Trouble {
    /// Whether somebody is there who does not talk to this member, and will not do so later on.
    pub fn is_final(&self) -> bool {
        matches!(self, Trouble::Refused(_) | Trouble::NoFrame(_) | Trouble::NoMessage(_))
    }
}

/// Says who this member is to whoever is there, and makes sure of the other one.
pub(super) async fn call<S>(
    stream: &mut S,
    home: &Home,
    call: Call,
) -> Result<(Introduction, Sealer), Trouble>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    timeout(HANDSHAKE, try_call(stream, home, call)).await.map_err(|_| Trouble::TooSlow)?
}

async fn try_call<S>(stream: &mut S, home: &Home, call: Call) -> Result<(Introduction, Sealer), Trouble>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut input, mut decoder) = (BytesMut::new(), Decoder::new(HANDSHAKE_BYTES_MAX));
    let (dialer, request) = Dialer::new(&home.secret, home.introduction(), call, nonce()?);
    let mut out = BytesMut::new();
    request.encode_frame(&mut out);
    send(stream, &out).await?;
    let response = frame(stream, &mut input, &mut decoder).await?;
    let response = OwnedResponse::decode(response).map_err(Trouble::NoMessage)?;
    let (proving, proof) = dialer.on_reply(&response)?;
    send(stream, &proof).await?;
    Ok(proving.on_accept(frame(stream, &mut input, &mut decoder).await?)?)
}

/// A member has said HELLO. Both make sure of each other; whoever is refused is told why.
pub(super) async fn answer<S>(
    stream: &mut S,
    input: &mut BytesMut,
    home: &Home,
    request: &Request,
) -> Result<(Introduction, Purpose, Opener), Trouble>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    timeout(HANDSHAKE, try_answer(stream, input, home, request)).await.map_err(|_| Trouble::TooSlow)?
}

async fn try_answer<S>(
    stream: &mut S,
    input: &mut BytesMut,
    home: &Home,
    request: &Request,
) -> Result<(Introduction, Purpose, Opener), Trouble>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let me = home.introduction();
    let has_cluster = me.cluster.is_some();
    let hello = request.hello.clone().unwrap_or_default();
    let acceptor = Acceptor::new(&home.secret, me, &hello).and_then(|acceptor| {
        let is_early = acceptor.call().purpose == Purpose::Messages && !has_cluster;
        let why = "it belongs to no cluster yet: it will, and then takes messages";
        if is_early { Err(Refused::Policy(why.into())) } else { Ok(acceptor) }
    });
    let acceptor = match acceptor {
        Ok(acceptor) => acceptor,
        Err(refused) => {
            say_hello(stream, request, refused.reply()).await?;
            return Err(refused.into());
        }
    };
    let (greeted, reply) = acceptor.greet(nonce()?);
    say_hello(stream, request, reply).await?;
    let proof = frame(stream, input, &mut Decoder::new(HANDSHAKE_BYTES_MAX)).await?;
    let proven = match greeted.on_proof(proof) {
        Ok(proven) => proven,
        Err(refused) => {
            send(stream, &refused.accept()).await?;
            return Err(refused.into());
        }
    };
    let purpose = proven.purpose();
    let (accept, them, opener) = proven.accept();
    send(stream, &accept).await?;
    Ok((them, purpose, opener))
}

async fn say_hello<S: AsyncWrite + Unpin>(stream: &mut S, request: &Request, peer: Bytes) -> io::Result<()> {
    let hello = HelloReply { version: PROTOCOL_VERSION, peer: Some(peer), ..HelloReply::default() };
    let mut out = BytesMut::new();
    Response { tag: request.tag, hello: Some(&hello), ..Response::default() }.encode_frame(&mut out);
    send(stream, &out).await
}

async fn send<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

async fn frame<S: AsyncRead + Unpin>(
    stream: &mut S,
    input: &mut BytesMut,
    decoder: &mut Decoder,
) -> Result<Bytes, Trouble> {
    loop {
        if let Some(body) = decoder.next(input).map_err(Trouble::NoFrame)? {
            return Ok(body);
        }
        if stream.read_buf(input).await? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was closed").into());
        }
    }
}

fn nonce() -> io::Result<[u8; 32]> {
    let mut nonce = [0; 32];
    getrandom::fill(&mut nonce).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(nonce)
}
