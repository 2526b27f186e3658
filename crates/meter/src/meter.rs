// SPDX-License-Identifier: Apache-2.0
//! The meter: a source in, batches of records out.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow_array::RecordBatch;
use penstock_record::{BatchBuilder, LedgerRow};
use penstock_wire::Tunnels;

use crate::alone::Alone;
use crate::departed::Departed;
use crate::fragments::Fragments;
use crate::key::FIXED_SEED;
use crate::layout::{KeyError, KeyLayout};
use crate::ledger;
use crate::owner::{Owner, PARTITIONS};
use crate::parallel::Parallel;
use crate::parse::Parser;
use crate::plugin::{Instance, OptionError};
use crate::plugins;
use crate::reading::{Progress, Reading};
use crate::rows;
use crate::rules::Rules;
use crate::select::Select;
use crate::stream::Packets;

/// How packets become flows.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Names of the key's fields; `None` for the default key.
    pub key: Option<Vec<String>>,
    /// Directions are flows of their own.
    pub uniflow: bool,
    /// Which packet of a tunnelled one is metered.
    pub tunnels: Tunnels,
    /// A record is cut at this length, in nanoseconds.
    pub active_timeout_ns: i64,
    /// A flow ends after such a gap, in nanoseconds.
    pub idle_timeout_ns: i64,
    /// Most flows at a time; see [`Meter`].
    pub max_flows: usize,
    /// How long a fragment waits for its first, in nanoseconds.
    pub fragment_timeout_ns: i64,
    /// Plugins by name, with their options as written.
    pub plugins: Vec<(String, BTreeMap<String, String>)>,
    /// Threads that meter.
    pub threads: usize,
    /// Stop after so many packets.
    pub count: Option<u64>,
    /// Rows of a batch; only the last has fewer.
    pub rows_per_batch: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            key: None,
            uniflow: false,
            tunnels: Tunnels::Inner,
            active_timeout_ns: 300 * SECOND,
            idle_timeout_ns: 30 * SECOND,
            max_flows: 1_000_000,
            fragment_timeout_ns: 30 * SECOND,
            plugins: Vec::new(),
            threads: 1,
            count: None,
            rows_per_batch: 8_192,
        }
    }
}

const SECOND: i64 = 1_000_000_000;

/// Why there is no meter with these settings.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SettingsError {
    /// The key.
    Key(KeyError),
    /// A plugin.
    Plugin(OptionError),
    /// A number is out of its bounds.
    Range {
        /// Which.
        setting: &'static str,
        /// What it may be.
        allowed: RangeInclusive<i64>,
    },
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(error) => write!(f, "{error}"),
            Self::Plugin(error) => write!(f, "{error}"),
            Self::Range { setting, allowed } => {
                write!(f, "{setting} must be from {} to {}", allowed.start(), allowed.end())
            }
        }
    }
}

impl std::error::Error for SettingsError {}

/// Packets to flows.
///
/// The bound on flows is kept per partition: each takes a 256th of it, and some more for
/// the scatter of the hash. Over it, the flow nearest its end leaves for the new one.
pub struct Meter<S: Packets, F> {
    engine: Engine<S, F>,
    rows: Departed,
    rows_per_batch: usize,
    layout: KeyLayout,
    progress: Arc<Progress>,
    more: bool,
}

enum Engine<S: Packets, F> {
    Alone(Box<Alone<S, F>>),
    Parallel(Parallel<S, F>),
}

