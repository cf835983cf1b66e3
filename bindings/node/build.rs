//! How the module is linked: what Node.js provides is resolved when it is loaded.

fn main() {
    napi_build::setup();
    let is_linux = std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux");
    if is_linux && std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        // The package carries the module as it is: names of functions would make it half as large again.
        println!("cargo::rustc-cdylib-link-arg=-Wl,--strip-all");
    }
}
