//! The kinds of errors as each host language has them: C's codes, and exception classes.

use std::fmt::Write as _;

use crate::table::{Kind, Table};

/// Kinds that are also a built-in exception of Python's.
const PYTHON_BUILTINS: [(&str, &str); 2] =
    [("Timeout", "TimeoutError"), ("PermissionDenied", "PermissionError")];

/// The Rust source of C's codes, of which cbindgen makes the header's.
pub fn c(table: &Table) -> String {
    let mut text = String::from(
        "//! Every kind of error as C has it.\n//! Made from errors.toml by doozer-wire-generate; do not edit.\n\n\
         use std::ffi::CStr;\n\nuse doozer_bridge::ErrorKind;\n\n\
         /// What became of a call: 0, or the permanent number of a kind of error. Later versions add kinds, so a\n\
         /// program must be ready for numbers it does not know.\n\
         #[allow(non_camel_case_types, reason = \"C's names\")]\n#[derive(Clone, Copy, Debug, PartialEq, Eq)]\n\
         #[repr(C)]\npub enum doozer_code {\n/// It was done.\nDOOZER_OK = 0,\n",
    );
    for kind in &table.errors {
        let _ = writeln!(text, "/// {}\nDOOZER_{} = {},", kind.meaning, kind.name, kind.number);
    }
    text.push_str(
        "}\n\nimpl From<ErrorKind> for doozer_code {\nfn from(kind: ErrorKind) -> doozer_code {\nmatch kind {\n",
    );
    for kind in &table.errors {
        let _ = writeln!(text, "ErrorKind::{} => doozer_code::DOOZER_{},", kind.kind, kind.name);
    }
    text.push_str(
        "_ => doozer_code::DOOZER_OTHER,\n}\n}\n}\n\n/// What a number is called, if it is one of the above.\n\
         pub(crate) fn name(number: u32) -> Option<&'static CStr> {\nSome(match number {\n0 => c\"OK\",\n",
    );
    each(table, &mut text, |kind| format!("{} => c{:?},\n", kind.number, kind.name));
    text.push_str("_ => return None,\n})\n}\n");
    text
}

/// The module of exceptions; its base class is written by hand.
pub fn python(table: &Table) -> String {
    let mut text = String::from(
        "\"\"\"Every kind of error as an exception.\n\nMade from core/wire/errors.toml by doozer-wire-generate; do not \
         edit.\n\"\"\"\n\nfrom ._base import Error\n",
    );
    for kind in &table.errors {
        let builtin = PYTHON_BUILTINS.iter().find(|(name, _)| *name == kind.kind);
        let bases = builtin.map_or("Error".to_owned(), |(_, builtin)| format!("Error, {builtin}"));
        let _ = write!(
            text,
            "\n\nclass {}({bases}):\n    \"\"\"{}\n\n    {}\n    \"\"\"\n\n    kind = {:?}\n    number = {}\n",
            kind.kind, kind.meaning, kind.remedy, kind.name, kind.number
        );
    }
    text.push_str("\n\nBY_NUMBER = {\n");
    each(table, &mut text, |kind| format!("    {}: {},\n", kind.number, kind.kind));
    text.push_str("}\n");
    text
}

/// The exceptions of the gem; their base class is written by hand.
pub fn ruby(table: &Table) -> String {
    let mut text = String::from(
        "# frozen_string_literal: true\n\n# Every kind of error as an exception.\n\
         # Made from core/wire/errors.toml by doozer-wire-generate; do not edit.\n\nmodule Doozer\n",
    );
    for kind in &table.errors {
        let _ = write!(
            text,
            "  # {}\n  # {}\n  class {} < Error\n    KIND = {:?}\n    NUMBER = {}\n  end\n\n",
            kind.meaning, kind.remedy, kind.kind, kind.name, kind.number
        );
    }
    text.push_str("  # The exception of each number.\n  ERRORS = {\n");
    each(table, &mut text, |kind| format!("    {} => {},\n", kind.number, kind.kind));
    text.push_str("  }.freeze\nend\n");
    text
}

/// Their signatures, in RBS.
pub fn ruby_types(table: &Table) -> String {
    let mut text = String::from(
        "# Every kind of error as an exception.\n\
         # Made from core/wire/errors.toml by doozer-wire-generate; do not edit.\n\nmodule Doozer\n",
    );
    for kind in &table.errors {
        let _ = write!(
            text,
            "  # {}\n  # {}\n  class {} < Error\n    KIND: String\n    NUMBER: Integer\n  end\n\n",
            kind.meaning, kind.remedy, kind.kind
        );
    }
    text.push_str("  # The exception of each number.\n  ERRORS: Hash[Integer, singleton(Error)]\nend\n");
    text
}

/// The errors of the Node.js package; their base class is written by hand.
pub fn node(table: &Table) -> String {
    let mut text = String::from(
        "'use strict';\n\n// Every kind of error as a class.\n\
         // Made from core/wire/errors.toml by doozer-wire-generate; do not edit.\n\n\
         const { DoozerError } = require('./error.cjs');\n",
    );
    for kind in &table.errors {
        let _ = write!(
            text,
            "\n/** {} {} */\nclass {} extends DoozerError {{}}\n\
             Object.assign({}.prototype, {{ name: '{}', code: '{}', number: {} }});\n",
            kind.meaning, kind.remedy, kind.kind, kind.kind, kind.kind, kind.name, kind.number
        );
    }
    text.push_str("\nmodule.exports = {\n");
    each(table, &mut text, |kind| format!("  {},\n", kind.kind));
    text.push_str("};\n");
    text
}

/// Their declarations.
pub fn node_types(table: &Table) -> String {
    let mut text = String::from(
        "// Every kind of error as a class.\n// Made from core/wire/errors.toml by doozer-wire-generate; do not edit.\n\n\
         import { DoozerError } from './error.cjs';\n",
    );
    for kind in &table.errors {
        let _ = write!(
            text,
            "\n/** {} {} */\nexport class {} extends DoozerError {{\n  readonly code: '{}';\n  \
             readonly number: {};\n}}\n",
            kind.meaning, kind.remedy, kind.kind, kind.name, kind.number
        );
    }
    text
}

fn each(table: &Table, text: &mut String, line: impl Fn(&Kind) -> String) {
    table.errors.iter().for_each(|kind| text.push_str(&line(kind)));
}
