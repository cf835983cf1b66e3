//! From the command line and the environment to what a member is told.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use doozer_node::{Config, Data, History, Secrets, TlsFiles};
use doozer_wire::Address;

use super::args::Args;
use super::problem::Problem;
use super::secrets;

/// What a member is told, and what its owner should hear about it.
#[derive(Debug)]
pub(super) struct Setup {
    pub config: Config,
    pub warnings: Vec<String>,
}

/// Makes the setup. `variable` looks into the environment.
pub(super) fn setup(args: Args, variable: impl Fn(&str) -> Option<OsString>) -> Result<Setup, Problem> {
    let mut warnings = Vec::new();
    boot(&args, &variable, &mut warnings)?;
    if let Some(address) = args.web.as_deref().filter(|address| !matches!(*address, "" | "false")) {
        warnings.push(format!("-w {address}: this version has no web view; nothing listens there"));
    }
    let read_write = secrets::read("DOOZER_RWSECRET", &variable)?;
    let read_only = secrets::read("DOOZER_ROSECRET", &variable)?;
    let secrets = Secrets::new(read_write, read_only);
    if secrets.nobody_writes() {
        warnings.push("DOOZER_ROSECRET is set without DOOZER_RWSECRET: nobody can write".to_owned());
    }
    let data = data(&args);
    let tls = args.tls_cert.zip(args.tls_key).map(|(certificate, key)| TlsFiles {
        certificate,
        key,
        client_ca: args.tls_ca,
    });
    let config = Config {
        listen: Some(args.listen.to_string()),
        attach: once_each(args.attach, &mut warnings),
        cluster_name: args.cluster,
        data,
        history: History { revisions_max: args.history, bytes_max: args.history_bytes.0 },
        value_bytes_max: args.max_value.0,
        secrets,
        tls,
        hostname: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        answer_within: Duration::from_secs(args.answer_within),
        replace_after: Duration::from_secs(args.timeout),
        ..Config::default()
    };
    Ok(Setup { config, warnings })
}

/// One address stands for one member.
fn once_each(given: Vec<Address>, warnings: &mut Vec<String>) -> Vec<Address> {
    let mut addresses = Vec::with_capacity(given.len());
    for address in given {
        if addresses.contains(&address) {
            warnings.push(format!("-a {address} is given twice, and counts once"));
        } else {
            addresses.push(address);
        }
    }
    addresses
}

/// There is no finding a cluster by its name yet.
fn boot(
    args: &Args,
    variable: impl Fn(&str) -> Option<OsString>,
    warnings: &mut Vec<String>,
) -> Result<(), Problem> {
    if args.boot.as_ref().is_some_and(|uri| !uri.is_empty()) {
        return Err(Problem::Boot);
    }
    if variable("DOOZER_BOOT_URI").is_some_and(|uri| !uri.is_empty()) {
        let why = "this version finds no cluster by its name; give the addresses of its members with -a";
        warnings.push(format!("DOOZER_BOOT_URI is ignored: {why}"));
    }
    Ok(())
}

