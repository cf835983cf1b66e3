//! Members that keep nothing: one dies, and somebody new comes to its address.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod support;

use doozer_wire::{Request, Verb};
use support::cluster::{Ports, again, event, together, voters};
use support::writers::{Shape, Writers, history};
use support::{Member, Raw, at, everything, request, wait, watch};

fn id(raw: &mut Raw) -> String {
    String::from_utf8(raw.call(request(Verb::SelfId)).value.unwrap().to_vec()).unwrap()
}

#[test]
fn the_others_go_on_and_the_newcomer_serves() {
    for number in 0..3 {
        let ports = Ports::new(3);
        let mut members = together(&ports, |_, config| config);
        voters(&mut members[0].modern(), 3);
        let gone = members.remove(number);
        let old = id(&mut gone.modern());
        let writers = Writers::start(&members, Shape { paths: 20, value_bytes: 8 });
        writers.wait_for(200);
        gone.crash();
        writers.wait_for(200);

        // It comes while they write, has nothing, and takes no part in what the dead one promised.
        let new = again(&ports, number, |config| config);
        let mut raw = new.modern();
        assert_ne!(id(&mut raw), old);
        writers.wait_for(200);
        let made = writers.stop();
        let mut others: Vec<Raw> = members.iter().map(Member::modern).collect();
        assert_eq!(others[0].status().cluster, raw.status().cluster);

        // It reads, at once what others wrote, and all that was before it.
        let rev = others[0].set("/a", "1", 0);
        assert_eq!(raw.get("/a").1, rev);
        let told = history(&mut raw, &made);
        others.iter_mut().for_each(|other| assert!(history(other, &made) == told));
        // It waits and watches.
        raw.send(&wait("/b", rev + 1, 1));
        raw.send(&watch("/b", rev + 1, 2));
        let rev = others[1].set("/b", "2", 0);
        assert_eq!((raw.answer(1).rev, event(&mut raw, 2).rev), (Some(rev), Some(rev)));
        // It writes.
        let rev = raw.set("/c", "3", 0);
        for other in &mut others {
            assert_eq!(other.get("/c").1, rev);
        }
        let same = everything(&mut raw, Some(rev));
        others.iter_mut().for_each(|other| assert!(everything(other, Some(rev)) == same));
        let old = raw.call(Request { rev: Some(1), ..at(Verb::Get, "/ctl/name") });
        assert_eq!(old.rev, Some(1));
        drop((raw, others));
        new.stop();
        members.into_iter().for_each(Member::stop);
    }
}
