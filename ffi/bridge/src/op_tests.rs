//! One call under way, without a member: what becomes of its result, however it is waited for.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use tokio::sync::oneshot;

use super::*;

/// So long that only a bug reaches it.
const PATIENCE: Duration = Duration::from_secs(30);

fn subject() -> Subject {
    Subject::new("get", Some("/a"))
}

/// A call, and what ends it.
fn call() -> (Op<i64>, oneshot::Sender<i64>) {
    let (answer, answered) = oneshot::channel();
    let op = Op::new(subject(), Arc::default(), |_| async move {
        answered.await.map_err(|_| subject().error(ErrorKind::Disconnected, ""))
    });
    (op, answer)
}

fn kind<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorKind {
    result.expect_err("an error").kind()
}

#[test]
fn a_blocked_thread_gets_the_result() {
    let (op, answer) = call();
    let blocked = thread::spawn(move || op.block());
    answer.send(7).unwrap();
    assert_eq!(blocked.join().unwrap().unwrap(), 7);
}

#[test]
fn a_wait_in_pieces_goes_on_where_it_was() {
    let (mut op, answer) = call();
    assert!(op.poll_for(Some(Duration::from_millis(1))).is_none());
    assert!(op.poll_for(Some(Duration::ZERO)).is_none());
    answer.send(7).unwrap();
    assert_eq!(op.poll_for(Some(PATIENCE)).expect("the result").unwrap(), 7);
    assert_eq!(kind(op.poll_for(None).expect("an end")), ErrorKind::Closed, "there is no second result");
}

#[test]
fn an_interrupt_ends_a_piece_early_and_takes_nothing_away() {
    let (mut op, answer) = call();
    let (about, told) = mpsc::channel();
    let waiting = thread::spawn(move || {
        about.send(thread::current()).unwrap();
        let began = Instant::now();
        assert!(op.poll_for(Some(PATIENCE)).is_none());
        assert!(began.elapsed() < PATIENCE / 2, "the interrupt did not end it");
        about.send(thread::current()).unwrap();
        op.block()
    });
    // A permit given before it parks counts as well, so this cannot come too early.
    told.recv().unwrap().unpark();
    told.recv().unwrap();
    answer.send(7).unwrap();
    assert_eq!(waiting.join().unwrap().unwrap(), 7);
}

#[test]
fn an_interrupt_does_not_end_a_wait_without_pieces() {
    let (op, answer) = call();
    let (about, told) = mpsc::channel();
    let waiting = thread::spawn(move || {
        about.send(thread::current()).unwrap();
        op.block()
    });
    told.recv().unwrap().unpark();
    answer.send(7).unwrap();
    assert_eq!(waiting.join().unwrap().unwrap(), 7);
}

#[test]
fn a_completion_is_called_once() {
    let (op, answer) = call();
    let (done, results) = mpsc::channel();
    let running = op.spawn(move |result| done.send(result).unwrap());
    answer.send(7).unwrap();
    assert_eq!(results.recv_timeout(PATIENCE).unwrap().unwrap(), 7);
    running.cancel();
    assert!(results.recv_timeout(PATIENCE).is_err(), "its sender is gone with the completion");
}

#[test]
fn a_limit_ends_a_call_that_has_none_of_its_own() {
    let (op, _answer) = call();
    let began = Instant::now();
    let error = op.with_limit(Duration::from_millis(20)).block().expect_err("nobody answers");
    assert!(began.elapsed() >= Duration::from_millis(20));
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!((error.op(), error.path()), ("get", Some("/a")));

    let (op, answer) = call();
    answer.send(7).unwrap();
    assert_eq!(op.with_limit(Duration::MAX).block().unwrap(), 7);
    assert_eq!(
        Op::ready(subject(), Ok(8)).with_limit(Duration::ZERO).block().unwrap(),
        8,
        "it was there already"
    );
}

#[test]
fn a_cancelled_call_completes_with_cancelled() {
    let (op, mut answer) = call();
    let (done, results) = mpsc::channel();
    op.spawn(move |result| done.send(result).unwrap()).cancel();
    let error = results.recv_timeout(PATIENCE).unwrap().expect_err("it was cancelled");
    assert_eq!((error.kind(), error.op(), error.path()), (ErrorKind::Cancelled, "get", Some("/a")));
    handle().unwrap().block_on(answer.closed());
}

#[test]
fn a_result_that_is_there_completes_before_spawn_returns() {
    let mut result = None;
    let (done, results) = mpsc::channel();
    Op::ready(subject(), Ok(7)).spawn(move |it| {
        let _ = done.send((thread::current().id(), it));
    });
    result.replace(results.try_recv().expect("called already"));
    let (thread, it) = result.unwrap();
    assert_eq!((thread, it.unwrap()), (thread::current().id(), 7));
}

#[test]
fn a_token_ends_what_waits_and_what_comes() {
    let token = CancelToken::default();
    let (op, _answer) = call();
    let op = op.with_cancel(&token);
    let waiting = thread::spawn(move || op.block());
    token.cancel();
    assert_eq!(kind(waiting.join().unwrap()), ErrorKind::Cancelled);
    assert!(token.is_cancelled());
    let (op, answer) = call();
    answer.send(7).unwrap();
    assert_eq!(kind(op.with_cancel(&token).block()), ErrorKind::Cancelled, "cancelled before it began");
}

#[test]
fn a_dropped_call_is_over() {
    let (op, mut answer) = call();
    drop(op);
    handle().unwrap().block_on(answer.closed());
}

#[test]
fn a_result_is_converted_wherever_it_comes() {
    assert_eq!(Op::ready(subject(), Ok(7)).map(|it| it + 1).block().unwrap(), 8);
    let (op, answer) = call();
    answer.send(7).unwrap();
    assert_eq!(op.map(|it| it.to_string()).block().unwrap(), "7");
    let (op, answer) = call();
    drop(answer);
    assert_eq!(kind(op.map(|it| it + 1).block()), ErrorKind::Disconnected);
}

#[test]
fn a_panic_is_an_error_and_poisons() {
    let poison = Arc::new(AtomicBool::new(false));
    let op: Op<()> = Op::new(subject(), Arc::clone(&poison), |_| async { panic!("the seven seas") });
    let error = op.block().expect_err("it panicked");
    assert_eq!((error.kind(), error.op(), error.path()), (ErrorKind::Panic, "get", Some("/a")));
    assert!(error.to_string().contains("the seven seas"), "{error}");
    assert!(poison.load(Ordering::Acquire));
}

#[test]
fn a_panic_in_a_completion_stays_there() {
    let (op, answer) = call();
    let (done, ended) = mpsc::channel::<()>();
    op.spawn(move |_| {
        let _done = done;
        panic!("a shim's bug");
    });
    answer.send(7).unwrap();
    assert!(ended.recv_timeout(PATIENCE).is_err());
    let (op, answer) = call();
    answer.send(8).unwrap();
    assert_eq!(op.block().unwrap(), 8, "the runtime goes on");
}

#[test]
fn a_completion_that_would_wait_for_itself_is_told() {
    let (op, answer) = call();
    let (done, results) = mpsc::channel();
    op.spawn(move |_| {
        let (inner, _answer) = call();
        done.send(inner.block()).unwrap();
    });
    answer.send(7).unwrap();
    let error = results.recv_timeout(PATIENCE).unwrap().expect_err("it must not wait");
    assert!(error.to_string().contains("within a completion"), "{error}");
}

#[test]
fn a_no_op_goes_there_and_back() {
    crate::noop_async().block().unwrap();
}
