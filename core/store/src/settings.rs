//! The cluster's settings that applying depends on: files like any other, so that all members agree on them.

use crate::outcome::Refusal;

/// A setting: a file that holds a number.
#[derive(Debug, PartialEq, Eq)]
pub struct Setting {
    /// The file.
    pub path: &'static str,
    /// What the number counts.
    pub unit: &'static str,
    /// The least it can say.
    pub min: usize,
    /// The most it can say.
    pub max: usize,
    /// What holds while the file does not exist.
    pub default: usize,
}

/// The largest value.
pub static MAX_VALUE: Setting =
    Setting { path: "/ctl/settings/max-value", unit: "bytes", min: 1, max: 64 << 20, default: 1 << 20 };

/// How many sessions there may be.
pub static SESSIONS: Setting =
    Setting { path: "/ctl/settings/max-sessions", unit: "sessions", min: 0, max: 1 << 20, default: 1 << 16 };

/// How much memory all sessions may take together, as it is counted in `session`. At most half of what the length of a
/// record in a snapshot can say: one queue may have nearly all of it.
pub static SESSION_BYTES: Setting = Setting {
    path: "/ctl/settings/max-session-bytes",
    unit: "bytes",
    min: 1 << 20,
    max: 1 << 31,
    default: 256 << 20,
};

static ALL: [&Setting; 3] = [&MAX_VALUE, &SESSIONS, &SESSION_BYTES];

/// Where they are.
const DIRECTORY: &str = "/ctl/settings/";

/// Where it is written who votes.
const VOTERS: &str = "/ctl/cal/";

/// The id of a member is shorter.
const VOTER_BYTES_MAX: usize = 64;

/// What the settings say now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub value_bytes_max: usize,
    pub sessions_max: usize,
    pub session_bytes_max: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            value_bytes_max: MAX_VALUE.default,
            sessions_max: SESSIONS.default,
            session_bytes_max: SESSION_BYTES.default,
        }
    }
}

impl Settings {
    /// Takes note of a change, if it was one of a setting.
    pub fn changed(&mut self, path: &str, value: Option<&[u8]>) {
        let Some(setting) = at(path) else { return };
        let number = value.and_then(|value| setting.parse(value)).unwrap_or(setting.default);
        let kept = match setting {
            it if *it == MAX_VALUE => &mut self.value_bytes_max,
            it if *it == SESSIONS => &mut self.sessions_max,
            _ => &mut self.session_bytes_max,
        };
        *kept = number;
    }

    /// Whether a file may have this value.
    pub fn check_value(&self, path: &str, value: &[u8]) -> Result<(), Refusal> {
        // Before the size: a limit of one byte must not keep itself from being raised.
        if let Some(setting) = at(path) {
            return setting.parse(value).map(|_| ()).ok_or(Refusal::BadSetting(setting));
        }
        // Nor must it keep a voter from being named.
        if path.starts_with(VOTERS) && value.len() <= VOTER_BYTES_MAX {
            return Ok(());
        }
        let (size, limit) = (value.len(), self.value_bytes_max);
        if size > limit { Err(Refusal::TooLarge { size, limit }) } else { Ok(()) }
    }
}

/// Whether a file may go with a session: who votes, and what all members go by, must not depend on a client.
pub(crate) fn check_bindable(path: &str) -> Result<(), Refusal> {
    let is_own = path.starts_with(VOTERS) || path.starts_with(DIRECTORY);
    if is_own { Err(Refusal::NotBindable) } else { Ok(()) }
}

impl Setting {
    /// The number that a value of the setting says, if it may say that: plain decimal digits, no leading zero.
    pub fn parse(&self, value: &[u8]) -> Option<usize> {
        let is_plain =
            value.iter().all(u8::is_ascii_digit) && (value.first() != Some(&b'0') || value.len() == 1);
        let number = std::str::from_utf8(value).ok()?.parse().ok()?;
        (is_plain && (self.min..=self.max).contains(&number)).then_some(number)
    }
}

/// The setting that a file is.
fn at(path: &str) -> Option<&'static Setting> {
    if !path.starts_with(DIRECTORY) {
        return None;
    }
    ALL.into_iter().find(|setting| setting.path == path)
}

/// The setting with these bounds: no two have the same.
pub(crate) fn with_bounds(min: usize, max: usize) -> Option<&'static Setting> {
    ALL.into_iter().find(|setting| (setting.min, setting.max) == (min, max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_numbers_in_range() {
        assert_eq!(MAX_VALUE.parse(b"1"), Some(1));
        assert_eq!(MAX_VALUE.parse(b"67108864"), Some(MAX_VALUE.max));
        assert_eq!(SESSIONS.parse(b"0"), Some(0));
        for bad in
            [&b""[..], b"0", b"67108865", b"01", b"+1", b"-1", b" 1", b"1\n", b"1M", b"\xff", &[b'9'; 30]]
        {
            assert_eq!(MAX_VALUE.parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn each_is_known_by_its_path_and_by_its_bounds() {
        for setting in ALL {
            assert_eq!(at(setting.path), Some(setting));
            assert_eq!(with_bounds(setting.min, setting.max), Some(setting));
            let mut settings = Settings::default();
            settings.changed(setting.path, Some(setting.max.to_string().as_bytes()));
            assert_ne!(settings, Settings::default());
            settings.changed(setting.path, None);
            assert_eq!(settings, Settings::default());
        }
        assert_eq!(at("/ctl/settings/other"), None);
    }
}
