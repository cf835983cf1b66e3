//! The members: real processes, their data, and what each of them was told.
//! Never here: faults of the network, and what clients hear.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use doozer_bench::child::Process;
use tokio::time::sleep;

use crate::trouble::{Trouble, io};
use crate::wires::{PLACES, Wires};

/// Longer than a member may take to end at SIGTERM.
const LEAVES_WITHIN: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(5);
/// The size of a small disk: its log and a snapshot of what is written to it have room.
const SMALL_DISK_MIB: u64 = 512;
/// What stands in a small disk's way.
const FILLER: &str = "filler";

/// How a cluster is to be.
#[derive(Debug, Clone)]
pub struct Setup {
    pub doozerd: PathBuf,
    /// Where everything of it lies.
    pub dir: PathBuf,
    pub members: usize,
    pub is_durable: bool,
    /// Seconds of silence after which a voter is replaced.
    pub replace_after_s: u64,
    /// The place whose data lies on a small disk, and what gives a program mounts of its own.
    pub small_disk: Option<(usize, &'static [&'static str])>,
}

/// The members. Dropped, they are killed.
pub struct Cluster {
    setup: Setup,
    places: Vec<Place>,
    /// Who had ended before anybody ended it.
    lost: Vec<String>,
}

/// Where a member is, or could be.
enum Place {
    Vacant,
    /// Its member is to come back.
    Down,
    Runs(Process),
}

impl Cluster {
    /// None runs yet.
    pub fn new(setup: Setup) -> Result<Cluster, Trouble> {
        fs::create_dir_all(&setup.dir).map_err(io(setup.dir.display().to_string()))?;
        let places = (0..PLACES).map(|place| if place < setup.members { Place::Down } else { Place::Vacant });
        Ok(Cluster { places: places.collect(), setup, lost: Vec::new() })
    }

    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Where somebody is, or comes back.
    pub fn occupied(&self) -> Vec<usize> {
        self.places_where(|place| !matches!(place, Place::Vacant))
    }

    pub fn running(&self) -> Vec<usize> {
        self.places_where(|place| matches!(place, Place::Runs(_)))
    }

    pub fn vacant(&self) -> Option<usize> {
        self.places_where(|place| matches!(place, Place::Vacant)).first().copied()
    }

    pub fn down(&self) -> Vec<usize> {
        self.places_where(|place| matches!(place, Place::Down))
    }

    fn places_where(&self, is_so: impl Fn(&Place) -> bool) -> Vec<usize> {
        (0..PLACES).filter(|place| is_so(&self.places[*place])).collect()
    }

    /// Starts the member of a place, with whatever data there is.
    pub fn start(&mut self, wires: &Wires, place: usize) -> Result<(), Trouble> {
        let mut command = self.command(wires, place)?;
        let log = self.log(place);
        let started = wires.start(place, &mut command, &log);
        let process = started.map_err(io(format!("starting {}", self.setup.doozerd.display())))?;
        self.places[place] = Place::Runs(process);
        Ok(())
    }

    fn command(&self, wires: &Wires, place: usize) -> Result<Command, Trouble> {
        let Setup { doozerd, members, is_durable, replace_after_s, small_disk, .. } = &self.setup;
        let data = self.data(place);
        let mut command = match small_disk.filter(|(at, _)| *at == place) {
            None => Command::new(doozerd),
            Some((_, own_mounts)) => {
                fs::create_dir_all(&data).map_err(io(data.display().to_string()))?;
                let mut command = Command::new(own_mounts[0]);
                let script = format!("mount -t tmpfs -o size={SMALL_DISK_MIB}m tmpfs \"$0\" && exec \"$@\"");
                command.args(&own_mounts[1..]).args(["sh", "-c", &script]).arg(&data).arg(doozerd);
                command
            }
        };
        let (listens, reached) = (wires.listens(place), wires.reached(place));
        command.args(["-c", "nemesis", "--log-level", "info", "-l", &listens]);
        command.args(["--timeout", &replace_after_s.to_string()]);
        if reached != listens {
            command.args(["--advertise", &reached]);
        }
        for member in 0..*members {
            command.args(["-a", &wires.reached(member)]);
        }
        if *is_durable {
            command.arg("--data-dir").arg(data)
        } else {
            command.arg("--memory")
        };
        // What is set for whoever runs this is not for the members.
        for variable in ["DOOZER_LOG", "RUST_LOG", "DOOZER_RWSECRET", "DOOZER_ROSECRET", "DOOZER_BOOT_URI"] {
            command.env_remove(variable);
        }
        Ok(command)
    }

    fn data(&self, place: usize) -> PathBuf {
        self.setup.dir.join(format!("data-{place}"))
    }

    fn log(&self, place: usize) -> PathBuf {
        self.setup.dir.join(format!("member-{place}.log"))
    }

    fn process(&mut self, place: usize) -> Result<&mut Process, Trouble> {
        match &mut self.places[place] {
            Place::Runs(process) => Ok(process),
            Place::Down | Place::Vacant => Err(Trouble::Nothing(format!("no member runs at place {place}"))),
        }
    }

    fn take(&mut self, place: usize) -> Result<Process, Trouble> {
        self.note_ended(place);
        match std::mem::replace(&mut self.places[place], Place::Down) {
            Place::Runs(process) => Ok(process),
            Place::Down | Place::Vacant => Err(Trouble::Nothing(format!("no member runs at place {place}"))),
        }
    }

