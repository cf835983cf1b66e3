//! What the linker has to know of libdoozer.so.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        return;
    }
    let part = |name: &str| env::var(format!("CARGO_PKG_VERSION_{name}")).unwrap_or_default();
    // Before 1.0 every minor version may break programs, afterwards every major one. `install` makes the link.
    let number = match part("MAJOR").as_str() {
        "0" => format!("0.{}", part("MINOR")),
        major => major.to_owned(),
    };
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libdoozer.so.{number}");
    // Its threads would go on running code that is not there any more.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
