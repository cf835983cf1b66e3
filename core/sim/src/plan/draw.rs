//! The draws of a seed. Each kind of fault has a good chance to be absent, so that seeds differ in more than luck.

use super::Plan;
use crate::random::Random;

pub(super) fn draw(seed: u64) -> Plan {
    let mut plan = Plan::empty(seed);
    let mut random = Random::new(seed).fork("plan", 0);
    cluster(&mut plan, &mut random);
    windows(&mut plan, &mut random);
    network(&mut plan, &mut random);
    disks(&mut plan, &mut random);
    processes(&mut plan, &mut random);
    clients(&mut plan, &mut random);
    // Of their own, so that what was drawn before there were sessions is drawn still.
    sessions(&mut plan, &mut Random::new(seed).fork("sessions", 0));
    plan.answer_ticks = random.pick(&[50, 150, 500, 500]);
    plan.silent_rounds = random.pick(&[0, 12, 30, 100]);
    plan
}

fn cluster(plan: &mut Plan, random: &mut Random) {
    plan.voters = random.pick(&[1, 2, 3, 3, 3, 3, 3, 3, 4, 5, 5, 5, 5]);
    plan.learners = random.pick(&[0, 0, 1, 1, 2]);
    plan.spares = random.pick(&[0, 1, 2]);
    plan.durable = u64::from(!random.one_in(4));
    plan.chaos_s = random.between(55, 75);
    plan.change_s = random.pick(&[0, 0, 4, 10, 20]);
    plan.join_s = random.pick(&[0, 10, 20]);
}

/// Tight ones, so that what happens rarely happens here.
fn windows(plan: &mut Plan, random: &mut Random) {
    plan.stuck_ticks = random.pick(&[30, 100, 100]);
    plan.slots_in_flight = random.pick(&[1, 2, 3, 8]);
    plan.slot_bytes = random.pick(&[1, 100, 1_000, 1 << 20]);
    plan.message_bytes = random.pick(&[1, 300, 2_000, 1 << 20]);
    plan.unacknowledged_bytes = random.pick(&[1, 300, 10_000, 8 << 20]);
    // Not none at all: then whoever has just taken a snapshot lacks what came meanwhile, for ever.
    plan.kept_bytes = random.pick(&[1_500, 5_000, 20_000, 4 << 20]);
    plan.segment_bytes = random.pick(&[16 << 10, 64 << 10, 256 << 10]);
    plan.snapshot_log_bytes = random.pick(&[8 << 10, 64 << 10, 400 << 10, 8 << 20]);
    plan.history_revisions = random.pick(&[20, 500, 100_000]);
}

fn network(plan: &mut Plan, random: &mut Random) {
    plan.delay_us = random.pick(&[50, 200, 1_000, 5_000]);
    plan.jitter_us = random.pick(&[10, 100, 1_000, 10_000]);
    plan.drop_ppm = random.pick(&[0, 0, 1_000, 20_000, 100_000]);
    plan.duplicate_ppm = random.pick(&[0, 0, 5_000, 100_000]);
    plan.reorder_ppm = random.pick(&[0, 0, 10_000, 200_000]);
    plan.slow_link_s = random.pick(&[0, 0, 10, 20]);
    plan.cut_s = random.pick(&[0, 3, 10, 20]);
    plan.partition_s = random.pick(&[0, 5, 10, 20]);
    plan.heal_ms = random.pick(&[300, 1_500, 5_000]);
    plan.reset_s = random.pick(&[0, 0, 3, 15]);
}

fn disks(plan: &mut Plan, random: &mut Random) {
    plan.sync_us = random.pick(&[50, 300, 2_000, 10_000]);
    plan.disk_slow_s = random.pick(&[0, 0, 10, 20]);
    plan.disk_stuck_s = random.pick(&[0, 0, 15, 30]);
    plan.disk_error_s = random.pick(&[0, 0, 15, 30]);
    plan.disk_full_s = random.pick(&[0, 0, 10, 30]);
    plan.rot_s = random.pick(&[0, 0, 10, 20]);
    plan.misdirect_s = random.pick(&[0, 0, 0, 20]);
}

fn processes(plan: &mut Plan, random: &mut Random) {
    plan.crash_s = random.pick(&[0, 3, 10, 20]);
    plan.kill_s = random.pick(&[0, 0, 5, 20]);
    plan.blackout_s = random.pick(&[0, 0, 0, 15, 30]);
    plan.down_ms = random.pick(&[200, 2_000, 6_000]);
    plan.pause_s = random.pick(&[0, 0, 10, 20]);
    plan.pause_ms = random.pick(&[150, 800, 3_000]);
    plan.clock_rates = random.pick(&[0, 1]);
    plan.clock_jump_s = random.pick(&[0, 0, 10]);
    plan.disk_lost_s = random.pick(&[0, 0, 15, 30]);
}

fn clients(plan: &mut Plan, random: &mut Random) {
    plan.clients = random.between(10, 30);
    // About so many operations a second of all together.
    let rate = random.pick(&[40, 60, 60, 100]);
    plan.think_ms = 1_000 * plan.clients / rate;
    plan.hot_paths = random.pick(&[1, 3, 8]);
    plan.cold_paths = random.pick(&[20, 100, 400]);
    plan.client_break_s = random.pick(&[0, 2, 10]);
    plan.client_drop_ppm = random.pick(&[0, 1_000, 10_000]);
    plan.write_percent = random.pick(&[20, 40, 60]);
    plan.wait_percent = random.pick(&[5, 15]);
}

fn sessions(plan: &mut Plan, random: &mut Random) {
    plan.txn_percent = random.pick(&[0, 5, 20]);
    plan.sessions = random.pick(&[0, 3, 6, 6, 12]);
    plan.ttl_ms = random.pick(&[1_000, 1_000, 1_500, 2_500]);
    plan.lock_percent = random.pick(&[20, 50, 80]);
    plan.pipeline = random.pick(&[1, 2, 6]);
    plan.away_one_in = random.pick(&[0, 10, 30]);
    plan.sessions_max = random.pick(&[0, 0, 0, 4]);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_plan_is_told_by_its_seed_and_what_is_set() {
        let mut plan = Plan::of(7, "").unwrap();
        assert_eq!(plan.set_beyond_seed(), "");
        for (at, (name, _)) in Plan::FIELDS.iter().enumerate() {
            assert!(plan.set(name, 1_000_000 + at as u64), "{name}");
        }
        let told = plan.set_beyond_seed();
        assert_eq!(Plan::of(7, &told).unwrap(), plan);
        assert!(plan.command().contains(&told));
    }

    #[test]
    fn what_is_no_plan() {
        for bad in ["voters", "voters=", "voters=x", "nothing=1"] {
            assert_eq!(Plan::of(7, bad).unwrap_err().0, bad);
        }
    }

    #[test]
    fn most_seeds_lack_some_faults_and_none_is_always_absent() {
        let plans: Vec<Plan> = (0..300).map(draw).collect();
        for (name, _) in Plan::FIELDS {
            assert!(plans.iter().any(|plan| plan.get(name).unwrap() > 0), "{name} is never there");
        }
        for name in ["cut_s", "crash_s", "rot_s", "pause_s", "change_s"] {
            assert!(plans.iter().any(|plan| plan.get(name).unwrap() == 0), "{name} is always there");
        }
    }
}
