//! What a file may look like: the part of TOML that a runner reads without a TOML library.

/// The first line that is no part of it, with its number and what is wrong.
pub(crate) fn check(text: &str) -> Result<(), String> {
    for (at, line) in text.lines().enumerate() {
        check_line(line).map_err(|why| format!("line {}: {why}: {line}", at + 1))?;
    }
    Ok(())
}

fn check_line(line: &str) -> Result<(), String> {
    let bare = line.trim();
    if bare.is_empty() || bare.starts_with('#') {
        return Ok(());
    }
    if bare.starts_with('[') {
        let is_known = ["[[scenario]]", "[[scenario.step]]"].contains(&line);
        return is_known.then_some(()).ok_or_else(|| "no such header".to_owned());
    }
    let Some((key, value)) = line.split_once(" = ") else { return Err("not `key = value`".to_owned()) };
    let is_key = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if key.is_empty() || !key.chars().all(is_key) {
        return Err("not a key".to_owned());
    }
    check_value(value)
}

fn check_value(value: &str) -> Result<(), String> {
    if value == "true" || value == "false" {
        return Ok(());
    }
    if let Some(rest) = value.strip_prefix('"') {
        return check_string(rest);
    }
    let digits = value.strip_prefix('-').unwrap_or(value);
    let is_integer = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_integer.then_some(()).ok_or_else(|| "not a string, an integer, true or false".to_owned())
}

/// What follows a string's first quote.
fn check_string(rest: &str) -> Result<(), String> {
    let mut chars = rest.chars();
    loop {
        match chars.next() {
            None => return Err("a string without an end".to_owned()),
            Some('"') => break,
            Some(c) if c.is_control() => return Err("a control character in a string".to_owned()),
            Some('\\') => match chars.next() {
                Some('\\' | '"' | 'n' | 't') => {}
                Some('u') => check_code(&chars.by_ref().take(4).collect::<String>())?,
                _ => return Err("no such escape".to_owned()),
            },
            Some(_) => {}
        }
    }
    if chars.next().is_some() { Err("something behind the string".to_owned()) } else { Ok(()) }
}

fn check_code(code: &str) -> Result<(), String> {
    let number = u32::from_str_radix(code, 16);
    let is_fine = code.len() == 4 && code.starts_with("00") && number.is_ok_and(|number| number <= 0x7f);
    is_fine.then_some(()).ok_or_else(|| format!("\\u{code} is not \\u0000 to \\u007f"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_runner_can_read_passes() {
        let fine = "# a comment\n\n  # another\n[[scenario]]\nname = \"a # b = c\"\n[[scenario.step]]\n\
                    rev = -1\nlisten = false\nvalue = \"\\\\ \\\" \\n \\t \\u007f ü\"\nvalue = \"\"\n";
        assert_eq!(check(fine), Ok(()));
    }

    #[test]
    fn what_only_a_toml_library_can_read_does_not() {
        let wrong = [
            "[scenario]",
            " [[scenario]]",
            "[[scenario]] # why",
            "a=1",
            "a = [1]",
            "a = {b = 1}",
            "a = 'x'",
            "a = \"\"\"",
            "a = \"x\" # why",
            "a = \"\\u00ff\"",
            "a = \"\\u1234\"",
            "a = \"\\r\"",
            "a = \"x",
            "a = 1.5",
            "a = 0x10",
            "a = +1",
            "a = -",
            "a = 1_000",
            "A = 1",
            "a-b = 1",
            "\"a\" = 1",
            "a.b = 1",
            "  a = 1",
            "a = 1 ",
            "a = \"\tx\"",
        ];
        for line in wrong {
            assert!(check(line).is_err(), "{line}");
        }
    }
}
