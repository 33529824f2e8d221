//! Where things stand in the manifest. No part of [`super::Desired`]: two manifests that say the same are equal,
//! wherever they say it.

use std::collections::BTreeMap;
use std::fmt;

use super::ObjectRef;

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file as it was named on the command line; `<stdin>` for standard input.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// The places of one object: of its document, and of each field below `spec`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectPlaces {
    /// Its file.
    pub file: String,
    /// Line and column of the document.
    pub at: (usize, usize),
    /// Line and column of each key by its path below `spec`, such as `healthCheck.path`; entries of lists are named by
    /// their `name` where they have one, by their number from 0 otherwise: `ports.http.container`, `routes.0.priority`.
    pub fields: BTreeMap<String, (usize, usize)>,
}

/// The places of all objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places(pub BTreeMap<ObjectRef, ObjectPlaces>);

impl Places {
    /// The place of a field, or of the nearest thing around it that the manifest has; with an empty path, of the object.
    /// `None`: the manifest does not name the object.
    pub fn find(&self, object: &ObjectRef, field: &str) -> Option<Place> {
        let ObjectPlaces { file, at, fields } = self.0.get(object)?;
        let mut path = field;
        let (line, column) = loop {
            if let Some(at) = fields.get(path) {
                break *at;
            }
            // The keys of attributes have dots of their own; no field is called like the first part of one.
            match path.rsplit_once('.') {
                Some((around, _)) => path = around,
                None => break *at,
            }
        };
        Some(Place { file: file.clone(), line, column })
    }
}
