//! The Rust source of `ErrorKind` and `Retry`.

use std::fmt::Write as _;

use crate::table::{Kind, Table, Word};

const HEADER: &str = "\
//! Every kind of error, with its permanent number.
//! Made from errors.toml by doozer-wire-generate; do not edit.

use std::fmt;
";

const DISPLAY: &str = "
impl fmt::Display for ErrorKind {
    /// The kind's name, as `name` gives it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
";

/// The whole file. Nothing here can fail: writing to a `String` does not.
pub fn rust(table: &Table) -> String {
    let mut text = String::from(HEADER);
    retry_enum(table, &mut text);
    kind_enum(table, &mut text);
    text.push_str("impl ErrorKind {\n");
    all(table, &mut text);
    numbers(table, &mut text);
    column(table, &mut text, "The name as it is shown: `REV_MISMATCH`.", "name", "&'static str", |kind| {
        format!("{:?}", kind.name)
    });
    wire_code(table, &mut text);
    column(table, &mut text, "Whether sending the request again can help.", "retry", "Retry", |kind| {
        format!("Retry::{}", kind.retry.variant())
    });
    column(table, &mut text, "What has happened, in a sentence.", "meaning", "&'static str", |kind| {
        format!("{:?}", kind.meaning)
    });
    text.push_str("}\n");
    text.push_str(DISPLAY);
    text
}

fn retry_enum(table: &Table, text: &mut String) {
    text.push_str(
        "\n/// Whether sending a request again can help.\n\
         #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]\npub enum Retry {\n",
    );
    for word in Word::ALL {
        let _ = writeln!(text, "/// {}\n{},", table.retry.meaning(word), word.variant());
    }
    text.push_str("}\n");
}

fn kind_enum(table: &Table, text: &mut String) {
    text.push_str(
        "\n/// What went wrong. The number of a kind is permanent; later versions add kinds.\n\
         #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]\n#[non_exhaustive]\n#[repr(u32)]\n\
         pub enum ErrorKind {\n",
    );
    for kind in &table.errors {
        let _ = writeln!(text, "/// {}\n{} = {},", kind.meaning, kind.kind, kind.number);
    }
    text.push_str("}\n\n");
}

fn all(table: &Table, text: &mut String) {
    text.push_str("/// Every kind, by ascending number.\npub const ALL: &'static [ErrorKind] = &[\n");
    for kind in &table.errors {
        let _ = writeln!(text, "ErrorKind::{},", kind.kind);
    }
    text.push_str("];\n\n");
}

fn numbers(table: &Table, text: &mut String) {
    text.push_str(
        "/// The permanent number, the same in every language and version.\n\
         pub const fn number(self) -> u32 { self as u32 }\n\n\
         /// The kind with this permanent number, or `None` if this version knows none.\n\
         pub const fn from_number(number: u32) -> Option<ErrorKind> {\nSome(match number {\n",
    );
    for kind in &table.errors {
        let _ = writeln!(text, "{} => ErrorKind::{},", kind.number, kind.kind);
    }
    text.push_str("_ => return None,\n})\n}\n\n");
}

/// The original's codes are their kinds' numbers, so only ours need a case of their own.
fn wire_code(table: &Table, text: &mut String) {
    text.push_str(
        "/// The `err_code` it travels as: its number if the original had it, else that of OTHER.\n\
         pub const fn wire_code(self) -> i32 {\nmatch self {\n",
    );
    let originals: Vec<String> = table
        .errors
        .iter()
        .filter(|kind| kind.is_original())
        .map(|kind| format!("ErrorKind::{}", kind.kind))
        .collect();
    let _ =
        writeln!(text, "{} => self as i32,\n_ => ErrorKind::Other as i32,\n}}\n}}\n", originals.join(" | "));
}

/// A method that gives one column of the table.
fn column(table: &Table, text: &mut String, doc: &str, name: &str, of: &str, value: fn(&Kind) -> String) {
    let _ = writeln!(text, "/// {doc}\npub const fn {name}(self) -> {of} {{\nmatch self {{");
    for kind in &table.errors {
        let _ = writeln!(text, "ErrorKind::{} => {},", kind.kind, value(kind));
    }
    text.push_str("}\n}\n\n");
}
