// SPDX-License-Identifier: Apache-2.0
//! `NetFlow` version 9 (RFC 3954).
//!
//! ```text
//!   0         2       4          8            12         16          20 ..
//! +---------+-------+----------+------------+----------+-----------+-- ... ---+
//! | Version | Count | Uptime   | Unix       | Sequence | Source id | FlowSets |
//! |         |       | ms       | seconds    | number   |           |          |
//! +---------+-------+----------+------------+----------+-----------+-- ... ---+
//!      9
//! ```
//!
//! Packets have no length of their own: the datagram's is theirs. The count is not believed, since
//! some exporters count records and others `FlowSets`.
//!
//! Here: the packet, its `FlowSets`, and templates both ways, in the terms of IPFIX where there are
//! such. What the fields of vendors hold is not known here.

use std::iter::FusedIterator;
use std::mem;

use penstock_elements::{NETFLOW9_PEN, by_number};

use crate::set::{SetsWriter, Tail, is_zero};
use crate::template::LEAST_ID;
use crate::{Definition, Field, Malformed, NETFLOW9_SCOPE_PEN, Set, Sets, Template, Unwritable};

/// What a packet begins with.
pub const VERSION: u16 = 9;
/// `FlowSet` of templates of flows.
pub const TEMPLATE_SET: u16 = 0;
/// `FlowSet` of options templates.
pub const OPTIONS_TEMPLATE_SET: u16 = 1;
/// The first number of `FlowSets` of records; those between this and the templates' mean nothing.
pub const FIRST_DATA_SET: u16 = LEAST_ID;
/// Octets before the first `FlowSet`.
pub const HEADER_OCTETS: usize = 20;

/// The fields before the `FlowSets` (section 5.1), without the version.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Header {
    /// Records of all kinds, by the specification.
    pub count: u16,
    /// Milliseconds since the exporter started, modulo 2^32, when the packet left.
    pub uptime_ms: u32,
    /// Seconds since 1970 when the packet left.
    pub unix_s: u32,
    /// Packets that the exporter sent earlier for this source id, modulo 2^32.
    pub sequence: u32,
    /// What IPFIX calls the observation domain.
    pub source_id: u32,
}

/// A packet, its `FlowSets` not yet looked at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Packet<'a> {
    /// The fields before the `FlowSets`.
    pub header: Header,
    sets: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads the packet of a datagram.
    pub fn read(octets: &'a [u8]) -> Result<Self, Malformed> {
        let (&version, _) = octets.split_first_chunk().ok_or(Malformed::HeaderCut)?;
        if u16::from_be_bytes(version) != VERSION {
            return Err(Malformed::Version);
        }
        let (header, sets) = octets.split_first_chunk().ok_or(Malformed::HeaderCut)?;
        Ok(Self { header: Header::of(header), sets })
    }

    /// Its `FlowSets`. Zeroes up to the datagram's end are no error: some exporters fill it up.
    pub const fn sets(&self) -> Sets<'a> {
        Sets::new(self.sets, Tail::Filled)
    }
}

impl Header {
    fn of(octets: &[u8; HEADER_OCTETS]) -> Self {
        let &[_, _, c0, c1, u0, u1, u2, u3, t0, t1, t2, t3, s0, s1, s2, s3, i0, i1, i2, i3] =
            octets;
        Self {
            count: u16::from_be_bytes([c0, c1]),
            uptime_ms: u32::from_be_bytes([u0, u1, u2, u3]),
            unix_s: u32::from_be_bytes([t0, t1, t2, t3]),
            sequence: u32::from_be_bytes([s0, s1, s2, s3]),
            source_id: u32::from_be_bytes([i0, i1, i2, i3]),
        }
    }
}

/// The templates of a `FlowSet`, by its number [`TEMPLATE_SET`] or [`OPTIONS_TEMPLATE_SET`]; of any
/// other `FlowSet`, none. None is ever a withdrawal.
///
/// - A field type is IANA's element of that number, or stands under
///   [`NETFLOW9_PEN`] if the registry lists it there or it is 32,768 or above. Type 0 is padding.
/// - A scope type from 0 to 5 stands under [`NETFLOW9_SCOPE_PEN`]. Exporters that know more scopes
///   use field types for them.
/// - An options template without scope is about the system, which takes no octets.
///
/// A template that cannot be is an error, and the next one follows; where a template does not end,
/// the error is the last item.
pub fn templates<'a>(set: &Set<'a>) -> Templates<'a> {
    let read = matches!(set.id, TEMPLATE_SET | OPTIONS_TEMPLATE_SET);
    Templates { set: set.id, rest: if read { set.octets } else { &[] } }
}

