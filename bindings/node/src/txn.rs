//! A transaction, as the parts that JavaScript has collected.

use doozer_bridge::Txn;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

/// What a part of a transaction is.
#[napi]
pub enum PartKind {
    IfRev,
    IfValue,
    IfAbsent,
    IfFence,
    Set,
    SetEphemeral,
    Del,
}

/// A part of a transaction. What its kind does not have is left out.
#[napi(object, object_to_js = false)]
pub struct Part {
    pub kind: PartKind,
    pub path: String,
    /// A revision or a fencing token.
    pub rev: Option<i64>,
    pub value: Option<Buffer>,
}

/// The transaction that they make.
pub(crate) fn whole(parts: Vec<Part>) -> Txn {
    parts.into_iter().fold(Txn::new(), |txn, Part { kind, path, rev, value }| {
        let rev = rev.unwrap_or_default();
        let value = value.map(|value| value.to_vec()).unwrap_or_default();
        match kind {
            PartKind::IfRev => txn.if_rev(&path, rev),
            PartKind::IfValue => txn.if_value(&path, value),
            PartKind::IfAbsent => txn.if_absent(&path),
            PartKind::IfFence => txn.if_fence(&path, rev),
            PartKind::Set => txn.set(&path, value, rev),
            PartKind::SetEphemeral => txn.set_ephemeral(&path, value, rev),
            PartKind::Del => txn.del(&path, rev),
        }
    })
}
