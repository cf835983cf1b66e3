//! What the original answered, and a successor must: the rules of writing and reading, one by one.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use doozer_store::{
    Applied, At, Command, Glob, Lookup, MAX_VALUE, Mode, Options, Outcome, ReadError, Refusal, Revision,
    Scan, Stat, Store,
};

const HUGE: i64 = 1 << 62;

struct Tree(Store);

impl Tree {
    fn new() -> Self {
        Self(Store::new(Options::default()))
    }

    fn apply(&mut self, command: Command<'_>) -> Outcome {
        let (mut bytes, mut out) = (Vec::new(), Applied::default());
        command.encode(&mut bytes);
        self.0.apply([bytes], &mut out);
        out.outcomes[0]
    }

    fn set(&mut self, path: &str, rev: i64) -> Outcome {
        self.apply(Command::Set { path, rev, value: path.as_bytes() })
    }

    fn del(&mut self, path: &str, rev: i64) -> Outcome {
        self.apply(Command::Del { path, rev })
    }

    fn with(paths: &[&str]) -> Self {
        let mut tree = Self::new();
        for (i, path) in paths.iter().enumerate() {
            assert_eq!(tree.set(path, 0), Outcome::Set(Revision(i as u64 + 1)), "{path}");
        }
        tree
    }

    fn names(&self, path: &str) -> Vec<&str> {
        self.0.dir_entries(path, At::Now).unwrap().collect()
    }

    fn walk(&self, glob: &str, rev: Option<i64>) -> Vec<String> {
        let glob = Glob::parse(glob.as_bytes()).unwrap();
        self.0.walk(&glob, At::from_raw(rev), None).unwrap().map(|file| file.path.to_owned()).collect()
    }

    fn stat(&self, path: &str) -> (i64, u64) {
        let Stat { rev, len } = self.0.stat(path, At::Now).unwrap();
        (rev, len)
    }
}

fn refused(refusal: Refusal) -> Outcome {
    Outcome::Refused(refusal)
}

#[test]
fn a_write_passes_at_or_above_the_files_revision() {
    let mut tree = Tree::with(&["/f"]);
    assert_eq!(tree.set("/f", 0), refused(Refusal::RevMismatch));
    assert_eq!(tree.set("/f", 1), Outcome::Set(Revision(2)));
    assert_eq!(tree.set("/f", 1), refused(Refusal::RevMismatch));
    assert_eq!(tree.set("/f", 3), Outcome::Set(Revision(3)));
    assert_eq!(tree.set("/f", HUGE), Outcome::Set(Revision(4)));
    assert_eq!(tree.set("/f", -1), Outcome::Set(Revision(5)));
    // A missing file has revision 0, even one that was there.
    assert_eq!(tree.del("/f", 5), Outcome::Deleted(Revision(6)));
    assert_eq!(tree.set("/f", 5), Outcome::Set(Revision(7)));
}

#[test]
fn other_negative_revisions_match_nothing() {
    let mut tree = Tree::with(&["/f", "/d/e/f"]);
    for rev in [-2, -3, -5, -1000, -HUGE, i64::MIN] {
        for path in ["/f", "/new", "/new/deep"] {
            assert_eq!(tree.set(path, rev), refused(Refusal::RevMismatch), "{path} {rev}");
            assert_eq!(tree.del(path, rev), refused(Refusal::RevMismatch), "{path} {rev}");
        }
        assert_eq!(tree.del("/f/below", rev), refused(Refusal::RevMismatch), "{rev}");
    }
    assert_eq!(tree.0.revision(), Revision(2));
}

#[test]
fn a_directory_is_written_by_nobody() {
    let mut tree = Tree::with(&["/d/e/f"]);
    for path in ["/d", "/d/e", "/"] {
        for rev in [0, -1, -2, 1, HUGE] {
            assert_eq!(tree.set(path, rev), refused(Refusal::IsDir), "{path} {rev}");
            assert_eq!(tree.del(path, rev), refused(Refusal::IsDir), "{path} {rev}");
        }
        for rev in [-3, -5, -HUGE] {
            assert_eq!(tree.set(path, rev), refused(Refusal::RevMismatch), "{path} {rev}");
            assert_eq!(tree.del(path, rev), refused(Refusal::RevMismatch), "{path} {rev}");
        }
    }
    assert_eq!(Tree::new().set("/", -1), refused(Refusal::IsDir), "the root is there before any file");
}

