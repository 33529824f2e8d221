//! The row of a member.

/// A block: its name at AWS, and a row for each member.
#[derive(Debug)]
pub struct Structure {
    /// AWS's name of the shape.
    pub name: &'static str,
    /// Its members.
    pub members: &'static [Member],
}

impl Structure {
    /// The row of a member.
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// Whether a member of it, or of a block in it, has this name.
    pub fn has_name(&self, name: &str) -> bool {
        fn inside(kind: &Kind, name: &str) -> bool {
            match kind {
                Kind::Structure(structure) => structure.has_name(name),
                Kind::List(of, _) => inside(of, name),
                Kind::Text(_)
                | Kind::Number { .. }
                | Kind::Decimal { .. }
                | Kind::Boolean
                | Kind::Word(_)
                | Kind::Cpu
                | Kind::Memory
                | Kind::Map
                | Kind::Anything => false,
            }
        }
        self.members.iter().any(|member| member.name == name || inside(&member.kind, name))
    }
}

/// What is known about a member.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// AWS's name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What it is, for the schema and the documentation.
    pub help: &'static str,
    /// What AWS reads back where it is left out. An empty list or map always counts as left out.
    pub absent: Absent,
    /// AWS refuses the block without it.
    pub is_required: bool,
    /// AWS answers it and takes it in no request: accepted because people paste answers, and ignored.
    pub is_output: bool,
    /// Its value is never shown.
    pub is_secret: bool,
    /// Text in which `${` is ordinary data.
    pub is_data: bool,
    /// An empty list says: keep it empty.
    pub may_be_empty: bool,
    /// When a change takes effect.
    pub effect: Effect,
    /// Of a service: the deployment controllers for which AWS takes it.
    pub controllers: Controllers,
}

/// The deployment controllers for which AWS takes a member of a service (ECS `UpdateService`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Controllers {
    /// ECS alone.
    Ecs,
    /// ECS and CodeDeploy.
    EcsAndCodeDeploy,
    /// All three.
    All,
}

/// When a change of a member of a service takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Immediately, and no task is replaced.
    InPlace,
    /// Immediately for tasks that start from then on; running ones keep the old value.
    NewTasks,
    /// By a deployment, which the change starts.
    Deployment,
    /// Never: it is set when the service is created.
    Creation,
    /// With a change of the deployment strategy, which this release leaves alone.
    Strategy,
}

/// The value of a member that was not written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Absent {
    /// Nothing is read back, or AWS fills in what cannot be known beforehand.
    Nothing,
    /// That text.
    Text(&'static str),
    /// That number.
    Number(i64),
    /// That boolean.
    Boolean(bool),
    /// What another member of the same block says.
    Member(&'static str),
}

/// What a member holds.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Free text.
    Text(Text),
    /// A whole number, both bounds included.
    Number {
        /// Lowest.
        from: i64,
        /// Highest.
        to: i64,
    },
    /// A number of whole tenths, both bounds included.
    Decimal {
        /// Lowest, in tenths.
        from: i64,
        /// Highest, in tenths.
        to: i64,
    },
    /// true or false.
    Boolean,
    /// One of these words.
    Word(&'static [&'static str]),
    /// CPU units of a task: a number, or text such as `1 vCPU`. AWS keeps the units as text.
    Cpu,
    /// MiB of a task: a number, or text such as `2 GB`. AWS keeps the MiB as text.
    Memory,
    /// Text by keys that are data.
    Map,
    /// A block.
    Structure(&'static Structure),
    /// A list.
    List(&'static Kind, Order),
    /// Passed on as written.
    Anything,
}

/// Bounds of text, and which texts are the same.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    /// Most characters.
    pub most: usize,
    /// Which texts are the same.
    pub same: Same,
}

/// Which texts are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Same {
    /// Equal ones.
    Equal,
    /// Equal ones, whatever the case.
    AnyCase,
    /// An ARN and the name that it ends with.
    ArnOrName,
    /// A field of a placement strategy: whatever the case, and `host` is `instanceId`.
    PlacementField,
    /// A platform version: a declared `LATEST` is whatever AWS resolved it to.
    PlatformVersion,
}

/// How two lists are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Entry by entry, found by those of these members that it has.
    Keyed(&'static [&'static str]),
    /// As written.
    Ordered,
    /// Without order.
    Set,
}

/// Text of ordinary length.
pub(super) const TEXT: Kind = Kind::Text(Text { most: 2048, same: Same::Equal });
/// Text without a limit that is worth checking.
pub(super) const LONG_TEXT: Kind = Kind::Text(Text { most: 65_536, same: Same::Equal });
/// A role by ARN or name.
pub(super) const ROLE: Kind = Kind::Text(Text { most: 2048, same: Same::ArnOrName });
/// Texts in the order that counts.
pub(super) const TEXTS: Kind = Kind::List(&LONG_TEXT, Order::Ordered);
/// Texts without order.
pub(super) const TEXT_SET: Kind = Kind::List(&TEXT, Order::Set);
/// `ENABLED` or `DISABLED`.
pub(super) const SWITCH: Kind = Kind::Word(&["ENABLED", "DISABLED"]);

/// Text of at most so many characters.
pub(super) const fn text(most: usize) -> Kind {
    Kind::Text(Text { most, same: Same::Equal })
}

/// A whole number within bounds.
pub(super) const fn number(from: i64, to: i64) -> Kind {
    Kind::Number { from, to }
}

pub(super) const fn row(name: &'static str, kind: Kind, help: &'static str) -> Member {
    Member {
        name,
        kind,
        help,
        absent: Absent::Nothing,
        is_required: false,
        is_output: false,
        is_secret: false,
        is_data: false,
        may_be_empty: false,
        effect: Effect::InPlace,
        controllers: Controllers::Ecs,
    }
}

/// A member of answers alone.
pub(super) const fn output(name: &'static str) -> Member {
    Member { is_output: true, ..row(name, Kind::Anything, "Only in answers of AWS: accepted and ignored.") }
}

impl Member {
    pub(super) const fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    pub(super) const fn secret(self) -> Self {
        Self { is_secret: true, is_data: true, ..self }
    }

    pub(super) const fn data(self) -> Self {
        Self { is_data: true, ..self }
    }

    pub(super) const fn or_empty(self) -> Self {
        Self { may_be_empty: true, ..self }
    }

    pub(super) const fn absent(self, absent: Absent) -> Self {
        Self { absent, ..self }
    }

    pub(super) const fn takes_effect(self, effect: Effect) -> Self {
        Self { effect, ..self }
    }

    pub(super) const fn also_with_code_deploy(self) -> Self {
        Self { controllers: Controllers::EcsAndCodeDeploy, ..self }
    }

    pub(super) const fn with_all_controllers(self) -> Self {
        Self { controllers: Controllers::All, ..self }
    }
}
