//! What every system's locks promise to their measurement; run against each of them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

use std::time::Duration;

use bytes::Bytes;
use doozer_bench::connection::{Connect, Request, ask};
use doozer_bench::handover::PassAround;
use doozer_bench::lock::{Joined, Locker, Lockers, Token};

/// How long a lock may take to come; for what is wrong it is waited in vain.
const PATIENCE: Duration = Duration::from_secs(20);

/// All of it, at three members, or at one three times.
pub async fn are_kept<T: Lockers + Connect>(target: &T) {
    let file = Bytes::from("/locks-contract/file");
    let mut writer = target.connect(0).await.unwrap();
    ask(&mut writer, Request::Create { path: file.clone(), value: "x".into() }).await.unwrap();
    in_turn(target, &file).await;
    who_goes_leaves_nothing(target, &file).await;
    for contenders in [2, 9] {
        let plan = PassAround {
            contenders,
            hold: Duration::ZERO,
            warm_up: Duration::from_millis(50),
            measured: Duration::from_millis(500),
        };
        let times = plan.run(target, &"/locks-contract/around".into()).await.unwrap();
        assert!(times.len() > 10, "{} hand-overs between {contenders}", times.len());
    }
}

async fn contenders<T: Lockers, const N: usize>(target: &T, path: &'static str) -> [T::Locker; N] {
    let mut all = Vec::new();
    for number in 0..N {
        all.push(target.locker(number, path.into()).await.unwrap());
    }
    all.try_into().unwrap_or_else(|_| unreachable!("as many as that"))
}

async fn is_held(locker: &mut impl Locker) -> Token {
    match locker.join().await.unwrap() {
        Joined::Held(token) => token,
        Joined::Waiting => panic!("it is free"),
    }
}

async fn waits(locker: &mut impl Locker) {
    assert_eq!(locker.join().await.unwrap(), Joined::Waiting, "somebody has it");
}

async fn comes(locker: &mut impl Locker) -> Token {
    tokio::time::timeout(PATIENCE, locker.granted()).await.expect("its turn comes").unwrap()
}

/// First come, first served, as often as one likes, and other work is done meanwhile.
async fn in_turn<T: Lockers>(target: &T, file: &Bytes) {
    let [mut one, mut two, mut three] = contenders(target, "/locks-contract/turns").await;
    let mut last = one.lock().await.unwrap();
    one.unlock().await.unwrap();
    for turn in 0..3 {
        let mut tokens = vec![is_held(&mut one).await];
        waits(&mut two).await;
        waits(&mut three).await;
        two.set(file.clone(), "y".into()).await.unwrap();
        one.unlock().await.unwrap();
        tokens.push(comes(&mut two).await);
        waits(&mut one).await;
        two.unlock().await.unwrap();
        tokens.push(comes(&mut three).await);
        three.unlock().await.unwrap();
        tokens.push(comes(&mut one).await);
        one.unlock().await.unwrap();
        for token in tokens {
            assert!(token > last, "turn {turn}: token {token} after {last}");
            last = token;
        }
    }
    for all in [one, two, three] {
        all.close().await.unwrap();
    }
}

async fn who_goes_leaves_nothing<T: Lockers>(target: &T, file: &Bytes) {
    let [mut holder, mut leaver, mut waiter, mut last] = contenders(target, "/locks-contract/goes").await;
    let first = is_held(&mut holder).await;
    waits(&mut leaver).await;
    waits(&mut waiter).await;
    // Who is before us has gone without having had it, and it is not our turn for that.
    leaver.close().await.unwrap();
    let waiting = async {
        let token = waiter.granted().await.unwrap();
        (waiter, token)
    };
    tokio::pin!(waiting);
    for _ in 0..50 {
        tokio::select! {
            biased;
            _ = &mut waiting => panic!("it is held by somebody else"),
            done = holder.set(file.clone(), "z".into()) => done.unwrap(),
        }
    }
    waits(&mut last).await;
    holder.close().await.unwrap();
    let (waiter, second) = tokio::time::timeout(PATIENCE, waiting).await.expect("its turn comes");
    assert!(second > first, "{second} after {first}");
    waiter.close().await.unwrap();
    assert!(comes(&mut last).await > second);
    last.close().await.unwrap();
}
