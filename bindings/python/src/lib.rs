//! The native part of the Python package: every call of the API, from Python's values to the bridge and back.
//! What a call does never belongs here, and neither does an event loop: `doozer.aio` and `doozer.gevent` are Python.
//!
//! Each class works in two ways, see [`waiting::Waiting`]: as `doozer.Client` and the like its calls block, and as what
//! the event loops' classes are built on they give a `Call`.

mod arguments;
mod client;
mod connect;
mod entered;
mod errors;
mod held;
mod leader;
mod live;
mod lock;
mod lost;
mod node;
mod registration;
mod results;
mod stream;
mod txn;
mod waiting;

#[pyo3::pymodule]
mod _native {
    use doozer_bridge::{noop, noop_async};
    use pyo3::prelude::*;

    use crate::errors::entry;
    use crate::waiting::Waiting;

    #[pymodule_export]
    use crate::client::Client;
    #[pymodule_export]
    use crate::connect::{connect, connect_later};
    #[pymodule_export]
    use crate::entered::Entered;
    #[pymodule_export]
    use crate::leader::Leader;
    #[pymodule_export]
    use crate::live::Live;
    #[pymodule_export]
    use crate::lock::Lock;
    #[pymodule_export]
    use crate::lost::Lost;
    #[pymodule_export]
    use crate::node::Node;
    #[pymodule_export]
    use crate::registration::Registration;
    #[pymodule_export]
    use crate::stream::Stream;
    #[pymodule_export]
    use crate::txn::Txn;
    #[pymodule_export]
    use crate::waiting::{Call, Calls};

    /// The version of this part. The package compares it with its own when it is loaded.
    #[pymodule_export]
    const VERSION: &str = doozer_bridge::VERSION;

    /// Does nothing: what a call costs by itself.
    #[pyfunction]
    fn _noop() -> PyResult<()> {
        entry("noop", || {
            noop();
            Ok(())
        })
    }

    /// Goes to the runtime and back: what a blocking call costs by itself.
    #[pyfunction]
    fn _noop_async(py: Python<'_>) -> PyResult<Py<PyAny>> {
        entry("noop", || Waiting::Here.wait(py, noop_async(), |py, ()| Ok(py.None())))
    }

    /// The same as a `Call`.
    #[pyfunction]
    fn _noop_later(py: Python<'_>) -> PyResult<Py<PyAny>> {
        entry("noop", || Waiting::Later.wait(py, noop_async(), |py, ()| Ok(py.None())))
    }
}