/// See [`templates`].
#[derive(Clone, Debug)]
pub struct Templates<'a> {
    set: u16,
    rest: &'a [u8],
}

impl Iterator for Templates<'_> {
    type Item = Result<Definition, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = mem::take(&mut self.rest);
        let (&[id_high, id_low, high, low], body) = rest.split_first_chunk()?;
        let id = u16::from_be_bytes([id_high, id_low]);
        let length = u16::from_be_bytes([high, low]);
        if (id, length) == (0, 0) && is_zero(rest) {
            return None;
        }
        let template = if self.set == TEMPLATE_SET {
            self.template(id, length, body)
        } else {
            self.options_template(id, length, body)
        };
        Some(template.and_then(Template::checked).map(Definition::Define))
    }
}

impl FusedIterator for Templates<'_> {}

impl<'a> Templates<'a> {
    /// Section 5.2.
    fn template(&mut self, id: u16, count: u16, body: &'a [u8]) -> Result<Template, Malformed> {
        let octets = usize::from(count) * SPECIFIER_OCTETS;
        let (specifiers, rest) = body.split_at_checked(octets).ok_or(Malformed::TemplateCut)?;
        self.rest = rest;
        let fields = types(specifiers).map(|(number, length)| field(number, length)).collect();
        Ok(Template { id, scopes: 0, fields })
    }

    /// Section 6.1. Its lengths are in octets, and those of scope and options come apart.
    fn options_template(
        &mut self,
        id: u16,
        scope_octets: u16,
        body: &'a [u8],
    ) -> Result<Template, Malformed> {
        let (&options, body) = body.split_first_chunk().ok_or(Malformed::TemplateCut)?;
        let scope_octets = usize::from(scope_octets);
        let octets = scope_octets + usize::from(u16::from_be_bytes(options));
        let (specifiers, rest) = body.split_at_checked(octets).ok_or(Malformed::TemplateCut)?;
        self.rest = rest;
        let (scopes, options) =
            specifiers.split_at_checked(scope_octets).ok_or(Malformed::TemplateCut)?;
        if [scopes, options].iter().any(|part| !part.len().is_multiple_of(SPECIFIER_OCTETS)) {
            return Err(Malformed::Scope);
        }
        let system = Field { pen: NETFLOW9_SCOPE_PEN, id: scope::SYSTEM, length: 0 };
        let mut fields = Vec::with_capacity(1 + specifiers.len() / SPECIFIER_OCTETS);
        fields.extend(types(scopes).map(|(number, length)| scope_field(number, length)));
        if fields.is_empty() {
            fields.push(system);
        }
        let scopes = u16::try_from(fields.len()).map_err(|_| Malformed::Scope)?;
        fields.extend(types(options).map(|(number, length)| field(number, length)));
        Ok(Template { id, scopes, fields: fields.into_boxed_slice() })
    }
}

/// Scope types (section 6.1).
pub mod scope {
    /// The exporter as a whole.
    pub const SYSTEM: u16 = 1;
    /// An interface.
    pub const INTERFACE: u16 = 2;
    /// A line card.
    pub const LINE_CARD: u16 = 3;
    /// A cache.
    pub const CACHE: u16 = 4;
    /// A template.
    pub const TEMPLATE: u16 = 5;
}

/// Types and lengths.
fn types(specifiers: &[u8]) -> impl Iterator<Item = (u16, u16)> {
    let (whole, _) = specifiers.as_chunks();
    whole
        .iter()
        .map(|&[t0, t1, l0, l1]| (u16::from_be_bytes([t0, t1]), u16::from_be_bytes([l0, l1])))
}

