//! What the boot cluster holds stays true, and nothing else depends on the boot cluster.

use crate::common::authority::Authority;
use crate::common::daemon::{Daemon, ports};
use crate::names::{Names, is_well, one_cluster, start_boot};

#[test]
fn who_is_removed_or_forgets_everything_is_not_registered() {
    let names = Names::start();
    let addresses: [String; 3] = ports();
    let mut members = names.members(&addresses, "--memory");
    one_cluster(&members);
    let [stand_by] = ports();
    let stand_by = names.member(&stand_by, "--memory");
    stand_by.serves();
    let registered = |count| {
        names.until("so many registered", |names| names.registered().lines().count() == count);
    };
    registered(4);
    // It says so itself.
    assert_eq!(stand_by.stop(), Some(0));
    registered(3);
    // It cannot, and the others do once its cluster has nothing of it any more.
    members.remove(2).kill();
    members[0]
        .until("removed", |member| member.run(&format!("member remove {}", addresses[2])).status == Some(0));
    registered(2);
    let registered = names.registered();
    assert!(!registered.contains(&addresses[2]), "{registered}");
}

#[test]
fn a_cluster_that_was_founded_without_is_claimed() {
    let names = Names::start();
    let [address, other] = ports();
    let member = Daemon::start(names.dir.path(), &address, "-c prod --data-dir data", &[]);
    member.serves().put(b"v", "set /a 0").rev();
    member.kill();
    let member = names.member(&address, "--data-dir data");
    member.serves();
    names
        .boot
        .until("claimed", |boot| boot.run("get /ctl/boot/prod").stdout == member.run("self").stdout.trim());
    names.until("registered", |names| !names.registered().is_empty());
    member.kill();
    let newcomer = names.member(&other, "--memory");
    newcomer.says(&format!("{address} (Connection refused)"));
    let member = names.member(&address, "--data-dir data");
    member.serves();
    newcomer.serves().run("get /a").prints("v");
}

#[test]
fn the_boot_cluster_is_away() {
    let dir = tempfile::tempdir().unwrap();
    let [boot_address, address, moved] = ports();
    let line = format!("-c prod --voters 1 --data-dir data -b {boot_address}");
    let member = Daemon::start(dir.path(), &address, &line, &[]);
    let away = format!(
        "the boot cluster {boot_address}: no member can be reached: {boot_address}: Connection refused"
    );
    member.says("waiting: ");
    assert_eq!(member.lines(), [format!("waiting: {away}")]);
    let boot = start_boot(dir.path(), &boot_address, &[]);
    boot.serves();
    is_well(member.serves());
    let names = Names { dir, boot };
    names.until("registered", |names| names.registered().contains(&address));
    // Away again: the member does not care.
    let Names { dir, boot } = names;
    boot.kill();
    member.put(b"v", "set /a 0").rev();
    member.kill();
    let member = Daemon::start(dir.path(), &moved, &line, &[]);
    is_well(member.serves()).run("get /a").prints("v");
    member.says("not registered: ");
    assert_eq!(member.lines_with("not registered: "), [format!("not registered: {away}")]);
    let boot = start_boot(dir.path(), &boot_address, &[]);
    boot.serves();
    let names = Names { dir, boot };
    names.until("where it is now", |names| names.registered().ends_with(&format!(" {moved}\n")));
    assert_eq!(names.registered().lines().count(), 1);
}

#[test]
fn over_tls() {
    let authority = Authority::new();
    authority.sign("member", "127.0.0.1");
    let own = "--memory --tls-cert member.pem --tls-key member.key --tls-ca ca.pem";
    let [boot, address, other] = ports();
    let boot = Daemon::start(authority.dir(), &boot, &format!("-c names {own}"), &[]);
    boot.serves();
    let line = format!("-c prod -b {} {own}", boot.address);
    let members = [address, other].map(|address| Daemon::start(authority.dir(), &address, &line, &[]));
    for member in &members {
        member.serves();
    }
    let plain = Daemon::start(
        authority.dir(),
        &ports::<1>()[0],
        &format!("-c prod -b {} --memory", boot.address),
        &[],
    );
    plain.says(&format!("waiting: the boot cluster {}: no member can be reached: ", boot.address));
}
