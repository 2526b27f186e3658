// SPDX-License-Identifier: Apache-2.0
//! What a plugin is, and how its states live beside the flows; nothing about any protocol.
//!
//! A plugin is made once a meter, from its options, and does not change. What it learns of
//! one flow is a [`State`](Plugin::State) of its own, which exists only for flows that it
//! took. Any number of plugins take the same flow; none sees what another does. When the
//! flow leaves, its state goes with it, and the plugin turns the states of a batch's rows
//! into the columns that it declares.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use penstock_record::{BatchBuilder, Column};
use penstock_wire::Packet;

use crate::slab::NOWHERE;

/// Finds something out about flows from their packets.
pub trait Plugin: Send + Sync + Sized + 'static {
    /// What the plugin is and what it fills.
    const SPEC: Spec;

    /// What it remembers about one flow.
    type State: Send + 'static;

    /// The plugin with these options.
    fn new(options: &Options) -> Result<Self, OptionError>;

    /// Takes a flow that begins with this packet, or leaves it alone.
    fn start(&self, seen: &Seen<'_>) -> Option<Self::State>;

    /// Learns from a packet of a flow that was taken, the first one included.
    fn observe(&self, state: &mut Self::State, seen: &Seen<'_>) -> Step;

    /// Fills the declared columns: a row for each of `states`, null where there is none.
    fn write(&self, states: &[Option<Self::State>], batch: &mut BatchBuilder);
}

/// One packet, as a plugin sees it.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// What the headers say.
    pub packet: &'a Packet,
    /// When it was captured, in nanoseconds since 1970.
    pub time_ns: i64,
    /// Whether the flow's source sent it.
    pub from_source: bool,
    /// Whether reverse packets are a flow of their own.
    pub uniflow: bool,
    /// The frame as captured; empty for a fragment that waited for its first one.
    pub frame: &'a [u8],
}

impl<'a> Seen<'a> {
    /// The captured octets from the transport header on.
    pub fn transport(&self) -> &'a [u8] {
        self.frame.get(self.packet.transport_at as usize..).unwrap_or(&[])
    }
}

/// What a plugin wants next of a flow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// The next packet.
    More,
    /// Nothing: do not ask again.
    Done,
}

/// The facts about a plugin that the command line, the documentation and the sinks share.
#[derive(Debug)]
pub struct Spec {
    /// What configurations call it.
    pub name: &'static str,
    /// What it gives, in half a line.
    pub summary: &'static str,
    /// Where the protocol, or the idea, is written down.
    pub reference: &'static str,
    /// How it is asked for, with an option where it has one.
    pub example: &'static str,
    /// What it fills, in the order of the columns.
    pub columns: &'static [Column],
    /// What can be set.
    pub options: &'static [OptionSpec],
}

/// One thing about a plugin that can be set.
#[derive(Debug)]
pub struct OptionSpec {
    /// What configurations call it.
    pub name: &'static str,
    /// Another name that it goes by.
    pub alias: Option<&'static str>,
    /// The kind of value.
    pub kind: OptionKind,
    /// The value if nothing is said.
    pub default: &'static str,
    /// What it does, in half a line.
    pub summary: &'static str,
}

/// The kinds of value that options have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OptionKind {
    /// `true` or `false`.
    Bool,
    /// A whole number in these bounds.
    Integer {
        /// The least.
        min: u64,
        /// The greatest.
        max: u64,
    },
}

/// Why a plugin cannot be made as asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum OptionError {
    /// No plugin has that name.
    UnknownPlugin(String),
    /// The plugin has no such option.
    UnknownOption {
        /// The plugin.
        plugin: &'static str,
        /// What was asked for.
        option: String,
    },
    /// The option cannot have that value.
    Value {
        /// The plugin.
        plugin: &'static str,
        /// The option.
        option: &'static str,
        /// What was asked for.
        value: String,
        /// What it takes.
        kind: OptionKind,
    },
    /// More plugins than one flow has room for.
    TooMany,
    /// One plugin asked for twice.
    Twice(&'static str),
}

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownPlugin(name) => write!(f, "there is no plugin '{name}'"),
            Self::UnknownOption { plugin, option } => {
                write!(f, "plugin {plugin} has no option '{option}'")
            }
            Self::Value { plugin, option, value, kind } => {
                write!(f, "plugin {plugin}: {option} cannot be '{value}': it takes ")?;
                match kind {
                    OptionKind::Bool => write!(f, "true or false"),
                    OptionKind::Integer { min, max } => write!(f, "a number from {min} to {max}"),
                }
            }
            Self::TooMany => write!(f, "at most {MAX_PLUGINS} plugins run at once"),
            Self::Twice(name) => write!(f, "plugin {name} is asked for twice"),
        }
    }
}

