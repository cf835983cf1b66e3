//! From what calls give to Ruby's values: frozen structs of binary values, UTF-8 paths and integers.

use doozer_bridge::{Change, Entry, Event, File, Files, LocalFile, Stat};
use magnus::rb_sys::{AsRawValue, FromRawValue, protect};
use magnus::value::{Lazy, ReprValue};
use magnus::{Error, Module, RArray, RClass, RHash, RModule, Ruby, Value, value::StaticSymbol};
use rb_sys::VALUE;

static FILE: Lazy<RClass> = Lazy::new(|ruby| structure(ruby, "File"));
static EVENT: Lazy<RClass> = Lazy::new(|ruby| structure(ruby, "Event"));
static ENTRY: Lazy<RClass> = Lazy::new(|ruby| structure(ruby, "Entry"));
static STAT: Lazy<RClass> = Lazy::new(|ruby| structure(ruby, "Stat"));
static SET: Lazy<StaticSymbol> = Lazy::new(|ruby| ruby.sym_new("set"));
static DEL: Lazy<StaticSymbol> = Lazy::new(|ruby| ruby.sym_new("del"));

#[allow(
    clippy::expect_used,
    reason = "`lib/doozer.rb` defines them before it defines anything of this library"
)]
fn structure(ruby: &Ruby, name: &str) -> RClass {
    let doozer: RModule = ruby.class_object().const_get("Doozer").expect("the gem's module");
    doozer.const_get(name).expect("the gem's struct")
}

pub(crate) fn file(ruby: &Ruby, File { value, rev }: File) -> Result<Value, Error> {
    let value = value.map_or_else(|| ruby.qnil().as_value(), |value| binary(ruby, &value));
    pair(ruby.get_inner(&FILE), [value, ruby.integer_from_i64(rev).as_value()])
}

pub(crate) fn local_file(ruby: &Ruby, LocalFile { value, rev }: LocalFile) -> Result<Value, Error> {
    let value = value.map_or_else(|| ruby.qnil().as_value(), |value| binary(ruby, &value));
    pair(ruby.get_inner(&FILE), [value, ruby.integer_from_i64(rev).as_value()])
}

pub(crate) fn event(ruby: &Ruby, Event { path, value, rev, kind }: Event) -> Result<Value, Error> {
    let kind = match kind {
        Change::Set => ruby.get_inner(&SET),
        Change::Del => ruby.get_inner(&DEL),
    };
    let (path, value) = (utf8(ruby, &path), binary(ruby, &value));
    four(ruby.get_inner(&EVENT), [path, value, ruby.integer_from_i64(rev).as_value(), kind.as_value()])
}

pub(crate) fn entry(ruby: &Ruby, Entry { path, value, rev, len }: Entry) -> Result<Value, Error> {
    let path = utf8(ruby, &path);
    let value = value.map_or_else(|| ruby.qnil().as_value(), |value| binary(ruby, &value));
    let (rev, len) = (ruby.integer_from_i64(rev).as_value(), ruby.integer_from_u64(len).as_value());
    four(ruby.get_inner(&ENTRY), [path, value, rev, len])
}

pub(crate) fn stat(ruby: &Ruby, stat: Stat) -> Result<Value, Error> {
    let (len, rev) = (ruby.integer_from_u64(stat.len), ruby.integer_from_i64(stat.rev));
    pair(ruby.get_inner(&STAT), [len.as_value(), rev.as_value()])
}

pub(crate) fn entries(ruby: &Ruby, entries: Vec<Entry>) -> Result<RArray, Error> {
    let array = ruby.ary_new_capa(entries.len());
    for one in entries {
        array.push(entry(ruby, one)?)?;
    }
    Ok(array)
}

pub(crate) fn names(ruby: &Ruby, names: Vec<String>) -> Result<RArray, Error> {
    let array = ruby.ary_new_capa(names.len());
    for name in names {
        array.push(utf8(ruby, &name))?;
    }
    Ok(array)
}

/// Files by their paths.
pub(crate) fn files(ruby: &Ruby, files: &Files) -> Result<RHash, Error> {
    let hash = ruby.hash_new();
    for (path, one) in &**files {
        hash.aset(utf8(ruby, path), file(ruby, one.clone())?)?;
    }
    hash.freeze();
    Ok(hash)
}

/// The revision of each change; nil where there was nothing to change.
pub(crate) fn revs(ruby: &Ruby, revs: Vec<Option<i64>>) -> Result<RArray, Error> {
    let array = ruby.ary_new_capa(revs.len());
    for rev in revs {
        array.push(rev)?;
    }
    array.freeze();
    Ok(array)
}

/// A frozen string of bytes.
fn binary(ruby: &Ruby, value: &[u8]) -> Value {
    let string = ruby.str_from_slice(value);
    string.freeze();
    string.as_value()
}

/// A frozen string of text.
pub(crate) fn utf8(ruby: &Ruby, text: &str) -> Value {
    let string = ruby.str_new(text);
    string.freeze();
    string.as_value()
}

/// A frozen struct of two members.
fn pair(class: RClass, members: [Value; 2]) -> Result<Value, Error> {
    let [a, b] = members.map(AsRawValue::as_raw);
    // SAFETY: the class is a struct's with two members.
    made(|| unsafe { rb_sys::rb_struct_new(class.as_raw(), a, b) })
}

/// A frozen struct of four members.
fn four(class: RClass, members: [Value; 4]) -> Result<Value, Error> {
    let [a, b, c, d] = members.map(AsRawValue::as_raw);
    // SAFETY: the class is a struct's with four members.
    made(|| unsafe { rb_sys::rb_struct_new(class.as_raw(), a, b, c, d) })
}

/// The members are on the stack until they are in the struct, where the collector sees them.
fn made(make: impl FnOnce() -> VALUE) -> Result<Value, Error> {
    // SAFETY: it has just been made, and nobody else has it.
    let made = protect(|| unsafe { rb_sys::rb_obj_freeze(make()) })?;
    // SAFETY: Ruby has just made it.
    Ok(unsafe { Value::from_raw(made) })
}
