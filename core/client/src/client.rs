//! The client: opened, cloned, closed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use doozer_wire::{ErrorKind, OwnedResponse, Request, Uri};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::boot::Boot;
use crate::call::{Deadline, start};
use crate::dial::Dialer;
use crate::driver::drive;
use crate::error::{Error, Subject};
use crate::network::Network;
use crate::options::{CallOptions, Options, Timeout};
use crate::shared::Shared;
use crate::tls::TlsClient;
use crate::transport::Connector;

/// A client of one cluster: one connection, which many tasks share, and which is made again when it is lost.
///
/// Cloning is cheap; all clones share the connection, which ends with the last of them. Every call may be dropped
/// before it is done: what has not been sent by then never is, and a WAIT, a read or a place in a queue is taken back
/// from the member. Another write that was sent may still be made.
///
/// # Errors of every call
/// Beside what each call lists: [`Timeout`](ErrorKind::Timeout) when its time ran out;
/// [`Disconnected`](ErrorKind::Disconnected) when its time ran out without a connection;
/// [`PermissionDenied`](ErrorKind::PermissionDenied) when the secret is wrong, or missing;
/// [`Closed`](ErrorKind::Closed) after [`Client::close`]. And of a write,
/// [`OutcomeUnknown`](ErrorKind::OutcomeUnknown) when it was sent, but its time ran out before an answer came, or the
/// client's session ended: it may or may not have been made.
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
    pub(crate) options: CallOptions,
    /// Ends the client's task when the last clone goes.
    closer: Option<Arc<Closer>>,
}

struct Closer(Mutex<Option<oneshot::Sender<()>>>);

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Client {
    /// Opens a client with the default options.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), doozer_client::Error> {
    /// let client = doozer_client::Client::connect("doozer:?ca=10.0.0.1:8046&ca=10.0.0.2:8046").await?;
    /// let rev = client.set("/myapp.conf", "debug = true", 0).await?;
    /// let event = client.wait("/myapp.conf", rev + 1).await?;
    /// println!("{} is now {:?}", event.path, event.value);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`Client::open`].
    pub async fn connect(uri: &str) -> Result<Client, Error> {
        Client::open(uri, Options::default()).await
    }

    /// Opens a client. Returns once a connection stands. Needs a tokio runtime, on which the client's task stays.
    ///
    /// # Errors
    /// [`BadUri`](ErrorKind::BadUri) if the URI, or that of the boot cluster, is not well formed;
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) if the secret is wrong; [`Io`](ErrorKind::Io) if a file for
    /// TLS cannot be used; [`Disconnected`](ErrorKind::Disconnected), with every address and what became of it, if
    /// no member could be reached in time.
    pub async fn open(uri: &str, options: Options) -> Result<Client, Error> {
        match uri.parse::<Uri>() {
            Ok(uri) => Client::open_uri(&uri, options).await,
            Err(error) => Err(Subject::new("connect").error(ErrorKind::BadUri, error.to_string())),
        }
    }

    /// The same with a URI that is parsed already.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub async fn open_uri(uri: &Uri, options: Options) -> Result<Client, Error> {
        let boot = match &uri.name {
            Some(name) if uri.addresses.is_empty() => Some(Boot::new(name, &options)?),
            _ => None,
        };
        let tls = options.tls.as_ref().map(TlsClient::new).transpose()?;
        let network = Network::new(uri.addresses.clone(), boot, tls);
        let secret = options.secret.clone().or_else(|| uri.secret.clone());
        let options = Options { secret, ..options };
        Client::begin(Dialer::Network(Arc::new(network)), options).await
    }

    /// Opens a client over whatever `connector` opens, such as connections to a member in the same process.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub async fn over(connector: impl Connector, options: Options) -> Result<Client, Error> {
        Client::begin(Dialer::Over(Box::new(connector)), options).await
    }

    async fn begin(dialer: Dialer, options: Options) -> Result<Client, Error> {
        let terms = options.terms()?;
        let Options { timeout, connect_timeout, secret, name, .. } = options;
        let shared = Arc::new(Shared::new(name, timeout, secret, terms));
        let (close, closing) = oneshot::channel();
        tokio::spawn(drive(Arc::clone(&shared), dialer, closing));
        let closer = Some(Arc::new(Closer(Mutex::new(Some(close)))));
        let client = Client { shared, options: CallOptions::default(), closer };
        client.anything(Subject::new("connect"), Deadline::after(Some(connect_timeout))).await?;
        Ok(client)
    }

    /// A handle that does not keep the client open.
    pub(crate) fn internal(shared: Arc<Shared>, options: CallOptions) -> Client {
        Client { shared, options, closer: None }
    }

    /// The same client, whose calls work as `options` say.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use doozer_client::{CallOptions, Client, Timeout};
    /// # async fn example(client: Client) -> Result<(), doozer_client::Error> {
    /// let quick = client.with(CallOptions { timeout: Timeout::After(Duration::from_secs(1)), ..Default::default() });
    /// let file = quick.get("/myapp.conf").await?;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with(&self, options: CallOptions) -> Client {
        Client { options, ..self.clone() }
    }

    /// The same client with the options that it was opened with: for what outlives the call that gave it.
    pub(crate) fn usual(&self) -> Client {
        self.with(CallOptions::default())
    }

    /// Closes the client and all its clones. Calls under way end with [`Closed`](ErrorKind::Closed), or, writes that
    /// were sent, with [`OutcomeUnknown`](ErrorKind::OutcomeUnknown). Its session is closed, so that the files go that
    /// are bound to it: if that is not done within a second, they go when its TTL is over. Returns when the connection
    /// has ended.
    pub async fn close(&self) {
        if let Some(closer) = &self.closer {
            drop(closer.0.lock().take());
        }
        let mut ended = self.shared.ended.subscribe();
        // It fails only if the other end is gone, which `self` holds.
        let _ = ended.wait_for(|has_ended| *has_ended).await;
    }

    /// When a call that begins now must have ended.
    pub(crate) fn deadline(&self) -> Deadline {
        self.deadline_or(self.shared.timeout)
    }

    pub(crate) fn deadline_or(&self, usual: Option<Duration>) -> Deadline {
        Deadline::after(match self.options.timeout {
            Timeout::Usual => usual,
            Timeout::Never => None,
            Timeout::After(time) => Some(time),
        })
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn ask(
        &self,
        subject: Subject<'_>,
        deadline: Deadline,
        request: Request,
    ) -> Result<OwnedResponse, Error> {
        start(&self.shared, subject, deadline, request).await?.answer().await
    }
}