impl std::error::Error for OptionError {}

/// A bit of a flow each.
pub(crate) const MAX_PLUGINS: usize = 16;

/// A plugin's options as they were written, checked against what it declares.
#[derive(Debug)]
pub struct Options {
    spec: &'static Spec,
    values: BTreeMap<&'static str, String>,
}

impl Options {
    pub(crate) fn check(
        spec: &'static Spec,
        asked: &BTreeMap<String, String>,
    ) -> Result<Self, OptionError> {
        let mut values = BTreeMap::new();
        for (name, value) in asked {
            let known = spec
                .options
                .iter()
                .find(|option| option.name == name || option.alias == Some(name.as_str()));
            let Some(option) = known else {
                let option = name.clone();
                return Err(OptionError::UnknownOption { plugin: spec.name, option });
            };
            let fits = match option.kind {
                OptionKind::Bool => truth(value).is_some(),
                OptionKind::Integer { min, max } => {
                    value.parse::<u64>().is_ok_and(|number| (min..=max).contains(&number))
                }
            };
            if !fits {
                let (plugin, value) = (spec.name, value.clone());
                let (option, kind) = (option.name, option.kind);
                return Err(OptionError::Value { plugin, option, value, kind });
            }
            values.insert(option.name, value.clone());
        }
        Ok(Self { spec, values })
    }

    /// The value of an option that takes true or false.
    pub fn bool(&self, name: &str) -> bool {
        truth(self.written(name)).unwrap_or(false)
    }

    /// The value of an option that takes a number.
    pub fn integer(&self, name: &str) -> u64 {
        self.written(name).parse().unwrap_or(0)
    }

    fn written(&self, name: &str) -> &str {
        let default = || {
            let option = self.spec.options.iter().find(|option| option.name == name);
            option.map_or("", |option| option.default)
        };
        self.values.get(name).map_or_else(default, String::as_str)
    }
}

