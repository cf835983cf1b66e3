//! Transactions.

use std::ffi::{c_char, c_void};
use std::mem;

use doozer_bridge::{Error, ErrorKind, Txn};

use crate::client::{ask, doozer_client};
use crate::code::doozer_code;
use crate::edge::{Edge, Out, entry, free, give};
use crate::error::doozer_error;
use crate::options::doozer_call_opts;

/// A transaction: conditions, and the changes that are made if all of them hold, all or none. Up to 128 of both together.
/// Only one thread at a time may add to it, and none while another commits it; it may be committed again, and in the child
/// of a fork. It is the caller's to free, with doozer_txn_free.
///
/// Conditions look at the files as they are before; a change sees what the changes before it did. A part that cannot be
/// added is told at once, and once more by doozer_txn_commit, which then makes nothing: so it is enough to look there. All
/// errors name the operation "txn".
#[derive(Default)]
pub struct doozer_txn {
    parts: Txn,
    changes: usize,
    /// Why the first part could not be added that could not.
    fault: Option<Error>,
}

/// Adds a part.
///
/// # Safety
/// The caller's contract, see the header's top.
unsafe fn add<'a, A: FnOnce(Txn) -> Txn>(
    edge: &Edge<'a>,
    txn: *mut doozer_txn,
    part: impl FnOnce(&Edge<'a>) -> Result<A, Error>,
) -> Result<&'a mut doozer_txn, Error> {
    // SAFETY: by the contract.
    let txn = unsafe { edge.handle_mut("txn", txn) }?;
    match part(edge) {
        Ok(add) => txn.parts = add(mem::take(&mut txn.parts)),
        Err(error) => {
            txn.fault.get_or_insert_with(|| error.clone());
            return Err(error);
        }
    }
    Ok(txn)
}

/// Makes a transaction without any part. It is the caller's to free.
#[unsafe(no_mangle)]
pub extern "C" fn doozer_txn_new() -> *mut doozer_txn {
    give(doozer_txn::default())
}

/// Adds the condition that the file's revision is `rev`; 0: that there is none.
///
/// Errors: DOOZER_MISSING_ARG; DOOZER_BAD_PATH if `path` is not UTF-8. All else is told by doozer_txn_commit.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_txn_if_rev(
    txn: *mut doozer_txn,
    path: *const c_char,
    rev: i64,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("txn", err, |edge| {
            add(edge, txn, |edge| {
                let path = edge.path(path)?;
                Ok(move |txn: Txn| txn.if_rev(path, rev))
            })?;
            Ok(())
        })
    }
}

/// Adds the condition that the file holds `value`, of `len` bytes; NULL will do if there are none.
///
/// Errors: as doozer_txn_if_rev; DOOZER_TOO_LARGE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_txn_if_value(
    txn: *mut doozer_txn,
    path: *const c_char,
    value: *const c_void,
    len: usize,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("txn", err, |edge| {
            add(edge, txn, |edge| {
                let (path, value) = (edge.path(path)?, edge.bytes("value", value, len)?.to_vec());
                Ok(move |txn: Txn| txn.if_value(path, value))
            })?;
            Ok(())
        })
    }
}

/// Adds the condition that nothing is there, no directory either.
///
/// Errors: as doozer_txn_if_rev.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_txn_if_absent(
    txn: *mut doozer_txn,
    path: *const c_char,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("txn", err, |edge| {
            add(edge, txn, |edge| {
                let path = edge.path(path)?;
                Ok(move |txn: Txn| txn.if_absent(path))
            })?;
            Ok(())
        })
    }
}

/// Adds the condition that the file has the fencing token `token`: that a lock (doozer_lock_path, doozer_lock_rev) is still
/// held, or that a leader (doozer_leader_path, doozer_leader_token) still leads. The token of a file that is bound to no
/// session is its revision.
///
/// Errors: as doozer_txn_if_rev.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_txn_if_fence(
    txn: *mut doozer_txn,
    path: *const c_char,
    token: i64,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("txn", err, |edge| {
            add(edge, txn, |edge| {
                let path = edge.path(path)?;
                Ok(move |txn: Txn| txn.if_fence(path, token))
            })?;
            Ok(())
        })
    }
}

/// Adds a change: writes a file, by the rule of doozer_set.
///
/// Errors: as doozer_txn_if_value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_txn_set(
    txn: *mut doozer_txn,
    path: *const c_char,
    value: *const c_void,
    len: usize,
    rev: i64,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("txn", err, |edge| {
            let made = add(edge, txn, |edge| {
                let (path, value) = (edge.path(path)?, edge.bytes("value", value, len)?.to_vec());
                Ok(move |txn: Txn| txn.set(path, value, rev))
            })?;
            made.changes += 1;
            Ok(())
        })
    }
}

/// Adds a change: writes a file that goes when the session of the client ends which commits this, by the rule of doozer_set.
///
/// Errors: as doozer_txn_if_value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_txn_set_ephemeral(
    txn: *mut doozer_txn,
    path: *const c_char,
    value: *const c_void,
    len: usize,
    rev: i64,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("txn", err, |edge| {
            let made = add(edge, txn, |edge| {
                let (path, value) = (edge.path(path)?, edge.bytes("value", value, len)?.to_vec());
                Ok(move |txn: Txn| txn.set_ephemeral(path, value, rev))
            })?;
            made.changes += 1;
            Ok(())
        })
    }
}

/// Adds a change: deletes a file, by the rule of doozer_del.
///
/// Errors: as doozer_txn_if_rev.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_txn_del(
    txn: *mut doozer_txn,
    path: *const c_char,
    rev: i64,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("txn", err, |edge| {
            let made = add(edge, txn, |edge| {
                let path = edge.path(path)?;
                Ok(move |txn: Txn| txn.del(path, rev))
            })?;
            made.changes += 1;
            Ok(())
        })
    }
}

/// Makes all changes of a transaction if all its conditions hold, or none. The revision of each change, in the order they
/// were added, goes to `revs`, which has room for `room` of them: 0 for the deletion of a file that was not there. They are
/// consecutive. NULL: nobody wants them. On failure they are 0. The transaction stays as it is. Blocks.
///
/// Errors: DOOZER_COMPARE_FAILED if a condition does not hold; what a change would end with by itself, as doozer_set; which
/// part it was, doozer_error_part tells. DOOZER_TOO_LARGE for more than 128 parts; DOOZER_RANGE, and nothing was made, if
/// there are more changes than `room`; what a part could not be added with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_txn_commit(
    client: *const doozer_client,
    txn: *const doozer_txn,
    call: *const doozer_call_opts,
    revs: *mut i64,
    room: usize,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("txn", err, |edge| {
            let txn = edge.handle("txn", txn)?;
            let places = if revs.is_null() { 0 } else { room.min(txn.changes) };
            let outs: Vec<_> = (0..places).map(|place| Out::new(revs.add(place), 0)).collect();
            if let Some(fault) = &txn.fault {
                return Err(fault.clone());
            }
            if !revs.is_null() && room < txn.changes {
                let detail =
                    format!("the transaction has {} changes, and `revs` has room for {room}", txn.changes);
                return Err(edge.error(ErrorKind::Range, detail));
            }
            let parts = txn.parts.clone();
            let made = ask(edge, client, call, |client, with| client.txn(parts, with))?;
            outs.iter().zip(made).for_each(|(out, rev)| out.put(rev.unwrap_or(0)));
            Ok(())
        })
    }
}

/// Frees a transaction. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_txn_free(txn: *mut doozer_txn) {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { free(txn) }
}
