//! How much memory the system still gives, so that what would take more is refused with a sentence: an allocation that fails is the
//! end of a program.

/// What is left to other programs.
const RESERVE_BYTES: u64 = 32 << 20;

/// Addresses that allocators and threads take beside half as many again as there is memory.
const SPARE_ADDRESSES: u64 = 64 << 20;

/// Whether so much can be had at once; `what` takes it, as a part of the sentence.
///
/// # Errors
/// The sentence.
pub fn check(bytes: u64, what: &str) -> Result<(), String> {
    // Limits of the process (`ulimit -v`) count addresses, of which an allocator holds more than it uses: whether there are enough is
    // found out by asking for them. Whether there is memory behind the addresses the system says.
    let addresses = bytes.saturating_add(bytes / 2).saturating_add(SPARE_ADDRESSES);
    let is_given = || Vec::<u8>::new().try_reserve_exact(usize::try_from(addresses).ok()?).ok();
    let is_there = || available_bytes().is_none_or(|available| available >= bytes);
    if is_there() && is_given().is_some() {
        return Ok(());
    }
    Err(format!(
        "there is not enough memory: {what} takes {} MiB, so close other programs or allow this one more",
        bytes.div_ceil(1 << 20)
    ))
}

/// What the machine has left, and what the group of processes that this one belongs to may still take. None where the system does not
/// say.
fn available_bytes() -> Option<u64> {
    let left = [of_machine(), of_group()].into_iter().flatten().min()?;
    Some(left.saturating_sub(RESERVE_BYTES))
}

fn of_machine() -> Option<u64> {
    let machine = read("/proc/meminfo")?;
    Some(kilobytes(&machine, "MemAvailable:")?.saturating_add(kilobytes(&machine, "SwapFree:").unwrap_or(0)))
}

/// What a container or a service may take, in both forms that Linux has for that.
fn of_group() -> Option<u64> {
    let groups = read("/proc/self/cgroup")?;
    let left = groups.lines().filter_map(|line| {
        let (_, group) = line.split_once(':')?;
        let (kinds, path) = group.split_once(':')?;
        let (root, names) = match kinds {
            "" => ("/sys/fs/cgroup", ["memory.max", "memory.current", "inactive_file"]),
            _ if kinds.split(',').any(|kind| kind == "memory") => {
                ("/sys/fs/cgroup/memory", ["memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"])
            }
            _ => return None,
        };
        // In a container its own group lies at the top.
        [format!("{root}{path}"), root.to_owned()].iter().find_map(|folder| left_of_group(folder, names))
    });
    left.min()
}

fn left_of_group(folder: &str, [limit, taken, cached]: [&str; 3]) -> Option<u64> {
    let number = |name: &str| read(&format!("{folder}/{name}"))?.trim().parse::<u64>().ok();
    let (limit, taken) = (number(limit)?, number(taken)?);
    // Files that were read stay in memory only while nobody else wants it.
    let statistics = read(&format!("{folder}/memory.stat")).unwrap_or_default();
    let cached = statistics.lines().find_map(|line| line.strip_prefix(cached)?.trim().parse::<u64>().ok());
    Some(limit.saturating_sub(taken.saturating_sub(cached.unwrap_or(0))))
}

fn read(path: &str) -> Option<String> {
    if cfg!(target_os = "linux") { std::fs::read_to_string(path).ok() } else { None }
}

fn kilobytes(table: &str, name: &str) -> Option<u64> {
    let number = table.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?;
    Some(number.parse::<u64>().ok()?.saturating_mul(1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_more_than_the_machine_has_is_a_sentence() {
        assert_eq!(check(0, "nothing"), Ok(()));
        let said = check(1 << 62, "everything").err().unwrap_or_default();
        assert!(said.contains("not enough memory: everything takes"), "{said}");
    }
}
