//! The flags of the original doozerd, whose names were words behind a single dash: translated before anything else
//! reads the command line, so that scripts written for it go on working.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// What became of a flag of the original.
#[derive(Clone, Copy)]
enum Fate {
    /// It has another name now.
    Renamed(&'static str),
    /// Nothing is left for it to say.
    Gone,
}

/// All of them take a value.
const OLD: [(&str, Fate); 6] = [
    ("hist", Fate::Renamed("--history")),
    ("tlscert", Fate::Renamed("--tls-cert")),
    ("tlskey", Fate::Renamed("--tls-key")),
    ("timeout", Fate::Renamed("--timeout")),
    ("fill", Fate::Gone),
    ("pulse", Fate::Gone),
];

/// A command line in today's flags.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rewritten {
    pub args: Vec<OsString>,
    /// The flags left out because they mean nothing any more, in the order they stood.
    pub ignored: Vec<&'static str>,
}

/// Translates the original's flags, `-flag value`, `-flag=value` and the same with two dashes.
pub(super) fn rewrite(args: impl IntoIterator<Item = OsString>) -> Rewritten {
    let mut args = args.into_iter();
    let mut out = Rewritten { args: args.next().into_iter().collect(), ignored: Vec::new() };
    while let Some(arg) = args.next() {
        if arg == "--" {
            out.args.push(arg);
            out.args.extend(args);
            break;
        }
        match old(&arg) {
            None => out.args.push(arg),
            Some((_, Fate::Renamed(new), None)) => out.args.push(new.into()),
            Some((_, Fate::Renamed(new), Some(value))) => {
                let mut arg = OsString::from(new);
                arg.push("=");
                arg.push(value);
                out.args.push(arg);
            }
            Some((name, Fate::Gone, value)) => {
                if value.is_none() {
                    args.next();
                }
                out.ignored.push(name);
            }
        }
    }
    out
}

fn old(arg: &OsStr) -> Option<(&'static str, Fate, Option<OsString>)> {
    let flag = arg.as_bytes().strip_prefix(b"-")?;
    let flag = flag.strip_prefix(b"-").unwrap_or(flag);
    let equals = flag.iter().position(|byte| *byte == b'=');
    let name = &flag[..equals.unwrap_or(flag.len())];
    let (name, fate) = OLD.into_iter().find(|(old, _)| old.as_bytes() == name)?;
    Some((name, fate, equals.map(|at| OsString::from_vec(flag[at + 1..].to_vec()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(line: &str) -> (String, Vec<&'static str>) {
        let Rewritten { args, ignored } = rewrite(line.split(' ').map(OsString::from));
        (args.join(OsStr::new(" ")).into_string().unwrap(), ignored)
    }

    #[test]
    fn old_flags_are_translated_or_left_out() {
        let cases = [
            ("doozerd", "doozerd", vec![]),
            ("doozerd -l a:1 -w false -v", "doozerd -l a:1 -w false -v", vec![]),
            ("doozerd -hist 2000", "doozerd --history 2000", vec![]),
            ("doozerd -hist=2000", "doozerd --history=2000", vec![]),
            ("doozerd --hist 2000", "doozerd --history 2000", vec![]),
            ("doozerd -tlscert c -tlskey=k", "doozerd --tls-cert c --tls-key=k", vec![]),
            ("doozerd -timeout 5 -l a:1", "doozerd --timeout 5 -l a:1", vec![]),
            ("doozerd -fill .1 -pulse=1 -fill=", "doozerd", vec!["fill", "pulse", "fill"]),
            ("doozerd -fill", "doozerd", vec!["fill"]),
            ("doozerd -- -fill 5", "doozerd -- -fill 5", vec![]),
            ("doozerd -histogram 5 hist", "doozerd -histogram 5 hist", vec![]),
            ("-fill -l a:1", "-fill -l a:1", vec![]),
        ];
        for (given, args, ignored) in cases {
            assert_eq!(rewritten(given), (args.to_owned(), ignored), "{given}");
        }
    }

    #[test]
    fn values_need_not_be_text() {
        let key = OsString::from_vec(b"-tlskey=\xff".to_vec());
        let Rewritten { args, .. } = rewrite([OsString::from("doozerd"), key]);
        assert_eq!(args[1].as_bytes(), b"--tls-key=\xff");
    }
}
