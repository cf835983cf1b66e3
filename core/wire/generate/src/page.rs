//! The reference page of errors.

use std::fmt::Write as _;

use crate::table::{From, Kind, Table, Word};

const HEADER: &str = "\
<!-- Made from core/wire/errors.toml by doozer-wire-generate; do not edit. -->

# Errors

Every error has a kind with a permanent number, the same in every language, on the wire and in C. A number is never
changed and never used again for something else; new kinds get new numbers.

On the wire an error is an answer with `err_code`. A kind the original doozerd had travels as the code of the same name
and number. Every other kind travels as `OTHER` (127) with a text in `err_detail`, because a client that does not know a
code takes the answer for a success; on a connection that has sent HELLO the field `kind` (32) carries the number as
well. [client-protocol.md](client-protocol.md) has the fields.

In Python, Ruby and Node.js a kind is the exception of the class that stands beside its name, and in Rust the variant of
`ErrorKind`; in C it is the code `DOOZER_` and the name. An error also carries the operation, the path and the detail.

## Can a retry help?
";

/// The whole page. Nothing here can fail: writing to a `String` does not.
pub fn markdown(table: &Table) -> String {
    let mut text = String::from(HEADER);
    text.push_str("\n| retry | meaning |\n|---|---|\n");
    for word in Word::ALL {
        let _ = writeln!(text, "| {} | {} |", word.text(), table.retry.meaning(word));
    }
    section(table, &mut text, "The original's", Kind::is_original);
    section(table, &mut text, "Said by a member", |kind| !kind.is_original() && kind.from == From::Member);
    section(table, &mut text, "Said by a member or the client library", |kind| kind.from == From::Either);
    section(table, &mut text, "Said by the client library only", |kind| kind.from == From::Client);
    text
}

fn section(table: &Table, text: &mut String, title: &str, belongs: fn(&Kind) -> bool) {
    let _ = writeln!(
        text,
        "\n## {title}\n\n| no. | name | class | retry | meaning | what to do |\n|---|---|---|---|---|---|"
    );
    for kind in table.errors.iter().filter(|kind| belongs(kind)) {
        let Kind { number, name, kind, retry, meaning, remedy, .. } = kind;
        let _ = writeln!(text, "| {number} | {name} | {kind} | {} | {meaning} | {remedy} |", retry.text());
    }
}
