// SPDX-License-Identifier: Apache-2.0
//! IPFIX messages (RFC 7011).
//!
//! ```text
//!   0         2        4             8                 12                   16 ..
//! +---------+--------+-------------+-----------------+--------------------+-- ... --+
//! | Version | Length | Export time | Sequence number | Observation domain | Sets    |
//! +---------+--------+-------------+-----------------+--------------------+-- ... --+
//!     10     of all
//! ```
//!
//! Here: the message, its sets, and templates both ways. Values are in [`value`](crate::value),
//! lists in [`list`](crate::list). The same messages, one behind the other, are a file of RFC 5655
//! and a stream of TCP.

use std::iter::FusedIterator;
use std::mem;

use crate::set::{SetsWriter, Tail, is_zero};
use crate::template::LEAST_ID;
use crate::value::LONG;
use crate::{Definition, Field, Malformed, NETFLOW9_SCOPE_PEN, Set, Sets, Template, Unwritable};

/// What a message begins with.
pub const VERSION: u16 = 10;
/// Set of templates of flows.
pub const TEMPLATE_SET: u16 = 2;
/// Set of options templates.
pub const OPTIONS_TEMPLATE_SET: u16 = 3;
/// The first number of sets of records; those between this and the templates' mean nothing yet.
pub const FIRST_DATA_SET: u16 = LEAST_ID;
/// Octets before the first set.
pub const HEADER_OCTETS: usize = 16;

/// The fields before the sets (section 3.1), without the version.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Header {
    /// Octets of the whole message.
    pub length: u16,
    /// Seconds since 1970 when it left the exporter.
    pub export_time_s: u32,
    /// Data records, options included, that the exporter sent in earlier messages of this domain
    /// and session, modulo 2^32.
    pub sequence: u32,
    /// Observation domain, or 0 if there is no single one.
    pub observation_domain: u32,
}

/// A message, its sets not yet looked at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Message<'a> {
    /// The fields before the sets.
    pub header: Header,
    octets: &'a [u8],
    sets: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads the message that the octets begin with; what may follow it is left to the caller. Of
    /// a message that is cut the sets that came can be read, see [`Self::missing`].
    pub fn read(octets: &'a [u8]) -> Result<Self, Malformed> {
        let (&version, _) = octets.split_first_chunk().ok_or(Malformed::HeaderCut)?;
        if u16::from_be_bytes(version) != VERSION {
            return Err(Malformed::Version);
        }
        let (header, _) = octets.split_first_chunk().ok_or(Malformed::HeaderCut)?;
        let header = Header::of(header);
        let octets = octets.get(..header.length.into()).unwrap_or(octets);
        // A message that says to be shorter than its header has no place for sets.
        let sets = octets.get(HEADER_OCTETS..).ok_or(Malformed::MessageLength)?;
        Ok(Self { header, octets, sets })
    }

    /// The message as it came, without what follows it.
    pub const fn octets(&self) -> &'a [u8] {
        self.octets
    }

    /// Octets that the header announces and that did not come; over UDP, the datagram was cut.
    pub fn missing(&self) -> usize {
        usize::from(self.header.length).saturating_sub(self.octets.len())
    }

    /// Its sets. Those of a cut message end with an error in any case.
    pub fn sets(&self) -> Sets<'a> {
        Sets::new(self.sets, if self.missing() > 0 { Tail::Missing } else { Tail::Whole })
    }
}

impl Header {
    fn of(octets: &[u8; HEADER_OCTETS]) -> Self {
        let &[_, _, l0, l1, t0, t1, t2, t3, s0, s1, s2, s3, d0, d1, d2, d3] = octets;
        Self {
            length: u16::from_be_bytes([l0, l1]),
            export_time_s: u32::from_be_bytes([t0, t1, t2, t3]),
            sequence: u32::from_be_bytes([s0, s1, s2, s3]),
            observation_domain: u32::from_be_bytes([d0, d1, d2, d3]),
        }
    }
}