fn data(args: &Args) -> Data {
    if args.memory {
        return Data::Memory;
    }
    let usual = || PathBuf::from(format!("./{}-{}.doozer", args.cluster, args.listen.port()));
    Data::Directory(args.data_dir.clone().unwrap_or_else(usual))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn set_up_with(line: &str, variables: &[(&str, &str)]) -> Result<Setup, String> {
        let args = Args::try_parse_from(line.split(' ')).map_err(|error| error.to_string())?;
        let find = |name: &str| Some(variables.iter().find(|(known, _)| *known == name)?.1.into());
        setup(args, find).map_err(|problem| problem.to_string())
    }

    fn set_up(line: &str) -> Result<Setup, String> {
        set_up_with(line, &[])
    }

    #[test]
    fn without_flags_a_durable_member_of_local() {
        let Setup { config, warnings } = set_up("doozerd").unwrap();
        assert_eq!(warnings, [""; 0]);
        assert_eq!(config.listen.as_deref(), Some("127.0.0.1:8046"));
        assert_eq!(config.cluster_name, "local");
        assert_eq!(config.data, Data::Directory("./local-8046.doozer".into()));
        assert_eq!(config.history, History { revisions_max: 360_000, bytes_max: 256 << 20 });
        assert_eq!(config.value_bytes_max, 1 << 20);
        assert_eq!(config.tls, None);
        assert!(!config.hostname.is_empty());
    }

    #[test]
    fn every_flag_arrives() {
        let line = "doozerd -l [::1]:99 -c prod --history 5 --history-bytes 64k --max-value 2MiB \
                    --tls-cert c --tls-key k --tls-ca a";
        let Config { listen, cluster_name, data, history, value_bytes_max, tls, .. } =
            set_up(line).unwrap().config;
        assert_eq!(listen.as_deref(), Some("[::1]:99"));
        assert_eq!(cluster_name, "prod");
        assert_eq!(data, Data::Directory("./prod-99.doozer".into()));
        assert_eq!(history, History { revisions_max: 5, bytes_max: 64 << 10 });
        assert_eq!(value_bytes_max, 2 << 20);
        let files = TlsFiles { certificate: "c".into(), key: "k".into(), client_ca: Some("a".into()) };
        assert_eq!(tls, Some(files));
        assert_eq!(set_up("doozerd --memory").unwrap().config.data, Data::Memory);
        let data = set_up("doozerd --data-dir /d -c prod").unwrap().config.data;
        assert_eq!(data, Data::Directory("/d".into()));
    }

    #[test]
    fn flags_that_exclude_or_need_each_other() {
        for line in [
            "doozerd --memory --data-dir d",
            "doozerd --tls-cert c",
            "doozerd --tls-key k",
            "doozerd --tls-ca a",
            "doozerd --history 0",
            "doozerd --history-bytes 1.5M",
            "doozerd --max-value big",
            "doozerd -l :8046",
            "doozerd -a :8046",
            "doozerd -a 10.0.0.1:0",
            "doozerd --answer-within 0",
            "doozerd stray",
        ] {
            assert!(set_up(line).unwrap_err().starts_with("error: "), "{line}");
        }
    }

    #[test]
    fn who_else_there_is() {
        let config = set_up("doozerd -a 10.0.0.2:8047 --attach 10.0.0.3 --answer-within 9").unwrap().config;
        let attach: Vec<String> = config.attach.iter().map(ToString::to_string).collect();
        assert_eq!(attach, ["10.0.0.2:8047", "10.0.0.3:8046"]);
        assert_eq!(config.answer_within, Duration::from_secs(9));
        let Setup { config, warnings } = set_up("doozerd -a h:1 -a g -a h:1 -a g:8046").unwrap();
        assert_eq!(config.attach.len(), 2);
        assert_eq!(
            warnings,
            ["-a h:1", "-a g:8046"].map(|flag| format!("{flag} is given twice, and counts once"))
        );
        let booted = set_up("doozerd -b doozer:?ca=h:1").unwrap_err();
        assert!(booted.starts_with("-b: this version finds no cluster by its name"), "{booted}");
        let Setup { warnings, .. } = set_up_with("doozerd", &[("DOOZER_BOOT_URI", "h:1")]).unwrap();
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].starts_with("DOOZER_BOOT_URI is ignored: "), "{warnings:?}");
    }

    #[test]
    fn no_web_view() {
        assert_eq!(set_up("doozerd -w false").unwrap().warnings, [""; 0]);
        let warnings = set_up("doozerd -w :8080").unwrap().warnings;
        assert_eq!(warnings, ["-w :8080: this version has no web view; nothing listens there"]);
    }

    #[test]
    fn a_read_only_secret_alone_is_warned_of() {
        let both = [("DOOZER_RWSECRET", "a"), ("DOOZER_ROSECRET", "b")];
        assert_eq!(set_up_with("doozerd", &both).unwrap().warnings, [""; 0]);
        assert_eq!(set_up_with("doozerd", &both[..1]).unwrap().warnings, [""; 0]);
        let warnings = set_up_with("doozerd", &both[1..]).unwrap().warnings;
        assert_eq!(warnings, ["DOOZER_ROSECRET is set without DOOZER_RWSECRET: nobody can write"]);
    }
}
