//! What went wrong at another address, in words for people: what it is, and what to do about it.

use std::io;

use doozer_wire::FrameError;

const NO_TLS: &str = "it does not speak TLS: start all members with --tls-cert, or none";

/// The network's reason. The system's words without its number for them. It is chance which of several it has for a
/// connection that was closed.
pub(super) fn of(error: &io::Error) -> String {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    if let Some(tls) = tls(error) {
        return format!("TLS: {}", of_tls(tls));
    }
    if matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof) {
        return "the connection was closed".to_owned();
    }
    let text = error.to_string();
    text.split_once(" (os error ").map_or(text.clone(), |(words, _)| words.to_owned())
}

fn tls(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// What TLS has against somebody who came here, a client or a member, if it is TLS.
pub(super) fn of_guest(error: &io::Error) -> Option<String> {
    use rustls::{CertificateError as Problem, Error as Tls};
    let why = match tls(error)? {
        Tls::InvalidMessage(_) => {
            "it does not speak TLS: a client needs --tls-ca, a member --tls-cert".to_owned()
        }
        Tls::NoCertificatesPresented => {
            "it shows no certificate: it needs one that --tls-ca signed (--tls-cert and --tls-key)".to_owned()
        }
        Tls::InvalidCertificate(Problem::UnknownIssuer | Problem::BadSignature) => {
            "its certificate is not signed by this member's --tls-ca: give it one that is".to_owned()
        }
        Tls::InvalidCertificate(problem) => {
            format!("its certificate is not valid: {problem}: give it another one")
        }
        Tls::AlertReceived(alert) => {
            format!(
                "it does not take this member's certificate ({alert:?}): give it a --tls-ca that signed --tls-cert"
            )
        }
        other => other.to_string(),
    };
    Some(format!("TLS: {why}"))
}

fn of_tls(error: &rustls::Error) -> String {
    use rustls::{CertificateError as Problem, Error as Tls};
    match error {
        Tls::InvalidCertificate(Problem::UnknownIssuer | Problem::BadSignature) => {
            "its certificate is not signed by this member's CA: give both the same --tls-ca, and certificates that it signed"
                .to_owned()
        }
        Tls::InvalidCertificate(Problem::NotValidForName | Problem::NotValidForNameContext { .. }) => {
            "its certificate is not for this address: sign one that is".to_owned()
        }
        Tls::InvalidCertificate(problem) => format!("its certificate is not valid: {problem}: give it another one"),
        Tls::InvalidMessage(_) => NO_TLS.to_owned(),
        Tls::AlertReceived(alert) => {
            format!("it refuses this member's certificate ({alert:?}): have its --tls-ca sign this member's --tls-cert")
        }
        other => other.to_string(),
    }
}

/// Why TLS does not come about: whoever does not speak it hangs up.
pub(super) fn of_no_tls(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
            io::Error::other(format!("TLS: {NO_TLS}"))
        }
        _ => error,
    }
}

/// What came is no frame.
pub(super) fn of_no_frame(error: &FrameError) -> String {
    // An alert of TLS, whatever its version, read as a length.
    let is_tls = matches!(error, FrameError::TooLong { len, .. } if len >> 16 == 0x1503);
    match is_tls {
        true => "it speaks TLS: give this member --tls-cert and --tls-key as well".to_owned(),
        false => format!("no member is there ({error}): check the address"),
    }
}
