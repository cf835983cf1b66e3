//! The program `doozer`: one command each time it runs.
//! How a cluster is reached and kept in touch with is `doozer-client`'s business.

mod answers;
mod args;
mod bench;
mod columns;
mod commands;
mod connect;
mod explain;
mod failure;
mod health;
mod history;
mod hold;
mod listing;
mod member;
mod members;
mod sessions;
mod spans;
mod status;
mod tree;
mod txn;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use answers::{Out, Version};
use args::{Args, Command};
use failure::Failure;
use hold::{Wanted, hold};

/// Runs `doozer` with the arguments, the environment and the standard streams of this process.
///
/// The exit status is 0, or 1 if a write named a revision that the file has changed since, a condition of a transaction does
/// not hold or `status --check` found the cluster not well, or 2 for every other failure. Standard error then names it in one line.
/// Commands that run another command end with its status, or with one of their own: see their help.
pub fn main() -> ExitCode {
    let args = match Args::try_parse().and_then(check) {
        Ok(args) => args,
        Err(usage) => {
            // Nobody may be there to read it.
            let _ = usage.print();
            return ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(2));
        }
    };
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(message) = failure.message() {
                eprintln!("{message}");
            }
            ExitCode::from(failure.status())
        }
    }
}

/// What the definition of the arguments cannot say.
fn check(args: Args) -> Result<Args, clap::Error> {
    let refuse = |why: &str| Err(Args::command().error(ErrorKind::ArgumentConflict, why));
    let Args { options, command, .. } = &args;
    if options.at.is_some() && !command.takes_revision() {
        return refuse("--rev says nothing to this command");
    }
    if options.at.is_some() && matches!(command, Command::Get { rev: Some(_), .. }) {
        return refuse("the revision is given twice");
    }
    if command.consistency().is_some()
        && (options.at.is_some() || matches!(command, Command::Get { rev: Some(_), .. }))
    {
        return refuse("--consistency says nothing about a read at a revision");
    }
    if let Command::Bench(bench) = command
        && let Err(why) = bench.check()
    {
        return refuse(why);
    }
    if options.tls_cert.is_some() != options.tls_key.is_some() {
        return refuse("--tls-cert and --tls-key are only of use together");
    }
    if options.tls_cert.is_some() && options.tls_ca.is_none() {
        return refuse("--tls-cert needs --tls-ca, which says whom to trust");
    }
    Ok(args)
}

fn run(Args { options, command, .. }: Args) -> Result<(), Failure> {
    let mut out = Out::new(BufWriter::new(io::stdout().lock()), options.json);
    match command {
        Command::Version => {
            out.print(&Version { version: env!("CARGO_PKG_VERSION") }).map_err(Failure::Output)?
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "doozer", &mut script);
            out.text(&script).map_err(Failure::Output)?;
        }
        command => converse(&options, command, &mut out)?,
    }
    out.flush().map_err(Failure::Output)
}

fn converse(options: &args::Options, command: Command, out: &mut Out<impl Write>) -> Result<(), Failure> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::System)?;
    let done = runtime.block_on(async {
        match command {
            Command::Bench(wanted) => bench::bench(options, wanted, out).await,
            Command::Lock { path, is_try, run } => hold(options, Wanted::Lock { path, is_try }, run).await,
            Command::Elect { path, value, run } => hold(options, Wanted::Leader { path, value }, run).await,
            Command::Register { path, address, run } => {
                hold(options, Wanted::Record { path, address }, run).await
            }
            Command::Txn { file } => txn::txn(options, file.as_deref(), out).await,
            command => commands::run(options, command, out).await,
        }
    });
    // A look-up of a name may still be under way, and cannot be cut short.
    runtime.shutdown_background();
    done
}