/// An option that is only named (`pstats?skip_duplicates`) is meant.
fn truth(value: &str) -> Option<bool> {
    match value {
        "" | "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// A plugin that was made, whatever its type.
pub(crate) trait Instance: Send + Sync {
    /// The facts.
    fn spec(&self) -> &'static Spec;
    /// A place for the states of one thread's flows.
    fn states(&self) -> Box<dyn States>;
    /// A place for the states of records that have left.
    fn left(&self) -> Box<dyn Left>;
}

/// The states of one plugin for the flows of one thread.
pub(crate) trait States: Send {
    /// A state for a flow that begins, if the plugin takes it.
    fn start(&mut self, seen: &Seen<'_>) -> Option<u32>;
    /// Shows a packet.
    fn observe(&mut self, place: u32, seen: &Seen<'_>) -> Step;
    /// The flow leaves; so does its state, if it has one.
    fn leave(&mut self, place: Option<u32>, left: &mut dyn Left);
}

/// The states of one plugin for records that have left, a row each.
pub(crate) trait Left: Send + Any {
    /// Moves the rows of `other`, in the given order, behind this one's.
    fn append(&mut self, other: &mut dyn Left, order: &[u32]);
    /// Fills the columns of the first `rows` rows, which are gone then.
    fn write(&mut self, rows: usize, batch: &mut BatchBuilder);
    /// For those who know which plugin this is.
    fn as_any(&mut self) -> &mut dyn Any;
}

/// Makes a plugin of a type that is known.
pub(crate) fn instance<P: Plugin>(
    asked: &BTreeMap<String, String>,
) -> Result<Arc<dyn Instance>, OptionError> {
    let plugin = P::new(&Options::check(&P::SPEC, asked)?)?;
    Ok(Arc::new(Made(Arc::new(plugin))))
}

struct Made<P>(Arc<P>);

impl<P: Plugin> Instance for Made<P> {
    fn spec(&self) -> &'static Spec {
        &P::SPEC
    }

    fn states(&self) -> Box<dyn States> {
        Box::new(Living { plugin: Arc::clone(&self.0), states: Vec::new(), free: Vec::new() })
    }

    fn left(&self) -> Box<dyn Left> {
        Box::new(Gone { plugin: Arc::clone(&self.0), states: Vec::new() })
    }
}

struct Living<P: Plugin> {
    plugin: Arc<P>,
    states: Vec<Option<P::State>>,
    free: Vec<u32>,
}

impl<P: Plugin> States for Living<P> {
    fn start(&mut self, seen: &Seen<'_>) -> Option<u32> {
        let state = Some(self.plugin.start(seen)?);
        let Some(place) = self.free.pop() else {
            self.states.push(state);
            return u32::try_from(self.states.len() - 1).ok();
        };
        if let Some(free) = self.states.get_mut(place as usize) {
            *free = state;
        }
        Some(place)
    }

    fn observe(&mut self, place: u32, seen: &Seen<'_>) -> Step {
        match self.states.get_mut(place as usize) {
            Some(Some(state)) => self.plugin.observe(state, seen),
            _ => Step::Done,
        }
    }

    fn leave(&mut self, place: Option<u32>, left: &mut dyn Left) {
        let state = place.and_then(|place| {
            self.free.push(place);
            self.states.get_mut(place as usize)?.take()
        });
        if let Some(gone) = left.as_any().downcast_mut::<Gone<P>>() {
            gone.states.push(state);
        }
    }
}

struct Gone<P: Plugin> {
    plugin: Arc<P>,
    states: Vec<Option<P::State>>,
}

impl<P: Plugin> Left for Gone<P> {
    fn append(&mut self, other: &mut dyn Left, order: &[u32]) {
        if let Some(other) = other.as_any().downcast_mut::<Self>() {
            let take = |row: &u32| other.states.get_mut(*row as usize).and_then(Option::take);
            self.states.extend(order.iter().map(take));
            other.states.clear();
        }
    }

    fn write(&mut self, rows: usize, batch: &mut BatchBuilder) {
        let rows = rows.min(self.states.len());
        self.plugin.write(self.states.get(..rows).unwrap_or(&[]), batch);
        self.states.drain(..rows);
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

/// The plugins of one meter, as one thread's flows use them.
pub(crate) struct Plugins {
    tables: Vec<Box<dyn States>>,
    /// For each flow with plugins, the place of its state in each table.
    places: Vec<u32>,
    free: Vec<u32>,
}

impl Plugins {
    pub fn new(instances: &[Arc<dyn Instance>]) -> Self {
        let tables = instances.iter().map(|instance| instance.states()).collect();
        Self { tables, places: Vec::new(), free: Vec::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// Offers a flow that begins. Answers where its states are, and a bit for each plugin
    /// that wants packets.
    pub fn start(&mut self, seen: &Seen<'_>) -> (u32, u16) {
        let width = self.tables.len();
        let flow = self.free.pop().unwrap_or_else(|| {
            let flow = self.places.len() / width.max(1);
            self.places.resize(self.places.len() + width, NOWHERE);
            flow as u32
        });
        let places = self.places.get_mut(flow as usize * width..).unwrap_or(&mut []);
        let mut wants = 0;
        for (bit, (table, place)) in self.tables.iter_mut().zip(places).enumerate() {
            *place = table.start(seen).unwrap_or(NOWHERE);
            if *place != NOWHERE {
                wants |= 1 << bit;
            }
        }
        (flow, wants)
    }

    /// Shows a packet to the plugins that want it; answers who wants more.
    pub fn observe(&mut self, flow: u32, mut wants: u16, seen: &Seen<'_>) -> u16 {
        let mut left = wants;
        while left != 0 {
            let bit = left.trailing_zeros() as usize;
            left &= left - 1;
            let place = self.place(flow, bit);
            if let (Some(place), Some(table)) = (place, self.tables.get_mut(bit))
                && table.observe(place, seen) == Step::Done
            {
                wants &= !(1 << bit);
            }
        }
        wants
    }

    /// The flow's record leaves: so do its states.
    pub fn leave(&mut self, flow: u32, left: &mut [Box<dyn Left>]) {
        for (bit, left) in left.iter_mut().enumerate() {
            let place = if flow == NOWHERE { None } else { self.place(flow, bit) };
            if let Some(table) = self.tables.get_mut(bit) {
                table.leave(place, left.as_mut());
            }
        }
        if flow != NOWHERE {
            self.free.push(flow);
        }
    }

    fn place(&self, flow: u32, bit: usize) -> Option<u32> {
        let place = self.places.get(flow as usize * self.tables.len() + bit)?;
        (*place != NOWHERE).then_some(*place)
    }
}