/// What a set of templates says, by its number [`TEMPLATE_SET`] or [`OPTIONS_TEMPLATE_SET`]; of
/// any other set, nothing.
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
        let count = u16::from_be_bytes([high, low]);
        if (id, count) == (0, 0) && is_zero(rest) {
            return None;
        }
        if count == 0 {
            self.rest = body;
            return Some(match id {
                LEAST_ID.. => Ok(Definition::Withdraw(id)),
                _ if id == self.set => Ok(Definition::WithdrawAll),
                _ => Err(Malformed::TemplateId),
            });
        }
        let Some((scopes, specifiers)) = self.scopes(body) else {
            return Some(Err(Malformed::TemplateCut));
        };
        let Some((fields, rest)) = fields(count, specifiers) else {
            return Some(Err(Malformed::TemplateCut));
        };
        self.rest = rest;
        let options = self.set == OPTIONS_TEMPLATE_SET;
        if options && !(1..=count).contains(&scopes) {
            return Some(Err(Malformed::Scope));
        }
        Some(Template { id, scopes, fields }.checked().map(Definition::Define))
    }
}

impl FusedIterator for Templates<'_> {}

impl Templates<'_> {
    /// The scope field count, which only options templates have.
    fn scopes<'b>(&self, octets: &'b [u8]) -> Option<(u16, &'b [u8])> {
        if self.set == TEMPLATE_SET {
            return Some((0, octets));
        }
        let (&scopes, rest) = octets.split_first_chunk()?;
        Some((u16::from_be_bytes(scopes), rest))
    }
}

/// So many field specifiers (section 3.2), and what follows them.
fn fields(count: u16, octets: &[u8]) -> Option<(Box<[Field]>, &[u8])> {
    let count = usize::from(count);
    // No memory for what is only announced.
    if octets.len() / 4 < count {
        return None;
    }
    let mut fields = Vec::with_capacity(count);
    let mut rest = octets;
    for _ in 0..count {
        let (field, behind) = read_field(rest)?;
        fields.push(field);
        rest = behind;
    }
    Some((fields.into_boxed_slice(), rest))
}

/// One field specifier, and what follows it.
fn read_field(octets: &[u8]) -> Option<(Field, &[u8])> {
    let (&[id_high, id_low, high, low], rest) = octets.split_first_chunk()?;
    let (id, length) = (u16::from_be_bytes([id_high, id_low]), u16::from_be_bytes([high, low]));
    if id & ENTERPRISE_BIT == 0 {
        return Some((Field { pen: 0, id, length }, rest));
    }
    let (&pen, rest) = rest.split_first_chunk()?;
    Some((Field { pen: u32::from_be_bytes(pen), id: id & !ENTERPRISE_BIT, length }, rest))
}

/// Writes one message behind what a vector holds already; lengths are filled in at the ends.
///
/// ```
/// use penstock_codec::{Field, Template, ipfix};
///
/// let field = Field { pen: 0, id: 4, length: 1 };
/// let template = Template { id: 256, scopes: 0, fields: [field].into() };
/// let mut out = Vec::new();
/// let mut message = ipfix::MessageWriter::begin(&mut out, 1_700_000_000, 0, 1);
/// message.begin_set(ipfix::TEMPLATE_SET);
/// ipfix::write_template(message.octets(), &template)?;
/// message.begin_set(template.id);
/// message.octets().extend([6, 17]);
/// message.end_set();
/// assert_eq!(message.finish()?, 16 + 12 + 6);
/// # Ok::<_, penstock_codec::Unwritable>(())
/// ```
#[derive(Debug)]
pub struct MessageWriter<'a> {
    sets: SetsWriter<'a>,
}

impl<'a> MessageWriter<'a> {
    /// Begins a message that is sent at this time, in seconds since 1970, after `sequence` data
    /// records of the same domain and session.
    pub fn begin(
        out: &'a mut Vec<u8>,
        export_time_s: u32,
        sequence: u32,
        observation_domain: u32,
    ) -> Self {
        let sets = SetsWriter::new(out);
        sets.out.extend_from_slice(&VERSION.to_be_bytes());
        sets.out.extend_from_slice(&[0; 2]);
        for field in [export_time_s, sequence, observation_domain] {
            sets.out.extend_from_slice(&field.to_be_bytes());
        }
        Self { sets }
    }

    /// Begins a set, and ends the one before.
    pub fn begin_set(&mut self, id: u16) {
        self.sets.begin(id);
    }

    /// Where the records of the set that is open go: at the end, nowhere else.
    pub const fn octets(&mut self) -> &mut Vec<u8> {
        self.sets.out
    }

    /// Ends the set that is open, without padding.
    pub fn end_set(&mut self) {
        self.sets.end();
    }

    /// Ends the set that is open at a multiple of four octets, unless a receiver could take the
    /// padding for a record because the set's shortest has as few octets (section 3.3.1). For a
    /// set of templates that is 4.
    pub fn end_set_padded(&mut self, least_record_octets: usize) {
        self.sets.end_padded(least_record_octets);
    }

