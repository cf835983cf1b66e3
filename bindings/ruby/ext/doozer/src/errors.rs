//! Errors of the bridge as exceptions of the gem.

use doozer_bridge::{Error as Failure, guard};
use magnus::value::{Lazy, ReprValue};
use magnus::{Class, Error, Exception, Module, RClass, RModule, Ruby};

static BASE: Lazy<RClass> = Lazy::new(|ruby| {
    let found = ruby.class_object().const_get("Doozer").and_then(|doozer: RModule| doozer.const_get("Error"));
    // `lib/doozer.rb` loads it first.
    found.unwrap_or_else(|_| ruby.exception_standard_error().as_r_class())
});

/// Runs an entry point's work: a panic in it is raised as `Doozer::Panic`.
pub(crate) fn entry<T>(
    ruby: &Ruby,
    op: &'static str,
    work: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    guard(op, || Ok(work())).unwrap_or_else(|panic| Err(raised(ruby, &panic)))
}

/// What is raised for a failure.
pub(crate) fn raised(ruby: &Ruby, failure: &Failure) -> Error {
    exception(ruby, failure).map_or_else(|error| error, Error::from)
}

/// A failure as an exception.
pub(crate) fn exception(ruby: &Ruby, failure: &Failure) -> Result<Exception, Error> {
    let parts = (
        failure.kind().number(),
        failure.to_string(),
        failure.op(),
        failure.path(),
        failure.detail(),
        failure.is_retryable(),
    );
    ruby.get_inner(&BASE).funcall("of", parts)
}
