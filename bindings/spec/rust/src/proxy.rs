//! The process of `proxy.py`, told what to do line by line.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// How long it may take to answer; `expect` itself takes up to 10 s.
const ANSWER: Duration = Duration::from_secs(20);

/// A running proxy; it ends when this is dropped.
pub struct Proxy {
    address: String,
    /// Kept for its end: the process is killed when this is dropped.
    _process: Child,
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Proxy {
    /// Starts it before the member at `member`.
    ///
    /// # Errors
    /// Why it did not start.
    pub async fn start(member: SocketAddr) -> Result<Proxy, String> {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../proxy.py");
        let mut process = Command::new("python3")
            .arg(program)
            .arg(member.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("the proxy does not start (is python3 there?): {error}"))?;
        let (Some(commands), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
            return Err("the proxy has no pipes".to_owned());
        };
        let answers = BufReader::new(answers).lines();
        let mut proxy = Proxy { address: String::new(), _process: process, commands, answers };
        let line = proxy.answer().await?;
        let address = line.strip_prefix("listening ").ok_or_else(|| format!("the proxy said `{line}`"))?;
        proxy.address = address.to_owned();
        Ok(proxy)
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Has it carry out a command.
    ///
    /// # Errors
    /// What it answered instead of `ok`.
    pub async fn tell(&mut self, command: &str) -> Result<(), String> {
        let line = format!("{command}\n");
        self.commands
            .write_all(line.as_bytes())
            .await
            .map_err(|error| format!("the proxy is gone: {error}"))?;
        let answer = self.answer().await?;
        if answer == "ok" { Ok(()) } else { Err(format!("the proxy answered `{command}` with `{answer}`")) }
    }

    async fn answer(&mut self) -> Result<String, String> {
        let line = timeout(ANSWER, self.answers.next_line()).await;
        let line = line.map_err(|_| format!("the proxy did not answer within {ANSWER:?}"))?;
        line.map_err(|error| format!("the proxy is gone: {error}"))?
            .ok_or_else(|| "the proxy has ended".to_owned())
    }
}
