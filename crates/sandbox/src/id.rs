//! Ids and other random choices, all from one seed.

/// A source of ids (SplitMix64): small, well distributed, and the same everywhere.
#[derive(Clone, Debug)]
pub struct Ids(u64);

impl Ids {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.number() % limit.max(1)
    }

    /// EC2's form: a prefix and 17 digits, the first of them 0.
    pub fn ec2(&mut self, prefix: &str) -> String {
        format!("{prefix}-0{:016x}", self.number())
    }

    /// 16 digits, as Elastic Load Balancing has them.
    pub fn short(&mut self) -> String {
        format!("{:016x}", self.number())
    }

    /// 32 digits, as ECS has them.
    pub fn long(&mut self) -> String {
        format!("{:016x}{:016x}", self.number(), self.number())
    }

    /// A request id.
    pub fn uuid(&mut self) -> String {
        let hex = self.long();
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }

    /// Digits only, as deployments of ECS have them.
    pub fn digits(&mut self) -> String {
        format!("{:019}", self.number() >> 1)
    }
}
