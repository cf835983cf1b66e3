//! Writes `ffi/c/include/doozer.h`, or checks that it is fresh.
//!
//! `cargo run -p doozer-c-generate` writes it; with `-- --check` it fails if what it would write is not there already.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use cbindgen::{Builder, Config, DocumentationStyle, EnumConfig, FunctionConfig, Language, Layout, Style};

/// What stands above everything.
const TOP: &str = include_str!("top.h");
/// Behind the includes.
const CONSTANTS: &str = include_str!("constants.h");
/// Behind everything.
const BOTTOM: &str = include_str!("bottom.h");

/// In the order in which somebody reads the header.
const SOURCES: [&str; 14] = [
    "code",
    "error",
    "cancel",
    "options",
    "results",
    "client",
    "stream",
    "txn",
    "lock",
    "leader",
    "registration",
    "live",
    "entered",
    "node",
];
/// Last, since nothing else needs it.
const LIBRARY: &str = "library";

fn main() -> ExitCode {
    match run(env::args().nth(1).as_deref()) {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("doozer-c-generate: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(argument: Option<&str>) -> Result<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let path = folder.join("include/doozer.h");
    let made = header(&folder)?;
    let found = fs::read_to_string(&path).unwrap_or_default();
    match argument {
        Some("--check") if found == made => Ok("ffi/c/include/doozer.h is fresh".to_owned()),
        Some("--check") => {
            Err("ffi/c/include/doozer.h is not what the sources say: run cargo run -p doozer-c-generate"
                .to_owned())
        }
        None => {
            fs::write(&path, made).map_err(|error| format!("{}: {error}", path.display()))?;
            Ok("wrote ffi/c/include/doozer.h".to_owned())
        }
        Some(other) => Err(format!("what is `{other}`? There is only --check")),
    }
}

fn header(folder: &Path) -> Result<String, String> {
    let source = |name: &str| -> PathBuf { folder.join(format!("src/{name}.rs")) };
    let builder = SOURCES
        .iter()
        .fold(Builder::new().with_config(config()), |builder, name| builder.with_src(source(name)));
    let bindings = builder.with_src(source(LIBRARY)).generate().map_err(|error| error.to_string())?;
    let mut text = Vec::new();
    bindings.write(&mut text);
    String::from_utf8(text).map_err(|error| error.to_string())
}

fn config() -> Config {
    Config {
        language: Language::C,
        cpp_compat: true,
        header: Some(TOP.trim_end().to_owned()),
        sys_includes: ["stdbool.h", "stddef.h", "stdint.h", "string.h"].map(str::to_owned).to_vec(),
        no_includes: true,
        after_includes: Some(CONSTANTS.replace("@VERSION@", env!("CARGO_PKG_VERSION"))),
        trailer: Some(BOTTOM.trim_end().to_owned()),
        style: Style::Type,
        usize_is_size_t: true,
        documentation_style: DocumentationStyle::Doxy,
        line_length: 110,
        tab_width: 4,
        function: FunctionConfig { args: Layout::Auto, ..FunctionConfig::default() },
        enumeration: EnumConfig { prefix_with_name: false, ..EnumConfig::default() },
        ..Config::default()
    }
}