    fn note_ended(&mut self, place: usize) {
        if let Place::Runs(process) = &mut self.places[place]
            && !process.is_running()
        {
            self.lost.push(format!("member {place} has ended by itself: {}", process.last_words()));
        }
    }

    /// Kills these (SIGKILL), all before any of them is waited for.
    pub async fn kill(&mut self, places: &[usize]) -> Result<(), Trouble> {
        let taken = places.iter().map(|place| self.take(*place)).collect::<Result<Vec<_>, _>>()?;
        let killing = taken.into_iter().map(|process| tokio::spawn(process.kill()));
        for killed in killing.collect::<Vec<_>>() {
            killed.await.map_err(|error| Trouble::Nothing(error.to_string()))?.map_err(io("SIGKILL"))?;
        }
        Ok(())
    }

    /// Nobody comes back to this place with what it had.
    pub fn empty(&mut self, place: usize) -> Result<(), Trouble> {
        let data = self.data(place);
        match fs::remove_dir_all(&data) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(io(data.display().to_string())(error))
            }
            _ => Ok(()),
        }
    }

    /// Nobody is to be here.
    pub fn vacate(&mut self, place: usize) -> Result<(), Trouble> {
        self.places[place] = Place::Vacant;
        self.empty(place)
    }

    /// Stops one (SIGTERM). Why not, if it does not end in time, and well.
    pub async fn stop(&mut self, place: usize) -> Result<Option<String>, Trouble> {
        let mut process = self.take(place)?;
        process.terminate().map_err(io("SIGTERM"))?;
        let since = Instant::now();
        loop {
            if let Some(status) = process.ended().map_err(io("waiting for a member"))? {
                let why = (!status.success()).then(|| format!("{status}: {}", process.last_words()));
                return Ok(why);
            }
            if since.elapsed() > LEAVES_WITHIN {
                return Ok(Some(format!("it still runs {LEAVES_WITHIN:?} after SIGTERM")));
            }
            sleep(PAUSE).await;
        }
    }

    pub fn pause(&mut self, place: usize) -> Result<(), Trouble> {
        self.process(place)?.pause().map_err(io("SIGSTOP"))
    }

    /// Lets all go on.
    pub fn resume_all(&mut self) -> Result<(), Trouble> {
        for place in self.running() {
            self.process(place)?.resume().map_err(io("SIGCONT"))?;
        }
        Ok(())
    }

    /// Fills the small disk up.
    pub fn fill_disk(&mut self, place: usize) -> Result<(), Trouble> {
        let filler = self.filler(place)?;
        let what = filler.display().to_string();
        let mut file = fs::File::create(&filler).map_err(io(what.clone()))?;
        loop {
            match std::io::Write::write_all(&mut file, &[0; 1 << 16]) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(io(what)(error)),
            }
        }
    }

    pub fn free_disk(&mut self, place: usize) -> Result<(), Trouble> {
        let filler = self.filler(place)?;
        fs::remove_file(&filler).map_err(io(filler.display().to_string()))
    }

    fn filler(&mut self, place: usize) -> Result<PathBuf, Trouble> {
        Ok(self.small_disk(place)?.join(FILLER))
    }

    /// The files of the member on the small disk with their lengths, but for those that are not whole yet.
    pub fn files_on_disk(&mut self, place: usize) -> Result<BTreeMap<PathBuf, u64>, Trouble> {
        let mut files = BTreeMap::new();
        let mut dirs = vec![self.small_disk(place)?];
        while let Some(dir) = dirs.pop() {
            for entry in fs::read_dir(&dir).map_err(io(dir.display().to_string()))?.flatten() {
                let path = entry.path();
                let is_of_log = path.extension().is_none_or(|end| end != "tmp") && !path.ends_with(FILLER);
                match entry.metadata() {
                    Ok(of) if of.is_dir() => dirs.push(path),
                    Ok(of) if is_of_log => drop(files.insert(path, of.len())),
                    // Gone meanwhile, or of no interest.
                    Ok(_) | Err(_) => {}
                }
            }
        }
        Ok(files)
    }

    /// The small disk as its member sees it.
    fn small_disk(&mut self, place: usize) -> Result<PathBuf, Trouble> {
        let data = self.data(place);
        let inside = data.strip_prefix("/").unwrap_or(&data);
        Ok(Path::new("/proc").join(self.process(place)?.id().to_string()).join("root").join(inside))
    }

    /// How often a member has said this.
    pub fn says(&self, place: usize, what: &str) -> usize {
        let said = fs::read(self.log(place)).unwrap_or_default();
        String::from_utf8_lossy(&said).lines().filter(|line| line.contains(what)).count()
    }

    /// Those that have ended though nobody ended them, and those that have panicked, with what they said.
    pub fn casualties(&mut self) -> Vec<String> {
        (0..PLACES).for_each(|place| self.note_ended(place));
        let mut found = std::mem::take(&mut self.lost);
        for place in 0..PLACES {
            let said = fs::read(self.log(place)).unwrap_or_default();
            let said = String::from_utf8_lossy(&said);
            if let Some(line) = said.lines().find(|line| line.contains("panicked at")) {
                found.push(format!("member {place}: {line}"));
            }
        }
        found
    }
}
