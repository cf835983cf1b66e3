//! From the command line and the environment to what a member is told.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use doozer_node::{Boot, Config, Data, History, Secrets, Tls, TlsFiles};
use doozer_wire::Address;

use super::args::{Args, DEFAULT_CLUSTER};
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
    let boot = boot(&args, &variable, &mut warnings)?;
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
        reached_at: args.advertise,
        attach: once_each(args.attach, &mut warnings),
        boot,
        cluster_name: args.cluster,
        data,
        history: History { revisions_max: args.history, bytes_max: args.history_bytes.0 },
        value_bytes_max: args.max_value.0,
        sessions_max: args.max_sessions,
        session_bytes_max: args.max_session_bytes.map(|size| size.0),
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

/// Where the cluster is found by its name: the flag comes before the environment.
fn boot(
    args: &Args,
    variable: impl Fn(&str) -> Option<OsString>,
    warnings: &mut Vec<String>,
) -> Result<Option<Boot>, Problem> {
    let (from, uri) = match (&args.boot, variable("DOOZER_BOOT_URI")) {
        (Some(uri), _) => ("-b", uri.clone()),
        (None, Some(uri)) => ("DOOZER_BOOT_URI", uri.to_string_lossy().into_owned()),
        (None, None) => return Ok(None),
    };
    if uri.is_empty() {
        return Ok(None);
    }
    let uri = uri.parse().map_err(|source| Problem::Boot { from, source })?;
    if args.cluster == DEFAULT_CLUSTER {
        warnings.push(format!(
            "{from} without -c: the cluster is looked for and found there under the default name, \"{DEFAULT_CLUSTER}\""
        ));
    }
    let ca = args.boot_tls_ca.clone().or_else(|| args.tls_ca.clone());
    if ca.is_none() && args.tls_cert.is_some() {
        warnings.push(format!(
            "{from}: the boot cluster is spoken to without TLS; give the CA of its certificate with --boot-tls-ca"
        ));
    }
    let tls = ca.map(|ca| Tls {
        ca,
        certificate: args.tls_cert.clone(),
        key: args.tls_key.clone(),
        ..Tls::default()
    });
    Ok(Some(Boot { uri, tls, voters: usize::from(args.voters) }))
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
        let line = "doozerd -l [::1]:99 -c prod --history 5 --history-bytes 64k --max-value 2MiB --max-sessions 7 --max-session-bytes 2M \
                    --tls-cert c --tls-key k --tls-ca a --advertise db.example:88";
        let config = set_up(line).unwrap().config;
        assert_eq!((config.sessions_max, config.session_bytes_max), (Some(7), Some(2 << 20)));
        let Config { listen, reached_at, cluster_name, data, history, value_bytes_max, tls, .. } = config;
        assert_eq!(listen.as_deref(), Some("[::1]:99"));
        assert_eq!(reached_at.map(|address| address.to_string()).as_deref(), Some("db.example:88"));
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
            "doozerd --advertise :8046",
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
    }

    #[test]
    fn where_the_cluster_is_found_by_its_name() {
        let of = |line: &str, variables: &[(&str, &str)]| {
            let boot = set_up_with(line, variables).unwrap().config.boot;
            boot.map(|boot| boot.uri.addresses[0].to_string())
        };
        let env = [("DOOZER_BOOT_URI", "e:1")];
        assert_eq!(of("doozerd", &[]), None);
        assert_eq!(of("doozerd -b doozer:?ca=h:1&sk=s", &env).as_deref(), Some("h:1"));
        assert_eq!(of("doozerd", &env).as_deref(), Some("e:1"));
        assert_eq!(of("doozerd -b=", &env), None);
        assert_eq!(of("doozerd", &[("DOOZER_BOOT_URI", "")]), None);
        let wrong = [
            set_up("doozerd -b doozer:?ca=h:1&key=hush"),
            set_up_with("doozerd", &[("DOOZER_BOOT_URI", "doozer:?ca=h:1&key=hush")]),
        ];
        let why = "part 2 is none of ca=, cn= and sk=; an `&` inside a value is written %26";
        let expected = ["-b", "DOOZER_BOOT_URI"].map(|from| format!("{from}: {why}"));
        assert_eq!(wrong.map(Result::unwrap_err), expected);
    }

    #[test]
    fn how_the_boot_cluster_is_spoken_to() {
        let of = |line: &str| {
            let Setup { config, warnings } = set_up(&format!("doozerd -c prod -b h:1 {line}")).unwrap();
            let boot = config.boot.unwrap();
            (boot.voters, boot.tls.map(|tls| (tls.ca, tls.certificate, tls.key)), warnings)
        };
        assert_eq!(of("--memory"), (3, None, vec![]));
        let own = Some(("a".into(), Some("c".into()), Some("k".into())));
        assert_eq!(of("--voters 5 --tls-cert c --tls-key k --tls-ca a"), (5, own.clone(), vec![]));
        assert_eq!(of("--tls-cert c --tls-key k --tls-ca b --boot-tls-ca a"), (3, own, vec![]));
        assert_eq!(of("--boot-tls-ca a"), (3, Some(("a".into(), None, None)), vec![]));
        let plain = "-b: the boot cluster is spoken to without TLS; give the CA of its certificate with --boot-tls-ca";
        assert_eq!(of("--tls-cert c --tls-key k"), (3, None, vec![plain.to_owned()]));
        let unnamed =
            "-b without -c: the cluster is looked for and found there under the default name, \"local\"";
        assert_eq!(set_up("doozerd -b h:1").unwrap().warnings, [unnamed]);
        assert!(set_up("doozerd --voters 0").unwrap_err().starts_with("error: "));
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
