// SPDX-License-Identifier: Apache-2.0
//! What can be said of a collector. Every bound has a number here.

use penstock_wire::Tunnels;

/// How a collector works, and what it remembers at most.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// A template that came by datagrams is forgotten when it was not seen for so long
    /// (RFC 7011 section 8.4).
    pub template_lifetime_ns: i64,
    /// Exporters remembered: sessions, times their domains. Beyond it the one that has been silent
    /// for longest makes room.
    pub max_exporters: usize,
    /// Templates of one exporter.
    pub max_templates: usize,
    /// Fields of one template.
    pub max_fields: usize,
    /// Octets of data sets that wait for their templates, of all exporters.
    pub parked_octets: usize,
    /// How long they wait.
    pub parked_ns: i64,
    /// One in so many packets was sampled, where an exporter does not say.
    pub default_sampling: Option<f64>,
    /// The same of exporters by address, whatever they say.
    pub sampling: Vec<([u8; 16], f64)>,
    /// IPFIX over UDP: sessions from one address are one, whatever their ports.
    pub ignore_source_port: bool,
    /// Which packet of a tunnel an sFlow header is read as.
    pub tunnels: Tunnels,
    /// Enterprise number under which elements of Penstock's own are expected.
    pub enterprise: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            template_lifetime_ns: 1_800_000_000_000,
            max_exporters: 65_536,
            max_templates: 4_096,
            max_fields: 1_024,
            parked_octets: 16 << 20,
            parked_ns: 600_000_000_000,
            default_sampling: None,
            sampling: Vec::new(),
            ignore_source_port: false,
            tunnels: Tunnels::Inner,
            enterprise: PENSTOCK_PEN,
        }
    }
}

/// Enterprise number that the registry has Penstock's elements under.
pub(crate) const PENSTOCK_PEN: u32 = 32473;