    /// Octets of the message so far.
    pub const fn len(&self) -> usize {
        self.sets.octets()
    }

    /// Whether it has no set yet.
    pub const fn is_empty(&self) -> bool {
        self.len() <= HEADER_OCTETS
    }

    /// Octets that can still be added if the message may have so many. A further set takes four of
    /// them for its header.
    pub const fn room(&self, limit_octets: usize) -> usize {
        limit_octets.saturating_sub(self.len())
    }

    /// Ends the message and tells its octets. One too long is taken away again.
    pub fn finish(mut self) -> Result<usize, Unwritable> {
        self.sets.end();
        let octets = self.sets.octets();
        self.sets.put_u16_of_message(2, octets);
        self.sets.finish()
    }
}

/// Writes a template record, or an options template record if the template has a scope (sections
/// 3.4.1 and 3.4.2), for the set of its kind. Nothing is written of one that cannot be.
pub fn write_template(out: &mut Vec<u8>, template: &Template) -> Result<(), Unwritable> {
    let count = template.field_count()?;
    let nameable =
        |field: &Field| field.id & ENTERPRISE_BIT == 0 && field.pen != NETFLOW9_SCOPE_PEN;
    if !template.fields.iter().all(nameable) {
        return Err(Unwritable::Element);
    }
    out.extend_from_slice(&template.id.to_be_bytes());
    out.extend_from_slice(&count.to_be_bytes());
    if template.is_options() {
        out.extend_from_slice(&template.scopes.to_be_bytes());
    }
    for field in &template.fields {
        write_field(out, *field);
    }
    Ok(())
}

/// Octets that [`write_template`] adds for this template.
pub fn template_octets(template: &Template) -> usize {
    let octets = |field: &Field| if field.pen == 0 { 4 } else { 8 };
    let scopes = if template.is_options() { 2 } else { 0 };
    4 + scopes + template.fields.iter().map(octets).sum::<usize>()
}

/// Writes that the template of this number holds no longer (section 8.1), for the set of its
/// kind. The number [`TEMPLATE_SET`] or [`OPTIONS_TEMPLATE_SET`] means all templates of the kind.
/// Never to be sent over UDP.
pub fn write_withdrawal(out: &mut Vec<u8>, id: u16) {
    out.extend_from_slice(&id.to_be_bytes());
    out.extend_from_slice(&[0; 2]);
}

/// Writes the prefix of a value of variable length (section 7), as short as it can be.
#[inline]
pub fn write_variable_length(out: &mut Vec<u8>, octets: u16) {
    match u8::try_from(octets) {
        Ok(short) if short != LONG => out.push(short),
        _ => {
            let [high, low] = octets.to_be_bytes();
            out.extend_from_slice(&[LONG, high, low]);
        }
    }
}

/// Begins a value whose length is not known yet: the prefix has its long form, and
/// [`end_variable`], told what this returns, fills it in.
pub fn begin_variable(out: &mut Vec<u8>) -> usize {
    out.extend_from_slice(&[LONG, 0, 0]);
    out.len()
}

/// Ends the value that [`begin_variable`] began there. One too long is taken away again, its
/// prefix remaining with length 0.
pub fn end_variable(out: &mut Vec<u8>, began_at: usize) -> Result<(), Unwritable> {
    let octets = out.len().saturating_sub(began_at);
    let Ok(length) = u16::try_from(octets) else {
        out.truncate(began_at);
        return Err(Unwritable::TooLong);
    };
    let place = began_at.checked_sub(2).and_then(|at| out.get_mut(at..));
    if let Some(place) = place.and_then(<[u8]>::first_chunk_mut) {
        *place = length.to_be_bytes();
    }
    Ok(())
}

pub(crate) fn write_field(out: &mut Vec<u8>, field: Field) {
    let bit = if field.pen == 0 { 0 } else { ENTERPRISE_BIT };
    out.extend_from_slice(&(field.id | bit).to_be_bytes());
    out.extend_from_slice(&field.length.to_be_bytes());
    if field.pen != 0 {
        out.extend_from_slice(&field.pen.to_be_bytes());
    }
}

/// Says in a field's number that an enterprise's number follows its length.
pub(crate) const ENTERPRISE_BIT: u16 = 1 << 15;

#[cfg(test)]
mod tests;
