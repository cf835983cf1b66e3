//! Where log lines go, how they look and which are kept.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::Directive;
use tracing_subscriber::fmt;

use super::args::{LogFormat, LogLevel};
use super::problem::Problem;

/// The target of the line that says that the member serves. It is always logged.
pub(super) const START: &str = "doozerd::start";

/// Logs to standard error from here on: what `level` says, else DOOZER_LOG, else RUST_LOG, else warnings.
pub(super) fn start(format: LogFormat, level: Option<LogLevel>) -> Result<(), Problem> {
    let filter = filter(level, |name| Some(std::env::var_os(name)?.to_string_lossy().into_owned()))?;
    let colours =
        io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let logs = fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(colours);
    match format {
        LogFormat::Text => logs.init(),
        LogFormat::Json => logs.json().flatten_event(true).init(),
    }
    Ok(())
}

fn filter(level: Option<LogLevel>, variable: impl Fn(&str) -> Option<String>) -> Result<EnvFilter, Problem> {
    let filter = match level {
        Some(level) => EnvFilter::new(name(level)),
        None => ["DOOZER_LOG", "RUST_LOG"]
            .into_iter()
            .find_map(|name| variable(name).filter(|value| !value.is_empty()).map(|value| (name, value)))
            .map_or_else(|| Ok(EnvFilter::new("warn")), |(variable, value)| parse(variable, &value))?,
    };
    Ok(filter.add_directive(always()))
}

fn parse(variable: &'static str, value: &str) -> Result<EnvFilter, Problem> {
    EnvFilter::try_new(value).map_err(|error| Problem::LogFilter { variable, problem: error.to_string() })
}

#[allow(clippy::expect_used, reason = "a fixed text, parsed by every test of this module")]
fn always() -> Directive {
    format!("{START}=info").parse().expect("a target and a level")
}

fn name(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Off => "off",
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(level: Option<LogLevel>, variables: &[(&str, &str)]) -> Result<String, String> {
        let find = |name: &str| Some(variables.iter().find(|(known, _)| *known == name)?.1.to_owned());
        filter(level, find).map(|filter| filter.to_string()).map_err(|problem| problem.to_string())
    }

    #[test]
    fn the_flag_comes_before_the_variables_and_the_start_line_is_always_kept() {
        let both = [("DOOZER_LOG", "debug"), ("RUST_LOG", "trace")];
        assert_eq!(shown(None, &[]), Ok("doozerd::start=info,warn".into()));
        assert_eq!(shown(Some(LogLevel::Off), &both), Ok("doozerd::start=info,off".into()));
        assert_eq!(shown(None, &both), Ok("doozerd::start=info,debug".into()));
        assert_eq!(shown(None, &both[1..]), Ok("doozerd::start=info,trace".into()));
        assert_eq!(shown(None, &[("DOOZER_LOG", "")]), Ok("doozerd::start=info,warn".into()));
    }

    #[test]
    fn a_filter_that_is_none_is_named() {
        let problem = shown(None, &[("DOOZER_LOG", "a=b=c")]).unwrap_err();
        assert!(problem.starts_with("DOOZER_LOG is no log filter: "), "{problem}");
    }
}
