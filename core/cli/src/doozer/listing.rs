//! The commands that print many names: find, ls and tree. Each looks at one revision throughout.

use std::collections::BTreeMap;
use std::io::{self, Write};

use doozer_client::{Client, Entry, List, ListOptions};
use serde::Serialize;

use super::answers::{Answer, Kind, Out};
use super::commands::{at, kind, print};
use super::failure::Failure;
use super::tree::{draw, new_dirs};

/// A path that find prints.
#[derive(Serialize)]
struct Found<'a> {
    path: &'a str,
    #[serde(flatten)]
    kind: Kind,
}

impl Answer for Found<'_> {
    fn plain(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", self.path)
    }
}

/// A name that ls prints. `columns` are wide enough for all names of the listing.
#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
    #[serde(flatten)]
    kind: Kind,
    #[serde(skip)]
    columns: Option<Columns>,
}

#[derive(Debug, Clone, Copy)]
struct Columns {
    first: usize,
    second: usize,
}

impl Columns {
    fn cells(kind: Kind) -> (String, String) {
        match kind {
            Kind::File { rev, len } => (rev.to_string(), len.to_string()),
            Kind::Dir { entries } => ("d".to_owned(), entries.unwrap_or_default().to_string()),
        }
    }

    fn of(kinds: impl Iterator<Item = Kind>) -> Columns {
        kinds.map(Columns::cells).fold(Columns { first: 0, second: 0 }, |wide, (first, second)| Columns {
            first: wide.first.max(first.len()),
            second: wide.second.max(second.len()),
        })
    }
}

impl Answer for Named<'_> {
    fn plain(&self, out: &mut dyn Write) -> io::Result<()> {
        if let Some(Columns { first, second }) = self.columns {
            let (one, two) = Columns::cells(self.kind);
            write!(out, "{one:>first$} {two:>second$} ")?;
        }
        let slash = if matches!(self.kind, Kind::Dir { .. }) { "/" } else { "" };
        writeln!(out, "{}{slash}", self.name)
    }
}

/// Prints a path and everything below it.
pub(super) async fn find(
    client: &Client,
    path: &str,
    rev: Option<i64>,
    out: &mut Out<impl Write>,
) -> Result<(), Failure> {
    let rev = at(client, rev).await?;
    let kind = kind(client, path, Some(rev)).await?;
    print(out, &Found { path, kind })?;
    if let Kind::File { .. } = kind {
        return Ok(());
    }
    let mut files = files(client, path, "**", rev);
    let mut before = String::new();
    while let Some(file) = files.next().await {
        let Entry { path: file, rev, len, .. } = file?;
        for dir in new_dirs(path, &before, &file) {
            print(out, &Found { path: dir, kind: Kind::Dir { entries: None } })?;
        }
        print(out, &Found { path: &file, kind: Kind::File { rev, len } })?;
        before = file;
    }
    Ok(())
}

/// Prints the names in a directory.
pub(super) async fn ls(
    client: &Client,
    path: &str,
    rev: Option<i64>,
    long: bool,
    out: &mut Out<impl Write>,
) -> Result<(), Failure> {
    let rev = at(client, rev).await?;
    let mut names = BTreeMap::new();
    match kind(client, path, Some(rev)).await? {
        file @ Kind::File { .. } => drop(names.insert(path.to_owned(), file)),
        Kind::Dir { .. } => {
            for name in client.getdir(path, Some(rev)).await? {
                names.insert(name, Kind::Dir { entries: None });
            }
            // What is a file turns out here; the rest are directories.
            let mut files = files(client, path, "*", rev);
            while let Some(file) = files.next().await {
                let Entry { path, rev, len, .. } = file?;
                let name = path.rsplit('/').next().unwrap_or_default();
                names.insert(name.to_owned(), Kind::File { rev, len });
            }
        }
    }
    if long {
        for (name, is) in names.iter_mut().filter(|(_, is)| matches!(is, Kind::Dir { .. })) {
            *is = kind(client, &format!("{}/{name}", path.trim_end_matches('/')), Some(rev)).await?;
        }
    }
    let columns = long.then(|| Columns::of(names.values().copied()));
    for (name, kind) in &names {
        print(out, &Named { name, kind: *kind, columns })?;
    }
    Ok(())
}

/// Draws a directory and everything below it; in JSON, the same as find.
pub(super) async fn tree(
    client: &Client,
    path: &str,
    rev: Option<i64>,
    out: &mut Out<impl Write>,
) -> Result<(), Failure> {
    if out.is_json() {
        return find(client, path, rev, out).await;
    }
    let rev = at(client, rev).await?;
    let mut paths: Vec<String> = Vec::new();
    if let Kind::Dir { .. } = kind(client, path, Some(rev)).await? {
        let mut files = files(client, path, "**", rev);
        let mut before = String::new();
        while let Some(file) = files.next().await {
            let file = file?.path;
            paths.extend(new_dirs(path, &before, &file).map(|dir| format!("{dir}/")));
            paths.push(file.clone());
            before = file;
        }
    }
    out.text(draw(path, &paths).as_bytes()).map_err(Failure::Output)
}

/// The files below a directory that `pattern` matches.
fn files(client: &Client, dir: &str, pattern: &str, rev: i64) -> List {
    let glob = format!("{}/{pattern}", dir.trim_end_matches('/'));
    client.list(&glob, Some(rev), ListOptions { keys_only: true, ..ListOptions::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let kinds = [Kind::File { rev: 7, len: 1234 }, Kind::Dir { entries: Some(3) }];
        let columns = Some(Columns::of(kinds.into_iter()));
        let lines = kinds.map(|kind| {
            let mut line = Vec::new();
            Named { name: "n", kind, columns }.plain(&mut line).unwrap();
            String::from_utf8(line).unwrap()
        });
        assert_eq!(lines, ["7 1234 n\n", "d    3 n/\n"]);
    }
}
