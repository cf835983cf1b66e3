//! Errors of the bridge as exceptions of the gem.

use doozer_bridge::{Error as Failure, FailedPart, guard};
use magnus::value::{Lazy, ReprValue};
use magnus::{Class, Error, Exception, Module, RArray, RClass, RModule, Ruby};

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

/// Which part of a transaction refused it: `[:compare, 2]`, frozen; nil if none did.
fn part(ruby: &Ruby, failure: &Failure) -> Result<Option<RArray>, Error> {
    let (kind, number) = match failure.failed_part() {
        None => return Ok(None),
        Some(FailedPart::Compare(number)) => ("compare", number),
        Some(FailedPart::Op(number)) => ("operation", number),
    };
    let part = ruby.ary_new_from_values(&[
        ruby.sym_new(kind).as_value(),
        ruby.integer_from_u64(number.into()).as_value(),
    ]);
    part.freeze();
    Ok(Some(part))
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
        part(ruby, failure)?,
    );
    ruby.get_inner(&BASE).funcall("of", parts)
}
