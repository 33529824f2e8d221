//! The sizes that Fargate offers (aws-facts 1.3).

use crate::sandbox::refusal::Refusal;

/// Memory in MiB for each number of CPU units: smallest, largest, and the step between.
const SIZES: [(i64, i64, i64, i64); 6] = [
    (512, 1024, 4096, 1024),
    (1024, 2048, 8192, 1024),
    (2048, 4096, 16384, 1024),
    (4096, 8192, 30720, 1024),
    (8192, 16384, 61440, 4096),
    (16384, 32768, 122_880, 8192),
];

/// Whether Fargate has a size.
pub fn check(cpu: Option<i64>, memory: Option<i64>) -> Result<(), Refusal> {
    let (Some(cpu), Some(memory)) = (cpu, memory) else {
        return Err(Refusal::client("Fargate requires that 'cpu' be defined at the task level."));
    };
    let is_offered = match cpu {
        256 => [512, 1024, 2048].contains(&memory),
        cpu => SIZES.iter().any(|(units, low, high, step)| {
            *units == cpu && (*low..=*high).contains(&memory) && (memory - low) % step == 0
        }),
    };
    if is_offered { Ok(()) } else { Err(Refusal::client("No Fargate configuration exists for given values.")) }
}
