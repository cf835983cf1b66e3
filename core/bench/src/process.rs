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

/// The processor time a process has used, its own and the system's on its behalf. It counts in hundredths of a second.
///
/// # Errors
/// If there is no such process, or no /proc.
pub fn processor_time(pid: u32) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold anything, blanks too. What follows starts with field 3.
    let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11);
    let ticks = number(fields.next())? + number(fields.next())?;
    Ok(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
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
