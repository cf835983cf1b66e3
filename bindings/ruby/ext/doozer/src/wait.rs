//! Waiting for a call in Ruby's way: never with Ruby's lock held, and ended at once by whatever Ruby ends waits with.
//! A call that is given up is dropped, which takes it back from the member.

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::Duration;

use doozer_bridge::{Completions, Error as Failure, ErrorKind, Op, Running, guard};
use magnus::rb_sys::{AsRawValue, protect};
use magnus::value::{Lazy, ReprValue};
use magnus::{Class, Error, Exception, Module, Object, RArray, RModule, Ruby, function, method};
use rb_sys::rb_nogvl;

use crate::errors::{entry, exception, raised};

/// How often a waiting thread looks for interrupts by itself: one may come just before it begins to wait.
const PIECE: Duration = Duration::from_millis(100);

/// Such a call returns when there is an interrupt and does not act on it, which would jump over this library's frames;
/// and what ends its wait may be called by a signal handler.
const FLAGS: c_int = (rb_sys::RB_NOGVL_INTR_FAIL | rb_sys::RB_NOGVL_UBF_ASYNC_SAFE) as c_int;

thread_local! {
    /// This thread. It stays where it is until the thread ends: a signal handler may look at it late.
    static HERE: Thread = thread::current();
}

/// Waits for a call. Under a fiber scheduler other fibers run meanwhile, otherwise other threads do.
pub(crate) fn wait<T: Send + 'static>(ruby: &Ruby, op: Op<T>) -> Result<T, Error> {
    // SAFETY: it only looks.
    let scheduler = unsafe { rb_sys::rb_fiber_scheduler_current() };
    if scheduler == ruby.qnil().as_raw() { block(ruby, op) } else { give_way(ruby, op) }
}

/// The same for a call that often has its result at once.
pub(crate) fn wait_briefly<T: Send + 'static>(ruby: &Ruby, mut op: Op<T>) -> Result<T, Error> {
    match op.poll_for(Some(Duration::ZERO)) {
        Some(result) => result.map_err(|failure| raised(ruby, &failure)),
        None => wait(ruby, op),
    }
}

/// A piece of waiting.
struct Piece<'a, T> {
    op: &'a mut Op<T>,
    result: Option<Result<T, Failure>>,
}

fn block<T: Send + 'static>(ruby: &Ruby, mut op: Op<T>) -> Result<T, Error> {
    let here = HERE.with(ptr::from_ref).cast_mut();
    let mut piece = Piece { op: &mut op, result: None };
    loop {
        let data = ptr::from_mut(&mut piece).cast();
        // SAFETY: both functions get what they expect, and nothing of Ruby's is touched by them. With these flags it
        // returns here and nowhere else.
        unsafe { rb_nogvl(Some(work::<T>), data, Some(unblock), here.cast(), FLAGS) };
        if let Some(result) = piece.result.take() {
            return result.map_err(|failure| raised(ruby, &failure));
        }
        check_interrupts(ruby)?;
    }
}

/// Runs without Ruby's lock.
unsafe extern "C" fn work<T: Send + 'static>(piece: *mut c_void) -> *mut c_void {
    // SAFETY: `block` gives its own, which it does not touch meanwhile.
    let piece = unsafe { &mut *piece.cast::<Piece<'_, T>>() };
    let polled = guard("wait", || Ok(piece.op.poll_for(Some(PIECE))));
    piece.result = polled.unwrap_or_else(|panic| Some(Err(panic)));
    ptr::null_mut()
}

/// Ends a piece early. It may run within a signal handler.
unsafe extern "C" fn unblock(thread: *mut c_void) {
    // SAFETY: a thread's own, which is there as long as the thread.
    unsafe { &*thread.cast::<Thread>() }.unpark();
}

/// Lets Ruby do what it was interrupted for. An error is what it raises, a jump included.
fn check_interrupts(ruby: &Ruby) -> Result<(), Error> {
    unsafe extern "C" fn nothing(_: *mut c_void) -> *mut c_void {
        ptr::null_mut()
    }
    let nil = ruby.qnil().as_raw();
    // A blocking call that does not block, and not `rb_thread_check_ints`: so what is to be raised in blocking calls
    // only (`Thread.handle_interrupt`) is raised too.
    protect(|| {
        // SAFETY: what it raises jumps over this closure alone, in which nothing needs dropping.
        unsafe { rb_nogvl(Some(nothing), ptr::null_mut(), None, ptr::null_mut(), 0) };
        nil
    })?;
    Ok(())
}

