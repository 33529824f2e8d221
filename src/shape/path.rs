//! Where a member of a block is.

use std::fmt;

/// A step of the path to a member.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Segment {
    /// A member, by its name.
    Member(String),
    /// An entry of a list, by its key.
    Entry(String),
}

/// The way to a member, such as `containerDefinitions[app].memory`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(Vec<Segment>);

impl Path {
    /// A member of what this leads to.
    #[must_use]
    pub fn member(&self, name: &str) -> Self {
        self.and(Segment::Member(name.to_owned()))
    }

    /// An entry of the list that this leads to.
    #[must_use]
    pub fn entry(&self, key: impl Into<String>) -> Self {
        self.and(Segment::Entry(key.into()))
    }

    fn and(&self, segment: Segment) -> Self {
        let mut all = self.0.clone();
        all.push(segment);
        Self(all)
    }

    /// With a dot before each step, as places in a manifest are named.
    pub fn dotted(&self) -> String {
        let names = self.0.iter().map(|segment| match segment {
            Segment::Member(name) | Segment::Entry(name) => name.as_str(),
        });
        names.collect::<Vec<_>>().join(".")
    }

    /// Its first member.
    pub fn first(&self) -> Option<&str> {
        match self.0.first()? {
            Segment::Member(name) | Segment::Entry(name) => Some(name),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Member(name) if index == 0 => f.write_str(name)?,
                Segment::Member(name) => write!(f, ".{name}")?,
                Segment::Entry(key) => write!(f, "[{key}]")?,
            }
        }
        Ok(())
    }
}