#[test]
fn nothing_goes_below_a_file() {
    let mut tree = Tree::with(&["/x", "/d/x"]);
    for path in ["/x/y", "/x/y/z", "/d/x/y"] {
        for rev in [-1, 0, -5] {
            assert_eq!(tree.set(path, rev), refused(Refusal::NotDir), "{path} {rev}");
        }
        for rev in [-1, 0, 7] {
            assert_eq!(tree.del(path, rev), Outcome::Absent, "{path} {rev}");
        }
        assert_eq!(tree.0.get(path, At::Now), Ok(Lookup::Missing));
        assert_eq!(tree.stat(path), (0, 0));
    }
    assert_eq!((tree.0.revision(), tree.stat("/x"), tree.stat("/d")), (Revision(2), (1, 2), (-2, 1)));
}

#[test]
fn a_bad_path_comes_before_the_revision() {
    let mut tree = Tree::new();
    for path in ["", "a", "//", "/a/", "/a//b", "/a b", "/a*", "/**", "/a\0"] {
        for rev in [-1, 0, -5] {
            for outcome in [tree.set(path, rev), tree.del(path, rev)] {
                assert!(
                    matches!(outcome, Outcome::Refused(Refusal::BadPath(_))),
                    "{path:?} {rev}: {outcome:?}"
                );
            }
        }
    }
    assert_eq!(tree.stat("/"), (-2, 0));
}

#[test]
fn refusals_and_no_ops_take_no_revision() {
    let mut tree = Tree::with(&["/d/f"]);
    assert_eq!(tree.apply(Command::Nop), Outcome::Nop);
    assert_eq!(tree.del("/nothing", -1), Outcome::Absent);
    let mut out = Applied::default();
    tree.0.apply([&b"\xff"[..], b""], &mut out);
    assert_eq!(out.outcomes, [refused(Refusal::Malformed); 2]);
    assert_eq!(tree.set("/d/f", 1), Outcome::Set(Revision(2)));
}

#[test]
fn the_same_value_again_is_a_change() {
    let mut tree = Tree::with(&["/f"]);
    tree.set("/f", -1);
    let glob = Glob::parse(b"/f").unwrap();
    assert!(matches!(tree.0.scan(&glob, Revision(2), 1), Scan::Found(event) if event.rev == Revision(2)));
}

#[test]
fn directories_come_and_go_with_their_files() {
    let mut tree = Tree::with(&["/a/b/c/f", "/a/x"]);
    assert_eq!((tree.stat("/a"), tree.stat("/a/b"), tree.names("/a")), ((-2, 2), (-2, 1), vec!["b", "x"]));
    tree.del("/a/b/c/f", -1);
    for path in ["/a/b/c", "/a/b"] {
        assert_eq!(tree.0.get(path, At::Now), Ok(Lookup::Missing));
        assert_eq!(tree.0.dir_entry(path, 0, At::Now), Err(ReadError::NoEntry));
    }
    assert_eq!(tree.names("/a"), ["x"]);
    assert!(matches!(tree.set("/a/b", 0), Outcome::Set(_)), "the name is free");
    assert_eq!(tree.set("/a/b/c", -1), refused(Refusal::NotDir));
    tree.del("/a/b", -1);
    assert!(matches!(tree.set("/a/b/c", 0), Outcome::Set(_)), "and free again");
}

#[test]
fn dots_are_names() {
    let tree = Tree::with(&["/x/../y", "/x/./z", "/..."]);
    assert_eq!(tree.0.get("/y", At::Now), Ok(Lookup::Missing));
    assert_eq!(tree.names("/x"), [".", ".."]);
    assert_eq!(tree.walk("/**", None), ["/...", "/x/./z", "/x/../y"]);
}

#[test]
fn a_walk_enters_a_directory_where_its_name_stands() {
    let tree = Tree::with(&["/w/a0", "/w/a.c", "/w/a/z", "/w/B", "/w/a-b"]);
    assert_eq!(tree.walk("/w/**", None), ["/w/B", "/w/a/z", "/w/a-b", "/w/a.c", "/w/a0"]);
    assert_eq!(tree.names("/w"), ["B", "a", "a-b", "a.c", "a0"]);
    for glob in ["/w", "/nope/**", "/"] {
        assert_eq!(tree.walk(glob, None), [""; 0]);
    }
}

