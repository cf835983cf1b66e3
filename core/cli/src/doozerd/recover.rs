//! `doozerd recover`: shows what a survivor has, and makes a new cluster of it.

use std::io::{self, Write};
use std::path::Path;

use doozer_node::{Refounded, Survivor};

use super::problem::Problem;
use crate::line::line;

/// Shows what is in `data_dir`, and makes the directory `to` of it.
pub(super) fn recover(data_dir: &Path, to: Option<&Path>) -> Result<(), Problem> {
    let survivor = Survivor::read(data_dir)?;
    show(&survivor).map_err(Problem::Output)?;
    for loss in survivor.losses() {
        eprintln!("doozerd: recover: {}", line(&loss));
    }
    if let Some(to) = to {
        let made = survivor.found(to)?;
        tell(&made, to).map_err(Problem::Output)?;
    }
    Ok(())
}

fn show(survivor: &Survivor) -> io::Result<()> {
    let ((cluster, member), (ballot, slot)) = (survivor.name(), survivor.log());
    let mut out = io::stdout().lock();
    writeln!(out, "cluster   {cluster}")?;
    writeln!(out, "member    {member}")?;
    writeln!(out, "log       ballot {ballot}, slot {slot}")?;
    writeln!(out, "revision  {}", survivor.revision())
}

fn tell(made: &Refounded, to: &Path) -> io::Result<()> {
    let Refounded { cluster, id, revision } = made;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "made      {}: member {id} of the new cluster {cluster}, revision {revision}",
        to.display()
    )?;
    writeln!(out, "start it with --data-dir {}, and the others with empty directories and -a", to.display())
}
