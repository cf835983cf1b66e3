//! The message types: a .proto file compiled to Rust.

use std::collections::BTreeMap;
use std::path::Path;

use prost_build::{Config, Module};
use protox::prost_reflect::prost_types::FileDescriptorSet;

use crate::Result;

/// Parses a .proto file in `folder`.
pub fn compile(folder: &Path, name: &str) -> Result<FileDescriptorSet> {
    protox::compile([name], [folder]).map_err(|error| format!("{error:?}").into())
}

/// The values of `ErrCode` by name, which the error table must agree with.
pub fn error_codes(files: &FileDescriptorSet) -> Result<BTreeMap<String, u32>> {
    let codes = files
        .file
        .iter()
        .flat_map(|file| &file.enum_type)
        .find(|kind| kind.name() == "ErrCode")
        .ok_or("doozer.proto has no enum ErrCode")?;
    codes.value.iter().map(|code| Ok((code.name().to_owned(), u32::try_from(code.number())?))).collect()
}

/// Long and rare: boxed, so that every other response is moved without its room.
const BOXED: &str = ".doozer.wire.Response.session";

/// The Rust source of every message and enum of the file `name`.
pub fn rust(name: &str, files: FileDescriptorSet) -> Result<String> {
    let mut config = Config::new();
    config.bytes(["."]).boxed(BOXED);
    let requests =
        files.file.into_iter().map(|file| (Module::from_protobuf_package_name(file.package()), file));
    let modules = config.generate(requests.collect())?;
    let header = format!("// Made from proto/{name} by doozer-wire-generate; do not edit.\n\n");
    Ok(modules.into_values().fold(header, |text, module| text + &module))
}
