//! Many WAITs that nothing ever answers: what they cost a member while it does other work.

use doozer_wire::{Request, Verb};

use crate::connection::LoadError;
use crate::pipe::{Pipe, Target};

/// Connections without a request, or with WAITs outstanding. They end when this is dropped.
pub struct Waits {
    pipes: Vec<Pipe>,
}

impl Waits {
    /// Opens the connections. When this returns the member serves every one of them.
    ///
    /// # Errors
    /// The first connection that cannot be made or breaks.
    pub async fn connect(target: &Target, connections: usize) -> Result<Waits, LoadError> {
        let mut pipes = Vec::with_capacity(connections);
        for number in 0..connections {
            let mut pipe = target.pipe(number).await?;
            pipe.ask(&revision(0)).await?;
            pipes.push(pipe);
        }
        Ok(Waits { pipes })
    }

    /// Adds this many WAITs to each connection, each for all files of a directory of its own in `directory`, in which
    /// nothing must ever be written. When this returns the member keeps them all.
    ///
    /// # Errors
    /// The first that is answered, or a connection that breaks.
    pub async fn add(&mut self, directory: &str, each: i32) -> Result<(), LoadError> {
        let mut directories = 0..;
        for pipe in &mut self.pipes {
            let now = pipe.ask(&revision(0)).await?.rev.unwrap_or_default();
            for (tag, number) in (0..each).zip(&mut directories) {
                let path = Some(format!("{directory}/{number}/**").into());
                let (tag, verb, rev) = (Some(tag), Verb::Wait as i32, Some(now + 1));
                Request { tag, verb, path, rev, ..Request::default() }.encode_frame(pipe.output());
            }
            // A connection's requests are taken in their order: this answer says that the member has seen them all.
            if pipe.ask(&revision(each)).await?.tag != Some(each) {
                return Err(LoadError::Nonsense("a WAIT was answered"));
            }
        }
        Ok(())
    }
}

fn revision(tag: i32) -> Request {
    Request { tag: Some(tag), verb: Verb::Rev as i32, ..Request::default() }
}
