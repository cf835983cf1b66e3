//! Directories out of files: a listing holds files only, in the order of the tree, and the directories are in their
//! paths.

/// The directories that come into sight with `path`, outermost first: those below `base` that hold it and did not hold
/// `before`, the file listed before it.
pub(super) fn new_dirs<'p>(base: &str, before: &str, path: &'p str) -> impl Iterator<Item = &'p str> {
    let below = base.trim_end_matches('/').len() + 1;
    path.match_indices('/')
        .map(|(at, _)| at)
        .filter(move |at| *at >= below)
        .filter(move |at| !before.starts_with(&path[..=*at]))
        .map(|at| &path[..at])
}

/// Draws paths below `base`, each of which comes after the directory it lies in: one line for each, with the last name
/// of its path and the branches to it. A path that ends in a slash keeps it.
pub(super) fn draw(base: &str, paths: &[String]) -> String {
    let base_depth = depth(base.trim_end_matches('/'));
    let depths: Vec<usize> = paths.iter().map(|path| depth(path) - base_depth).collect();
    let is_last = last_of_their_directory(&depths);
    let mut text = format!("{base}\n");
    let mut branches: Vec<&str> = Vec::new();
    for ((path, depth), is_last) in paths.iter().zip(depths).zip(is_last) {
        branches.truncate(depth - 1);
        text.extend(branches.iter().copied());
        text.push_str(if is_last { "└── " } else { "├── " });
        text.push_str(last_name(path));
        text.push('\n');
        branches.push(if is_last { "    " } else { "│   " });
    }
    text
}

/// Slashes before names.
fn depth(path: &str) -> usize {
    path.trim_end_matches('/').matches('/').count()
}

fn last_name(path: &str) -> &str {
    let end = path.trim_end_matches('/').len();
    &path[path[..end].rfind('/').map_or(0, |at| at + 1)..]
}

fn last_of_their_directory(depths: &[usize]) -> Vec<bool> {
    // Seen from below: whether a line further down stands at this depth, with none further out in between.
    let mut follows: Vec<bool> = Vec::new();
    let mut is_last = Vec::with_capacity(depths.len());
    for &depth in depths.iter().rev() {
        follows.resize(depth + 1, false);
        is_last.push(!follows[depth]);
        follows[depth] = true;
    }
    is_last.reverse();
    is_last
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dirs(base: &str, before: &str, path: &str) -> Vec<String> {
        new_dirs(base, before, path).map(str::to_owned).collect()
    }

    #[test]
    fn a_directory_comes_into_sight_once() {
        assert_eq!(dirs("/", "", "/a"), [""; 0]);
        assert_eq!(dirs("/", "", "/a/b/c"), ["/a", "/a/b"]);
        assert_eq!(dirs("/", "/a/b/c", "/a/b/d"), [""; 0]);
        assert_eq!(dirs("/", "/a/b/c", "/a/bc/d"), ["/a/bc"]);
        assert_eq!(dirs("/", "/ab", "/a/b"), ["/a"]);
        assert_eq!(dirs("/a", "", "/a/b/c"), ["/a/b"]);
        assert_eq!(dirs("/a", "", "/a/b"), [""; 0]);
    }

    #[test]
    fn drawn() {
        let paths = ["/a", "/b/", "/b/c/", "/b/c/d", "/b/e", "/f/", "/f/g"].map(str::to_owned);
        let expected = "\
/
├── a
├── b/
│   ├── c/
│   │   └── d
│   └── e
└── f/
    └── g
";
        assert_eq!(draw("/", &paths), expected);
    }

    #[test]
    fn drawn_from_within() {
        let paths = ["/x/y/a/", "/x/y/a/b", "/x/y/c"].map(str::to_owned);
        assert_eq!(draw("/x/y", &paths), "/x/y\n├── a/\n│   └── b\n└── c\n");
        assert_eq!(draw("/x", &[]), "/x\n");
    }
}
