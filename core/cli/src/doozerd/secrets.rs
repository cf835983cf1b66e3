//! The cluster's secrets, which come from the environment or from files it names, never from the command line, where
//! every user of the machine could read them.

use std::ffi::OsString;
use std::path::PathBuf;
use std::{fs, io};

/// A secret that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It is given in both ways.
    #[error("both {name} and {name}_FILE are set: unset one of them")]
    Twice {
        /// The variable.
        name: &'static str,
    },
    /// The variable is no text.
    #[error("{name} is not UTF-8")]
    NotText {
        /// The variable.
        name: &'static str,
    },
    /// The file cannot be read as text.
    #[error("{name}_FILE: cannot read {}: {source}", path.display())]
    File {
        /// The variable without its ending.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The secret in the variable `name`, or in the file that the variable `name` + `_FILE` names, whose last line break
/// is not part of it. Empty means none.
pub(super) fn read(
    name: &'static str,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<String>, SecretError> {
    let given = |name: &str| variable(name).filter(|value| !value.is_empty());
    match (given(name), given(&format!("{name}_FILE"))) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(SecretError::Twice { name }),
        (Some(secret), None) => {
            let text = secret.into_string().map_err(|_| SecretError::NotText { name })?;
            Ok(Some(text))
        }
        (None, Some(path)) => {
            let path = PathBuf::from(path);
            let text = match fs::read_to_string(&path) {
                Ok(text) => text,
                Err(source) => return Err(SecretError::File { name, path, source }),
            };
            let secret =
                text.strip_suffix('\n').map_or(&*text, |line| line.strip_suffix('\r').unwrap_or(line));
            Ok(Some(secret.to_owned()).filter(|secret| !secret.is_empty()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn read_from(variables: &[(&str, OsString)]) -> Result<Option<String>, String> {
        let variables: HashMap<&str, OsString> = variables.iter().cloned().collect();
        read("S", |name| variables.get(name).cloned()).map_err(|error| error.to_string())
    }

    #[test]
    fn from_the_variable_or_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &[u8]| {
            let path = dir.path().join(name);
            fs::write(&path, text).unwrap();
            path.into_os_string()
        };
        assert_eq!(read_from(&[]), Ok(None));
        assert_eq!(read_from(&[("S", "".into()), ("S_FILE", "".into())]), Ok(None));
        assert_eq!(read_from(&[("S", "hush\n".into())]), Ok(Some("hush\n".into())));
        assert_eq!(read_from(&[("S_FILE", file("a", b"hush\n"))]), Ok(Some("hush".into())));
        assert_eq!(read_from(&[("S_FILE", file("b", b"hush\r\n"))]), Ok(Some("hush".into())));
        assert_eq!(read_from(&[("S_FILE", file("c", b"hush\n\n"))]), Ok(Some("hush\n".into())));
        assert_eq!(read_from(&[("S_FILE", file("d", b"\n"))]), Ok(None));
    }

    #[test]
    fn errors_name_the_variable_and_never_the_secret() {
        use std::os::unix::ffi::OsStringExt;
        let both = read_from(&[("S", "hush".into()), ("S_FILE", "/hush".into())]);
        assert_eq!(both, Err("both S and S_FILE are set: unset one of them".into()));
        let binary = read_from(&[("S", OsString::from_vec(vec![0xff]))]);
        assert_eq!(binary, Err("S is not UTF-8".into()));
        let missing = read_from(&[("S_FILE", "/nowhere/secret".into())]);
        assert_eq!(
            missing,
            Err("S_FILE: cannot read /nowhere/secret: No such file or directory (os error 2)".into())
        );
    }
}
