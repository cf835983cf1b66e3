//! Memory and processor time of a process, from Linux's /proc.

use std::fs;
use std::io;
use std::time::Duration;

/// The memory of a process that is really there, in bytes.
///
/// # Errors
/// If there is no such process, or no /proc.
pub fn resident_bytes(pid: u32) -> io::Result<u64> {
    let statm = fs::read_to_string(format!("/proc/{pid}/statm"))?;
    Ok(number(statm.split(' ').nth(1))? * rustix::param::page_size() as u64)
}

/// The processor time that the threads a process has now have used, their own and the system's on their behalf. The scheduler
/// counts it in nanoseconds; what `/proc/PID/stat` says is counted in hundredths of a second, by whoever runs just then.
///
/// # Errors
/// If there is no such process, or no /proc.
pub fn processor_time(pid: u32) -> io::Result<Duration> {
    let threads = fs::read_dir(format!("/proc/{pid}/task"))?;
    let times = threads.map(|thread| match fs::read_to_string(thread?.path().join("schedstat")) {
        Ok(said) => number(said.split(' ').next()),
        // It has just ended.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    });
    times.sum::<io::Result<u64>>().map(Duration::from_nanos)
}

fn number(field: Option<&str>) -> io::Result<u64> {
    let number = field.and_then(|field| field.parse().ok());
    number.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "/proc is not as expected"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;
    use std::time::Instant;

    #[test]
    fn of_this_process() {
        let pid = std::process::id();
        let (before, memory) = (processor_time(pid).unwrap(), resident_bytes(pid).unwrap());
        let held = black_box(vec![1_u8; 64 << 20]);
        assert!(resident_bytes(pid).unwrap() > memory + (48 << 20));
        drop(held);
        let start = Instant::now();
        while processor_time(pid).unwrap() == before {
            assert!(start.elapsed() < Duration::from_secs(60), "work takes time");
            (0..1_000_000_u64).for_each(|i| assert!(black_box(i) < 1_000_000));
        }
        assert!(processor_time(u32::MAX).is_err());
    }
}