impl<S, F> Meter<S, F>
where
    S: Packets + 'static,
    S::Chunk: 'static,
    S::Error: 'static,
    F: Select + 'static,
{
    /// A meter of what `source` gives. Without a `select` every packet passes.
    pub fn new(source: S, select: Option<F>, settings: &Settings) -> Result<Self, SettingsError> {
        check_ranges(settings)?;
        let uniflow = settings.uniflow;
        let layout = match &settings.key {
            None => KeyLayout::new(uniflow, FIXED_SEED),
            Some(names) => KeyLayout::of(names, uniflow, FIXED_SEED).map_err(SettingsError::Key)?,
        };
        let instances = plugins::make_all(&settings.plugins).map_err(SettingsError::Plugin)?;
        let rules = Arc::new(Rules {
            layout,
            active_ns: settings.active_timeout_ns,
            idle_ns: settings.idle_timeout_ns,
            partition_limit: partition_limit(settings.max_flows),
        });
        let progress = Arc::<Progress>::default();
        let reading = Reading::new(source, settings.count, Arc::clone(&progress));
        let parser = Parser { layout, tunnels: settings.tunnels, select };
        let fragments = Fragments::new(layout, settings.fragment_timeout_ns);
        let engine = if settings.threads == 1 {
            let owner = Owner::new(rules, 0..PARTITIONS, &instances);
            let own = Arc::clone(&progress);
            Engine::Alone(Box::new(Alone::new(reading, parser, fragments, owner, own)))
        } else {
            let owners = owners(&rules, settings.threads, &instances);
            let own = Arc::clone(&progress);
            Engine::Parallel(Parallel::new(reading, parser, fragments, owners, own))
        };
        let rows = Departed::new(&instances);
        let rows_per_batch = settings.rows_per_batch;
        Ok(Self { engine, rows, rows_per_batch, layout, progress, more: true })
    }

    /// The next batch; `None` at the end. If the source failed, that is told once, when
    /// everything up to there has been given out.
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>, S::Error> {
        while self.more && self.rows.len() < self.rows_per_batch {
            self.more = match &mut self.engine {
                Engine::Alone(engine) => engine.step(&mut self.rows),
                Engine::Parallel(engine) => engine.step(&mut self.rows),
            };
        }
        let rows = self.rows.len().min(self.rows_per_batch);
        if rows > 0 {
            return Ok(Some(self.batch(rows)));
        }
        let error = match &mut self.engine {
            Engine::Alone(engine) => engine.take_error(),
            Engine::Parallel(engine) => engine.take_error(),
        };
        error.map_or(Ok(None), Err)
    }

    /// No rows, and every column that this meter's batches have.
    pub fn empty_batch(&mut self) -> RecordBatch {
        self.batch(0)
    }

    /// How far it is, and the means to stop it, for other threads.
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// What every stage has counted so far; complete once there are no more batches.
    pub fn ledger(&self) -> Vec<LedgerRow> {
        let (packets, fragments, flows) = match &self.engine {
            Engine::Alone(engine) => engine.counts(),
            Engine::Parallel(engine) => engine.counts(),
        };
        ledger::rows(&packets, &fragments, &flows)
    }

    fn batch(&mut self, rows: usize) -> RecordBatch {
        let mut batch = BatchBuilder::new(rows);
        rows::fill(self.rows.first(rows), &self.layout, &mut batch);
        self.rows.write_plugins(rows, &mut batch);
        batch.finish()
    }
}

/// A 256th of all flows, and twice the standard deviation of what the hash puts there.
fn partition_limit(max_flows: usize) -> usize {
    let share = max_flows.div_ceil(PARTITIONS);
    share + 2 * share.isqrt()
}

/// An owner a thread, each with partitions in a row.
fn owners(rules: &Arc<Rules>, threads: usize, instances: &[Arc<dyn Instance>]) -> Vec<Owner> {
    let bound = |thread: usize| (thread * PARTITIONS).div_ceil(threads);
    (0..threads)
        .map(|thread| Owner::new(Arc::clone(rules), bound(thread)..bound(thread + 1), instances))
        .collect()
}

fn check_ranges(settings: &Settings) -> Result<(), SettingsError> {
    const LONGEST: i64 = 366 * 86_400 * SECOND;
    let checks = [
        ("active_timeout", settings.active_timeout_ns, 1..=LONGEST),
        ("idle_timeout", settings.idle_timeout_ns, 1..=LONGEST),
        ("fragment_timeout", settings.fragment_timeout_ns, 0..=LONGEST),
        ("max_flows", settings.max_flows as i64, 1..=1 << 31),
        ("threads", settings.threads as i64, 1..=PARTITIONS as i64),
        ("rows_per_batch", settings.rows_per_batch as i64, 1..=1 << 24),
    ];
    for (setting, value, allowed) in checks {
        if !allowed.contains(&value) {
            return Err(SettingsError::Range { setting, allowed });
        }
    }
    Ok(())
}