fn field(number: u16, length: u16) -> Field {
    match number {
        0 => Field { pen: 0, id: PADDING_OCTETS, length },
        _ if number >= 1 << 15 || by_number(NETFLOW9_PEN, number).is_some() => {
            Field { pen: NETFLOW9_PEN, id: number, length }
        }
        id => Field { pen: 0, id, length },
    }
}

fn scope_field(number: u16, length: u16) -> Field {
    match number {
        id @ 0..=scope::TEMPLATE => Field { pen: NETFLOW9_SCOPE_PEN, id, length },
        _ => field(number, length),
    }
}

/// Writes one packet behind what a vector holds already; lengths are filled in at the ends, and
/// `FlowSets` are padded to four octets.
#[derive(Debug)]
pub struct PacketWriter<'a> {
    sets: SetsWriter<'a>,
}

impl<'a> PacketWriter<'a> {
    /// Begins a packet. The header's count is written as [`Self::finish`] tells it, not as here.
    pub fn begin(out: &'a mut Vec<u8>, header: &Header) -> Self {
        let sets = SetsWriter::new(out);
        sets.out.extend_from_slice(&VERSION.to_be_bytes());
        sets.out.extend_from_slice(&[0; 2]);
        for field in [header.uptime_ms, header.unix_s, header.sequence, header.source_id] {
            sets.out.extend_from_slice(&field.to_be_bytes());
        }
        Self { sets }
    }

    /// Begins a `FlowSet`, and ends the one before without padding.
    pub fn begin_set(&mut self, id: u16) {
        self.sets.begin(id);
    }

    /// Where the records of the `FlowSet` that is open go: at the end, nowhere else.
    pub const fn octets(&mut self) -> &mut Vec<u8> {
        self.sets.out
    }

    /// Ends the `FlowSet` that is open, without padding.
    pub fn end_set(&mut self) {
        self.sets.end();
    }

    /// Ends the `FlowSet` that is open at a multiple of four octets (section 5.3), unless a
    /// receiver could take the padding for a record because the shortest has as few octets. For
    /// templates that is 4.
    pub fn end_set_padded(&mut self, least_record_octets: usize) {
        self.sets.end_padded(least_record_octets);
    }

    /// Octets of the packet so far.
    pub const fn len(&self) -> usize {
        self.sets.octets()
    }

    /// Whether it has no `FlowSet` yet.
    pub const fn is_empty(&self) -> bool {
        self.len() <= HEADER_OCTETS
    }

    /// Octets that can still be added if the packet may have so many. A further `FlowSet` takes
    /// four of them for its header.
    pub const fn room(&self, limit_octets: usize) -> usize {
        limit_octets.saturating_sub(self.len())
    }

    /// Ends the packet and tells its octets. `count` is that of its records, templates of both
    /// kinds included. A packet too long is taken away again.
    pub fn finish(mut self, count: u16) -> Result<usize, Unwritable> {
        self.sets.put_u16_of_message(2, count.into());
        self.sets.finish()
    }
}

/// Writes a template record, or an options template record if the template has a scope (sections
/// 5.2 and 6.1), for the `FlowSet` of its kind. Nothing is written of one that cannot be.
pub fn write_template(out: &mut Vec<u8>, template: &Template) -> Result<(), Unwritable> {
    let count = template.field_count()?;
    let nameable = |field: &Field| matches!(field.pen, 0 | NETFLOW9_PEN | NETFLOW9_SCOPE_PEN);
    if !template.fields.iter().all(nameable) {
        return Err(Unwritable::Element);
    }
    let octets = |fields: u16| fields.checked_mul(4).ok_or(Unwritable::TooLong);
    let head = if template.is_options() {
        let (scope, options) = (octets(template.scopes)?, octets(count - template.scopes)?);
        [Some(template.id), Some(scope), Some(options)]
    } else {
        [Some(template.id), Some(count), None]
    };
    for number in head.into_iter().flatten() {
        out.extend_from_slice(&number.to_be_bytes());
    }
    for field in &template.fields {
        out.extend_from_slice(&field.id.to_be_bytes());
        out.extend_from_slice(&field.length.to_be_bytes());
    }
    Ok(())
}

/// IANA's element for octets without meaning.
const PADDING_OCTETS: u16 = 210;
/// A field's type and length.
const SPECIFIER_OCTETS: usize = 4;

#[cfg(test)]
mod tests;