/// Waits as a fiber. The runtime does the call, and `Doozer::Native::Dispatcher` wakes the fiber.
fn give_way<T: Send + 'static>(ruby: &Ruby, op: Op<T>) -> Result<T, Error> {
    let result = Arc::new(Mutex::new(None));
    let place = Arc::clone(&result);
    let op = op.map(move |value| *locked(&place) = Some(value));
    let call = ruby.obj_wrap(Call(Mutex::new(Stage::Made(op))));
    let failed: Option<Exception> = ruby.get_inner(&DISPATCHER).funcall("wait", (call,))?;
    if let Some(failed) = failed {
        return Err(failed.into());
    }
    let value = locked(&result).take();
    value.ok_or_else(|| {
        raised(ruby, &Failure::new(ErrorKind::Closed, "wait", None, "the call ended without a result"))
    })
}

static DISPATCHER: Lazy<RModule> = Lazy::new(dispatcher);

#[allow(clippy::expect_used, reason = "`define` has made it")]
fn dispatcher(ruby: &Ruby) -> RModule {
    let doozer: RModule = ruby.class_object().const_get("Doozer").expect("the gem's module");
    let native: RModule = doozer.const_get("Native").expect("the library's module");
    native.const_get("Dispatcher").expect("the gem's dispatcher")
}

/// A call that a fiber waits for.
#[magnus::wrap(class = "Doozer::Native::Call", free_immediately, size)]
struct Call(Mutex<Stage>);

enum Stage {
    Made(Op<()>),
    Submitted(Running),
    Over,
}

impl Call {
    /// Hands it to the runtime. Its end is told by `completions`, under that number.
    fn submit(ruby: &Ruby, this: &Call, completions: &Finished, number: u64) -> Result<(), Error> {
        entry(ruby, "wait", || {
            let mut stage = locked(&this.0);
            if let Stage::Made(op) = std::mem::replace(&mut *stage, Stage::Over) {
                *stage = Stage::Submitted(completions.0.submit(op, number));
            }
            Ok(())
        })
    }

    /// Takes it back, unless it has ended.
    fn cancel(ruby: &Ruby, this: &Call) -> Result<(), Error> {
        entry(ruby, "wait", || {
            if let Stage::Submitted(running) = std::mem::replace(&mut *locked(&this.0), Stage::Over) {
                running.cancel();
            }
            Ok(())
        })
    }
}

/// Calls that have ended, and a descriptor that is readable while there are some.
#[magnus::wrap(class = "Doozer::Native::Completions", free_immediately, size)]
struct Finished(Completions<()>);

impl Finished {
    fn new(ruby: &Ruby) -> Result<Finished, Error> {
        entry(ruby, "wait", || {
            Completions::new().map(Finished).map_err(|error| {
                let failure =
                    Failure::new(ErrorKind::Io, "wait", None, format!("no descriptor is left: {error}"));
                raised(ruby, &failure)
            })
        })
    }

    fn fd(ruby: &Ruby, this: &Finished) -> Result<i32, Error> {
        entry(ruby, "wait", || Ok(this.0.fd()))
    }

    /// Pairs of a number and how the call failed, or nil.
    fn take(ruby: &Ruby, this: &Finished) -> Result<RArray, Error> {
        entry(ruby, "wait", || {
            let pairs = ruby.ary_new();
            for (number, result) in this.0.take() {
                let failed = result.err().map(|failure| exception(ruby, &failure)).transpose()?;
                pairs.push((number, failed))?;
            }
            Ok(pairs)
        })
    }
}

/// Nothing that holds one of these can panic.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn define(ruby: &Ruby, doozer: RModule) -> Result<(), Error> {
    let native: RModule = doozer.const_get("Native")?;
    let call = native.define_class("Call", ruby.class_object())?;
    call.undef_default_alloc_func();
    call.define_method("submit", method!(Call::submit, 2))?;
    call.define_method("cancel", method!(Call::cancel, 0))?;
    let finished = native.define_class("Completions", ruby.class_object())?;
    finished.undef_default_alloc_func();
    finished.define_singleton_method("new", function!(Finished::new, 0))?;
    finished.define_method("fd", method!(Finished::fd, 0))?;
    finished.define_method("take", method!(Finished::take, 0))
}
