//! Any text as a URI.
#![no_main]

use doozer_wire::Uri;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match text.parse::<Uri>() {
        Ok(uri) => {
            for address in &uri.addresses {
                assert_eq!(address.to_string().parse().as_ref(), Ok(address));
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
