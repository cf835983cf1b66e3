//! Somebody who dials a member as members do.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use doozer_paxos::{ClusterId, Incarnation};
use doozer_wire::peer::{Call, Dialer, Introduction, Proving, Purpose, Sealer};
use doozer_wire::{OwnedResponse, Request, Secret};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const PATIENCE: Duration = Duration::from_secs(60);

/// Who it says it is, and the secret that it knows.
#[derive(Clone)]
pub struct Guest {
    pub me: Introduction,
    pub secret: Secret,
}

/// A connection that it opened.
pub struct Line(pub TcpStream);

pub const MESSAGES: Call = Call { to: None, purpose: Purpose::Messages };
pub const QUESTION: Call = Call { to: None, purpose: Purpose::Question };

impl Guest {
    /// A member of no cluster, at an address that only lines about it name.
    pub fn new(address: &str, secret: &str) -> Guest {
        let me = Introduction {
            cluster: None,
            incarnation: Incarnation(random()),
            address: address.parse().unwrap(),
            listed: vec![],
            name: None,
            only_joins: false,
        };
        Guest { me, secret: Secret::from(secret.as_bytes().to_vec()) }
    }

    pub fn of(self, cluster: [u8; 16]) -> Guest {
        Guest { me: Introduction { cluster: Some(ClusterId(cluster)), ..self.me }, ..self }
    }

    /// Its HELLO.
    pub fn hello(&self, call: Call) -> (Dialer, Request) {
        Dialer::new(&self.secret, self.me.clone(), call, random())
    }

    /// Connects and says HELLO; what is to be proven, and the proof. Whoever is refused gets the words.
    pub fn meet(&self, at: SocketAddr, call: Call) -> Result<(Line, Proving, Bytes), String> {
        let (dialer, request) = self.hello(call);
        let mut line = Line::open(at);
        line.request(&request);
        let reply = line.frame().map_err(|error| error.to_string())?;
        let reply = OwnedResponse::decode(reply).map_err(|error| error.to_string())?;
        let (proving, proof) = dialer.on_reply(&reply).map_err(|refused| refused.to_string())?;
        Ok((line, proving, proof))
    }

    /// The whole handshake, and then a frame with this body, sealed as frames are.
    pub fn say(&self, at: SocketAddr, body: &[u8]) -> Line {
        let (dialer, request) = self.hello(MESSAGES);
        let hello = request.hello.as_ref().unwrap().peer.clone().unwrap();
        let mut line = Line::open(at);
        line.request(&request);
        let response = OwnedResponse::decode(line.frame().unwrap()).unwrap();
        let reply = response.hello.as_ref().unwrap().peer.clone().unwrap();
        let (proving, proof) = dialer.on_reply(&response).unwrap();
        line.send(&proof);
        proving.on_accept(line.frame().unwrap()).unwrap();
        line.send(&sealed(&frame_key(&self.secret, &hello, &reply), body));
        line
    }

    /// The whole handshake.
    pub fn visit(&self, at: SocketAddr, call: Call) -> Result<(Line, Introduction, Sealer), String> {
        let (mut line, proving, proof) = self.meet(at, call)?;
        line.send(&proof);
        let accept = line.frame().map_err(|error| error.to_string())?;
        let (them, sealer) = proving.on_accept(accept).map_err(|refused| refused.to_string())?;
        Ok((line, them, sealer))
    }
}

impl Line {
    pub fn open(at: SocketAddr) -> Line {
        let stream = TcpStream::connect(at).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Line(stream)
    }

    pub fn request(&mut self, request: &Request) {
        let mut out = BytesMut::new();
        request.encode_frame(&mut out);
        self.send(&out);
    }

    /// Sends; the other side may have closed the connection meanwhile.
    pub fn send(&mut self, bytes: &[u8]) {
        match self.0.write_all(bytes) {
            Err(error) if !is_closed(&error) => panic!("{error}"),
            _ => {}
        }
    }

    /// The body of the next frame.
    pub fn frame(&mut self) -> io::Result<Bytes> {
        let mut length = [0; 4];
        self.0.read_exact(&mut length)?;
        let mut body = vec![0; u32::from_be_bytes(length) as usize];
        self.0.read_exact(&mut body)?;
        Ok(body.into())
    }

    /// Waits until the other side closes the connection; the bytes that came before.
    pub fn end(&mut self) -> usize {
        let mut bytes = Vec::new();
        match self.0.read_to_end(&mut bytes) {
            Err(error) if !is_closed(&error) => panic!("it is not closed: {error}"),
            _ => bytes.len(),
        }
    }
}

fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
}

/// As docs/peer-protocol.md says.
fn frame_key(secret: &Secret, hello: &[u8], reply: &[u8]) -> [u8; 32] {
    let mut hmac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    hmac.update(b"doozer peer 1: frames from dialer to acceptor\0");
    for said in [hello, reply] {
        hmac.update(&(said.len() as u64).to_be_bytes());
        hmac.update(said);
    }
    hmac.finalize().into_bytes().into()
}

/// The first frame of a connection.
fn sealed(key: &[u8; 32], body: &[u8]) -> Vec<u8> {
    let signed = [&0_u64.to_be_bytes(), body].concat();
    let mac = blake3::keyed_hash(key, &signed);
    let length = (signed.len() + 16) as u32;
    [&length.to_be_bytes(), &signed[..], &mac.as_bytes()[..16]].concat()
}

pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}
