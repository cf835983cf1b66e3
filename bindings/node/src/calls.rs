//! Calls under way, and how their results get back to the event loop they were made in.
//!
//! Each environment (the main thread, or a worker) has one queue of finished calls and one threadsafe function, which
//! says that the queue is not empty any more. However many calls have finished by the time the event loop comes round,
//! they are taken in one go.
//!
//! As long as a call is under way that somebody waits for, the event loop is kept alive, and otherwise not.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use doozer_bridge::{Error, Op, Running, guard};
use napi::bindgen_prelude::{Array, External, Function};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status, sys};
use napi_derive::napi;

use crate::answer::{Answer, Fields};

/// Calls JavaScript from any thread, without an argument. Does not keep the event loop alive by itself.
type Wake = ThreadsafeFunction<(), (), (), Status, false, true>;

/// The calls of one environment. Cloning is cheap, and all clones are the same calls.
#[derive(Clone)]
pub struct Calls(Arc<Mutex<State>>);

struct State {
    /// In the order in which they finished.
    finished: Vec<(i64, Answer)>,
    under_way: HashMap<i64, UnderWay>,
    /// Those that nobody waits for: they do not keep the event loop alive.
    aside: HashMap<i64, Option<Running>>,
    /// `None` once the environment has ended. It is only ever let go of on the environment's own thread, where nobody
    /// can be ending the environment meanwhile.
    wake: Option<Wake>,
}

enum UnderWay {
    /// With what cancels it, unless it has ended already.
    Wanted(Option<Running>),
    /// It was cancelled, and its caller was told: whatever comes is dropped, and a lock thereby given back.
    Abandoned,
}

/// What JavaScript holds of [`Calls`]; it ends with the environment.
pub struct Home(Calls);

impl std::ops::Deref for Home {
    type Target = Calls;

    fn deref(&self) -> &Calls {
        &self.0
    }
}

/// Begins the calls of this environment. `ready` is called without arguments when there is something to [`take`].
#[napi]
pub fn open_calls(ready: Function<'_, (), ()>) -> napi::Result<External<Home>> {
    let wake = ready.build_threadsafe_function::<()>().weak::<true>().build()?;
    let state =
        State { finished: Vec::new(), under_way: HashMap::new(), aside: HashMap::new(), wake: Some(wake) };
    Ok(External::new(Home(Calls(Arc::new(Mutex::new(state))))))
}

/// Takes all calls that have finished: of each its number, and then what [`Answer::write`] says.
#[napi]
pub fn take<'env>(env: &'env Env, calls: &External<Home>) -> napi::Result<Array<'env>> {
    let finished = calls.finished(env)?;
    let mut fields = Fields::new(env)?;
    for (id, answer) in finished {
        fields.push(id as f64)?;
        answer.write(&mut fields)?;
    }
    Ok(fields.into())
}

/// Ends a call whose caller does not wait for it any more. It leaves no request behind.
#[napi]
pub fn cancel(calls: &External<Home>, id: i64) {
    // Nobody is there to be told of a panic.
    let _ = guard("cancel", || {
        let was = calls.lock().under_way.get_mut(&id).map(|call| mem::replace(call, UnderWay::Abandoned));
        if let Some(UnderWay::Wanted(Some(running))) = was {
            running.cancel();
        }
        Ok(())
    });
}

impl Calls {
    /// Begins a call that JavaScript knows as `id`. Its result comes through [`take`], never before this returns.
    pub(crate) fn begin<T: Send + 'static>(
        &self,
        env: &Env,
        id: i64,
        op: &'static str,
        make: impl FnOnce() -> Op<T>,
        answer: impl FnOnce(T) -> Answer + Send + 'static,
    ) -> napi::Result<()> {
        let running = self.spawn(id, op, make, answer);
        let mut state = self.lock();
        state.under_way.insert(id, UnderWay::Wanted(running));
        if state.under_way.len() == 1 { state.keep_alive(env, true) } else { Ok(()) }
    }

    /// Begins a call likewise that nobody waits for: it tells of something that may happen. Gives what ends it.
    pub(crate) fn begin_aside<T: Send + 'static>(
        &self,
        id: i64,
        op: &'static str,
        make: impl FnOnce() -> Op<T>,
        answer: impl FnOnce(T) -> Answer + Send + 'static,
    ) -> Option<Running> {
        let running = self.spawn(id, op, make, answer);
        self.lock().aside.insert(id, running.clone());
        running
    }

    /// Nothing if it has ended in a panic, which is its answer.
    fn spawn<T: Send + 'static>(
        &self,
        id: i64,
        op: &'static str,
        make: impl FnOnce() -> Op<T>,
        answer: impl FnOnce(T) -> Answer + Send + 'static,
    ) -> Option<Running> {
        let calls = self.clone();
        let done =
            move |result: Result<T, Error>| calls.finish(id, result.map_or_else(Answer::Failure, answer));
        match guard(op, || Ok(make().spawn(done))) {
            Ok(running) => Some(running),
            Err(panic) => {
                self.finish(id, Answer::Failure(panic));
                None
            }
        }
    }

    /// Called on any thread.
    fn finish(&self, id: i64, answer: Answer) {
        let mut state = self.lock();
        let Some(wake) = &state.wake else {
            // The environment has ended.
            drop(state);
            return drop(answer);
        };
        if state.finished.is_empty() {
            // Its queue is not bounded. That the environment is about to end is no matter: nobody waits any more.
            wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
        state.finished.push((id, answer));
    }

    /// The calls that have finished and are still wanted.
    fn finished(&self, env: &Env) -> napi::Result<Vec<(i64, Answer)>> {
        let mut state = self.lock();
        let finished = mem::take(&mut state.finished);
        let (wanted, unwanted): (Vec<_>, Vec<_>) = finished.into_iter().partition(|(id, _)| {
            state.aside.remove(id).is_some()
                || matches!(state.under_way.remove(id), Some(UnderWay::Wanted(_)))
        });
        if state.under_way.is_empty() {
            state.keep_alive(env, false)?;
        }
        drop(state);
        // What an answer does when it is dropped, it does without the lock.
        drop(unwanted);
        Ok(wanted)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing is done under it that could leave it half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether the event loop stays alive for what is under way.
    fn keep_alive(&self, env: &Env, is_needed: bool) -> napi::Result<()> {
        let Some(wake) = &self.wake else { return Ok(()) };
        let set =
            if is_needed { sys::napi_ref_threadsafe_function } else { sys::napi_unref_threadsafe_function };
        // SAFETY: this is the environment's own thread, and as long as `wake` is there, so is the function.
        napi::check_status!(unsafe { set(env.raw(), wake.raw()) })
    }
}

impl Drop for Home {
    /// The environment ends: nobody waits for what is under way, and the event loop must not be called any more.
    fn drop(&mut self) {
        let mut state = self.0.lock();
        let under_way = mem::take(&mut state.under_way);
        let aside = mem::take(&mut state.aside);
        let finished = mem::take(&mut state.finished);
        let wake = state.wake.take();
        drop(state);
        let _ = guard("cancel", || {
            let waited_for = under_way.into_values().filter_map(|call| match call {
                UnderWay::Wanted(running) => running,
                UnderWay::Abandoned => None,
            });
            waited_for.chain(aside.into_values().flatten()).for_each(|running| running.cancel());
            drop((finished, wake));
            Ok(())
        });
    }
}
