//! Messages for people who read a terminal or a log: one line, in plain words.

use std::fmt::Display;

/// The message as one line, without the numbers that the standard library puts behind the system's words.
pub(crate) fn line(message: &dyn Display) -> String {
    let mut text = message.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    while let Some(start) = text.find(" (os error ") {
        let Some(len) = text[start..].find(')') else { break };
        text.replace_range(start..=start + len, "");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_and_error_numbers_go() {
        assert_eq!(line(&"plain"), "plain");
        assert_eq!(line(&"one\n  two\n"), "one two");
        assert_eq!(line(&"a: refused (os error 111); b: gone (os error 2)"), "a: refused; b: gone");
        assert_eq!(line(&"cut (os error 1"), "cut (os error 1");
        assert_eq!(line(&std::io::Error::from_raw_os_error(2)), "No such file or directory");
    }
}
