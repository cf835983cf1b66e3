//! A member within the program.

use std::ffi::{CStr, CString, c_char};
use std::ptr;

use doozer_bridge::Node;

use crate::client::{at, doozer_client};
use crate::code::doozer_code;
use crate::edge::{Out, c_text, entry, free, give};
use crate::error::doozer_error;
use crate::options::{
    Call, configuration, connecting, doozer_call_opts, doozer_connect_opts, doozer_node_opts,
};
use crate::results::doozer_file;

/// A member within the program: it serves the program itself without a socket, and others if it listens. Any number of
/// threads may use it at once. It stays with the process that started it: in the child of a fork it fails with
/// DOOZER_FORKED. It is the caller's to free, with doozer_node_free.
pub struct doozer_node {
    id: CString,
    cluster_name: CString,
    address: Option<CString>,
    node: Node,
}

/// Starts a member. NULL options are the defaults: in memory, and not listening. Blocks until it serves. `*node` is NULL
/// on failure.
///
/// Errors: DOOZER_IO, with what stood in the way: an address in use, a directory that cannot be made, is in use or
/// damaged.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_node_start(
    options: *const doozer_node_opts,
    call: *const doozer_call_opts,
    node: *mut *mut doozer_node,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("start", err, |edge| {
            let out = Out::handle(edge, "node", node)?;
            let (config, call) = (configuration(edge, options)?, Call::read(edge, call)?);
            let node = call.block_limited(Node::start(config))?;
            out.put(give(doozer_node {
                id: c_text(node.id()),
                cluster_name: c_text(node.cluster_name()),
                address: node.address().map(|address| c_text(address.to_string())),
                node,
            }));
            Ok(())
        })
    }
}

/// A client of the member, without a socket. It needs no secret. NULL options are the defaults. Blocks. `*client` is NULL
/// on failure.
///
/// Errors: DOOZER_CLOSED if the member was stopped; DOOZER_FORKED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_node_client(
    node: *const doozer_node,
    options: *const doozer_connect_opts,
    client: *mut *mut doozer_client,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("connect", err, |edge| {
            let out = Out::handle(edge, "client", client)?;
            let (node, (options, call)) = (edge.handle("node", node)?, connecting(edge, options)?);
            out.put(give(doozer_client(call.block(node.node.client(options))?)));
            Ok(())
        })
    }
}

/// Reads a file from this member's own state, as it is (DOOZER_NOW) or was at a revision. It waits for nothing and sends
/// nothing. `*file` is NULL on failure.
///
/// Errors: DOOZER_ISDIR; DOOZER_BAD_PATH; DOOZER_RANGE for a negative revision; DOOZER_TOO_LATE for one that is not kept any
/// more; DOOZER_TIMEOUT for one that has not come yet; DOOZER_CLOSED; DOOZER_FORKED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_node_get_local(
    node: *const doozer_node,
    path: *const c_char,
    rev: i64,
    file: *mut *mut doozer_file,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("get_local", err, |edge| {
            let out = Out::handle(edge, "file", file)?;
            let (path, node) = (edge.path(path)?, edge.handle("node", node)?);
            out.put(give(node.node.get_local(path, at(rev))?.into()));
            Ok(())
        })
    }
}

/// The revision of this member's own state goes to `*rev`. Does not block.
///
/// Errors: DOOZER_CLOSED if the member was stopped; DOOZER_FORKED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_node_revision(
    node: *const doozer_node,
    rev: *mut i64,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("rev", err, |edge| {
            let out = Out::new(rev, 0);
            out.put(edge.handle("node", node)?.node.revision()?);
            Ok(())
        })
    }
}

/// The member's id, as doozer_self answers it. It lives as long as the handle. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_node_id(node: *const doozer_node) -> *const c_char {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { node.as_ref() }.map_or(ptr::null(), |node| CStr::as_ptr(&node.id))
}

/// The name the member's cluster was born with. It lives as long as the handle. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_node_cluster_name(node: *const doozer_node) -> *const c_char {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { node.as_ref() }.map_or(ptr::null(), |node| CStr::as_ptr(&node.cluster_name))
}

/// Where the member listens, "HOST:PORT" with the port it got; NULL if it does not. It lives as long as the handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_node_address(node: *const doozer_node) -> *const c_char {
    let of = |node: &doozer_node| node.address.as_deref().map_or(ptr::null(), CStr::as_ptr);
    // SAFETY: the caller's contract, see the header's top.
    unsafe { node.as_ref() }.map_or(ptr::null(), of)
}

/// Stops a member: it takes no more requests, answers what is under way, makes everything durable, and ends. A call that
/// is cancelled or timed out leaves it stopping. Stopping again does nothing. The handle is still to be freed. Blocks.
///
/// Errors: DOOZER_FORKED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_node_stop(
    node: *const doozer_node,
    call: *const doozer_call_opts,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("stop", err, |edge| {
            let (node, call) = (edge.handle("node", node)?, Call::read(edge, call)?);
            call.block_limited(node.node.stop())
        })
    }
}

/// Frees a member. One that was not stopped ends as if it had crashed, which loses nothing that was acknowledged. NULL
/// does nothing. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_node_free(node: *mut doozer_node) {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { free(node) }
}
