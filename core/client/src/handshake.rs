//! The first words on a connection: HELLO, and ACCESS if there is a secret.

use std::io;

use bytes::{Bytes, BytesMut};
use doozer_wire::{
    Decoder, ErrorKind, FRAME_BYTES_MIN_LIMIT, Features, Hello, OwnedResponse, PROTOCOL_VERSION, Request,
    Role, Secret, Verb,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::peer::Peer;
use crate::transport::BoxTransport;

const TAG: i32 = 1;

/// Why a connection could not be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Another attempt may succeed.
    Now(String),
    /// Trying again cannot help unless somebody mends something.
    Hopeless(String),
    /// The secret is wrong.
    Denied(String),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Refused {
        Refused::Now(match error.kind() {
            io::ErrorKind::UnexpectedEof => "closed before its first answer".to_owned(),
            _ => error.to_string(),
        })
    }
}

/// Introduces this client. The secret is shown only to a member that `belongs` to the right cluster, as far as its
/// own word goes.
pub(crate) async fn introduce(
    transport: &mut BoxTransport,
    name: &str,
    secret: Option<&Secret>,
    belongs: impl FnOnce(&Peer) -> bool,
) -> Result<Peer, Refused> {
    let mut talk = Talk { transport, input: BytesMut::new(), decoder: Decoder::new(FRAME_BYTES_MIN_LIMIT) };
    let peer = greeted(&talk.ask(hello(name)).await?)?;
    if !belongs(&peer) {
        return Err(Refused::Now("a member of another cluster answers there".to_owned()));
    }
    if let Some(secret) = secret {
        let value = Some(Bytes::copy_from_slice(secret.as_bytes()));
        let access = Request { verb: Verb::Access as i32, value, ..Request::default() };
        admitted(&talk.ask(access).await?)?;
    }
    Ok(peer)
}

fn hello(name: &str) -> Request {
    let features = Features::CANCEL
        | Features::LIST
        | Features::WATCH
        | Features::STATUS
        | Features::PING
        | Features::LOCAL_READS
        | Features::GOODBYE
        | Features::SESSIONS;
    let client = name.to_owned();
    let hello = Hello { version: PROTOCOL_VERSION, features, role: Role::Client, client, peer: None };
    Request { verb: Verb::Hello as i32, hello: Some(hello), ..Request::default() }
}

fn greeted(answer: &OwnedResponse) -> Result<Peer, Refused> {
    match (answer.failure(), &answer.hello) {
        (Some((ErrorKind::UnknownVerb, _)), _) => Ok(Peer::original()),
        (Some((kind, detail)), _) => Err(Refused::Now(format!("refused HELLO: {kind}: {detail}"))),
        (None, Some(hello)) => Ok(Peer::modern(hello)),
        (None, None) => Err(no_doozer("an empty answer to HELLO")),
    }
}

fn admitted(answer: &OwnedResponse) -> Result<(), Refused> {
    match answer.failure() {
        None => Ok(()),
        Some((ErrorKind::PermissionDenied | ErrorKind::Other, _)) => {
            Err(Refused::Denied("the secret is wrong".to_owned()))
        }
        Some((kind, detail)) => Err(Refused::Now(format!("refused ACCESS: {kind}: {detail}"))),
    }
}

fn no_doozer(what: &str) -> Refused {
    Refused::Now(format!(
        "{what}: is this the client port of a doozerd, and without TLS if none was asked for?"
    ))
}

/// One question and one answer at a time.
struct Talk<'a> {
    transport: &'a mut BoxTransport,
    input: BytesMut,
    decoder: Decoder,
}

impl Talk<'_> {
    async fn ask(&mut self, request: Request) -> Result<OwnedResponse, Refused> {
        let mut out = BytesMut::new();
        Request { tag: Some(TAG), ..request }.encode_frame(&mut out);
        self.transport.write_all(&out).await?;
        self.transport.flush().await?;
        let answer = self.answer().await?;
        if answer.tag != Some(TAG) || !self.input.is_empty() {
            return Err(no_doozer("an answer to nothing that was asked"));
        }
        Ok(answer)
    }

    async fn answer(&mut self) -> Result<OwnedResponse, Refused> {
        loop {
            match self.decoder.next(&mut self.input) {
                Ok(Some(body)) => {
                    return OwnedResponse::decode(body).map_err(|error| no_doozer(&error.to_string()));
                }
                Ok(None) if self.transport.read_buf(&mut self.input).await? == 0 => {
                    return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
                }
                Ok(None) => {}
                Err(error) => return Err(no_doozer(&error.to_string())),
            }
        }
    }
}