#[test]
fn entries_by_their_number() {
    let mut tree = Tree::new();
    for i in 0..100 {
        tree.set(&format!("/d/n{i}"), 0);
    }
    assert_eq!(tree.stat("/d"), (-2, 100));
    let entry = |path, offset| tree.0.dir_entry(path, offset, At::Now);
    assert_eq!([0, 1, 2, 12, 99].map(|n| entry("/d", n)), ["n0", "n1", "n10", "n2", "n99"].map(Ok));
    assert_eq!([100, -1, i64::MIN].map(|n| entry("/d", n)), [Err(ReadError::Range); 3]);
    assert_eq!([0, 99, -1].map(|n| entry("/nope", n)), [Err(ReadError::NoEntry); 3]);
    assert_eq!([0, 99, -1].map(|n| entry("/d/n0", n)), [Err(ReadError::NotDirectory); 3]);
    assert_eq!(entry("/d/n0/x", 0), Err(ReadError::NoEntry));
}

#[test]
fn the_tree_as_it_was() {
    let mut tree = Tree::with(&["/d/a", "/d/b"]);
    tree.del("/d/a", -1);
    tree.set("/d/c", 0);
    tree.apply(Command::Set { path: "/d/b", rev: -1, value: b"22" });
    assert_eq!(tree.walk("/d/*", Some(2)), ["/d/a", "/d/b"]);
    assert_eq!(tree.walk("/d/*", Some(4)), ["/d/b", "/d/c"]);
    assert_eq!(tree.walk("/d/a", Some(4)), [""; 0]);
    let then = |rev| tree.0.get("/d/b", At::from_raw(Some(rev)));
    let file = |rev, value: &[u8], found| {
        assert!(
            matches!(found, Ok(Lookup::File { rev: r, value: v }) if (r.0, &**v) == (rev, value)),
            "{found:?}"
        );
    };
    file(2, b"/d/b", then(4));
    file(5, b"22", then(5));
    for rev in [1, 0, -1, -2, i64::MIN] {
        assert_eq!(then(rev), Ok(Lookup::Missing), "{rev}");
    }
    assert_eq!([6, HUGE, i64::MAX].map(then), [Err(ReadError::Future); 3]);
}

#[test]
fn the_largest_value_is_a_file() {
    let mut tree = Tree::new();
    let big = vec![0; MAX_VALUE.default + 1];
    let set = |tree: &mut Tree, path, value: &[u8]| tree.apply(Command::Set { path, rev: -1, value });
    let Outcome::Refused(refusal) = set(&mut tree, "/f", &big) else { panic!("too large") };
    assert_eq!(refusal.to_string(), "value too large: 1048577 bytes, limit 1048576");
    assert_eq!(set(&mut tree, "/f", &big[1..]), Outcome::Set(Revision(1)));

    let Outcome::Refused(refusal) = set(&mut tree, MAX_VALUE.path, b"1M") else { panic!("not a number") };
    assert_eq!(
        refusal.to_string(),
        "/ctl/settings/max-value must be a decimal number of bytes from 1 to 67108864"
    );
    assert_eq!(set(&mut tree, MAX_VALUE.path, b"1"), Outcome::Set(Revision(2)));
    assert_eq!(set(&mut tree, "/f", b"12"), refused(Refusal::TooLarge { size: 2, limit: 1 }));
    assert_eq!(set(&mut tree, MAX_VALUE.path, b"2000000"), Outcome::Set(Revision(3)), "it is no trap");
    assert_eq!(set(&mut tree, "/f", &big), Outcome::Set(Revision(4)));
    tree.del(MAX_VALUE.path, -1);
    assert_eq!(tree.0.value_bytes_max(), MAX_VALUE.default);
}

#[test]
fn a_refused_write_wakes_nobody() {
    let mut tree = Tree::with(&["/f"]);
    tree.0.watch(Glob::parse(b"/**").unwrap(), Revision(2), Mode::Once, 1);
    for (path, rev) in [("/f", 0), ("/f/x", -1), ("/nope", -5)] {
        tree.set(path, rev);
        tree.del(path, 0);
    }
    assert_eq!(tree.0.watches_len(), 1);
    tree.set("/g", 0);
    assert_eq!(tree.0.watches_len(), 0);
}
