// SPDX-License-Identifier: Apache-2.0
//! Lists in records (RFC 6313): of one element, of one template's records, of several templates'.
//!
//! A list is the value of a field, without the prefix that says how long the value is. It may
//! hold further lists; how deep is for the caller to bound. Which template a number names is
//! asked elsewhere.

use std::iter::FusedIterator;
use std::mem;

use crate::ipfix::{ENTERPRISE_BIT, write_field};
use crate::template::LEAST_ID;
use crate::value::read_variable;
use crate::{Field, Malformed, Unwritable, VARIABLE};

/// How the members of a list relate to what is said by it (section 4.4).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Semantic {
    /// None of them holds.
    NoneOf,
    /// One of them holds, not known which.
    ExactlyOneOf,
    /// Some of them hold.
    OneOrMoreOf,
    /// All of them hold.
    AllOf,
    /// All of them hold, in this order.
    Ordered,
    /// Not said, or by a number without a meaning.
    #[default]
    Undefined,
}

impl Semantic {
    /// What an octet says.
    pub const fn of(octet: u8) -> Self {
        match octet {
            0 => Self::NoneOf,
            1 => Self::ExactlyOneOf,
            2 => Self::OneOrMoreOf,
            3 => Self::AllOf,
            4 => Self::Ordered,
            _ => Self::Undefined,
        }
    }

    /// The octet that says it.
    pub const fn octet(self) -> u8 {
        match self {
            Self::NoneOf => 0,
            Self::ExactlyOneOf => 1,
            Self::OneOrMoreOf => 2,
            Self::AllOf => 3,
            Self::Ordered => 4,
            Self::Undefined => 255,
        }
    }
}

/// Values of one element (section 4.5.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BasicList<'a> {
    /// How they relate.
    pub semantic: Semantic,
    /// What each is.
    pub field: Field,
    octets: &'a [u8],
}

impl<'a> BasicList<'a> {
    /// Reads the value of a basicList field.
    pub fn read(octets: &'a [u8]) -> Result<Self, Malformed> {
        let (&[semantic, id_high, id_low, high, low], rest) =
            octets.split_first_chunk().ok_or(Malformed::List)?;
        let id = u16::from_be_bytes([id_high, id_low]);
        let length = u16::from_be_bytes([high, low]);
        let (pen, octets) = if id & ENTERPRISE_BIT == 0 {
            (0, rest)
        } else {
            let (&pen, rest) = rest.split_first_chunk().ok_or(Malformed::List)?;
            (u32::from_be_bytes(pen), rest)
        };
        let field = Field { pen, id: id & !ENTERPRISE_BIT, length };
        Ok(Self { semantic: Semantic::of(semantic), field, octets })
    }

    /// Its values, without the prefixes of variable lengths. One that does not fit is an error,
    /// and the last item.
    pub const fn values(&self) -> BasicListValues<'a> {
        BasicListValues { length: self.field.length, rest: self.octets }
    }

    /// All values as they stand, with the prefixes of variable lengths.
    pub const fn octets(&self) -> &'a [u8] {
        self.octets
    }
}

/// See [`BasicList::values`].
#[derive(Clone, Debug)]
pub struct BasicListValues<'a> {
    length: u16,
    rest: &'a [u8],
}

impl<'a> Iterator for BasicListValues<'a> {
    type Item = Result<&'a [u8], Malformed>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let rest = mem::take(&mut self.rest);
        if rest.is_empty() {
            return None;
        }
        let split = match self.length {
            // There would be no end of them.
            0 => None,
            VARIABLE => read_variable(rest).ok(),
            length => rest.split_at_checked(length.into()),
        };
        let Some((value, rest)) = split else {
            return Some(Err(Malformed::List));
        };
        self.rest = rest;
        Some(Ok(value))
    }
}

impl FusedIterator for BasicListValues<'_> {}

/// Records of one template (section 4.5.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SubTemplateList<'a> {
    /// How they relate.
    pub semantic: Semantic,
    /// The records.
    pub records: SubTemplateRecords<'a>,
}

/// Records in a list, and the number of the template that they are of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SubTemplateRecords<'a> {
    /// Number of a template of the same session and observation domain.
    pub template_id: u16,
    /// The records, as [`records`](crate::records()) reads them.
    pub octets: &'a [u8],
}

impl<'a> SubTemplateRecords<'a> {
    /// Where nothing is of a template, its number does not matter.
    fn checked(template_id: u16, octets: &'a [u8]) -> Result<Self, Malformed> {
        let fine = template_id >= LEAST_ID || octets.is_empty();
        if fine { Ok(Self { template_id, octets }) } else { Err(Malformed::List) }
    }
}

impl<'a> SubTemplateList<'a> {
    /// Reads the value of a subTemplateList field.
    pub fn read(octets: &'a [u8]) -> Result<Self, Malformed> {
        let (&[semantic, high, low], rest) = octets.split_first_chunk().ok_or(Malformed::List)?;
        let records = SubTemplateRecords::checked(u16::from_be_bytes([high, low]), rest)?;
        Ok(Self { semantic: Semantic::of(semantic), records })
    }
}

/// Records of several templates (section 4.5.3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SubTemplateMultiList<'a> {
    /// How they relate.
    pub semantic: Semantic,
    octets: &'a [u8],
}

impl<'a> SubTemplateMultiList<'a> {
    /// Reads the value of a subTemplateMultiList field.
    pub fn read(octets: &'a [u8]) -> Result<Self, Malformed> {
        let (&semantic, octets) = octets.split_first().ok_or(Malformed::List)?;
        Ok(Self { semantic: Semantic::of(semantic), octets })
    }

    /// Its records, template by template. What does not fit is an error, and the last item.
    pub const fn parts(&self) -> SubTemplateMultiListParts<'a> {
        SubTemplateMultiListParts { rest: self.octets }
    }
}

/// See [`SubTemplateMultiList::parts`].
#[derive(Clone, Debug)]
pub struct SubTemplateMultiListParts<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for SubTemplateMultiListParts<'a> {
    type Item = Result<SubTemplateRecords<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = mem::take(&mut self.rest);
        if rest.is_empty() {
            return None;
        }
        Some(part(rest).map(|(records, rest)| {
            self.rest = rest;
            records
        }))
    }
}

impl FusedIterator for SubTemplateMultiListParts<'_> {}

/// A part's length counts the part's header, but 0 stands for an empty one, too.
fn part(octets: &[u8]) -> Result<(SubTemplateRecords<'_>, &[u8]), Malformed> {
    let (&[id_high, id_low, high, low], rest) =
        octets.split_first_chunk().ok_or(Malformed::List)?;
    let octets = match usize::from(u16::from_be_bytes([high, low])) {
        0 => 0,
        length => length.checked_sub(PART_HEADER_OCTETS).ok_or(Malformed::List)?,
    };
    let (octets, rest) = rest.split_at_checked(octets).ok_or(Malformed::List)?;
    let records = SubTemplateRecords::checked(u16::from_be_bytes([id_high, id_low]), octets)?;
    Ok((records, rest))
}

/// Writes what a basicList has before its values. The element's number must fit 15 bits.
pub fn write_basic_list(out: &mut Vec<u8>, semantic: Semantic, field: Field) {
    out.push(semantic.octet());
    write_field(out, field);
}

/// Octets that [`write_basic_list`] writes.
pub const fn basic_list_octets(field: Field) -> usize {
    if field.pen == 0 { 5 } else { 9 }
}

/// Writes what a subTemplateList has before its records.
pub fn write_sub_template_list(out: &mut Vec<u8>, semantic: Semantic, template_id: u16) {
    let [high, low] = template_id.to_be_bytes();
    out.extend_from_slice(&[semantic.octet(), high, low]);
}

/// Writes what a subTemplateMultiList has before its parts.
pub fn write_sub_template_multi_list(out: &mut Vec<u8>, semantic: Semantic) {
    out.push(semantic.octet());
}

/// Writes what a part of a subTemplateMultiList has before its records, of so many octets.
/// Nothing is written of a part that is too long.
pub fn write_part(
    out: &mut Vec<u8>,
    template_id: u16,
    records_octets: usize,
) -> Result<(), Unwritable> {
    let length = match records_octets {
        0 => 0,
        octets => octets.saturating_add(PART_HEADER_OCTETS),
    };
    let length = u16::try_from(length).map_err(|_| Unwritable::TooLong)?;
    out.extend_from_slice(&template_id.to_be_bytes());
    out.extend_from_slice(&length.to_be_bytes());
    Ok(())
}

/// Template id and length.
const PART_HEADER_OCTETS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{field, hex};

    fn values(octets: &str) -> Vec<Result<Vec<u8>, Malformed>> {
        let octets = hex(octets);
        let list = BasicList::read(&octets).unwrap();
        list.values().map(|value| value.map(<[u8]>::to_vec)).collect()
    }

    fn parts(octets: &str) -> Vec<Result<(u16, usize), Malformed>> {
        let octets = hex(octets);
        let list = SubTemplateMultiList::read(&octets).unwrap();
        list.parts().map(|part| part.map(|part| (part.template_id, part.octets.len()))).collect()
    }

    #[test]
    fn a_basic_list_is_read_and_written() {
        let octets = hex("03 000e 0004 00000001 00000004 00000008");
        let list = BasicList::read(&octets).unwrap();
        assert_eq!((list.semantic, list.field), (Semantic::AllOf, field(0, 14, 4)));
        let values: Vec<_> = list.values().map(Result::unwrap).collect();
        assert_eq!(values, [[0, 0, 0, 1], [0, 0, 0, 4], [0, 0, 0, 8]]);

        let mut out = vec![];
        write_basic_list(&mut out, Semantic::AllOf, field(0, 14, 4));
        assert_eq!(out.len(), basic_list_octets(list.field));
        out.extend(list.octets());
        assert_eq!(out, octets);
    }

    #[test]
    fn enterprises_have_lists_too() {
        let mut out = vec![];
        write_basic_list(&mut out, Semantic::Ordered, field(8057, 1013, VARIABLE));
        assert_eq!(out, hex("04 83f5 ffff 00001f79"));
        let list = BasicList::read(&out).unwrap();
        assert_eq!((list.semantic, list.field), (Semantic::Ordered, field(8057, 1013, VARIABLE)));
        assert_eq!(list.values().next(), None);
        assert_eq!(out.len(), basic_list_octets(list.field));
    }

    #[test]
    fn values_have_one_length_or_each_its_own() {
        assert_eq!(
            values("ff 0052 ffff 02 6162 00 ff0001 63"),
            [Ok(b"ab".to_vec()), Ok(vec![]), Ok(b"c".to_vec())]
        );
        assert_eq!(values("ff 0052 0003"), []);
        assert_eq!(values("ff 0052 0000"), []);
    }

    #[test]
    fn values_that_do_not_fit_end_the_list() {
        let fits = || Ok(vec![1, 2]);
        assert_eq!(values("ff 0007 0002 0102 01"), [fits(), Err(Malformed::List)]);
        assert_eq!(values("ff 0052 ffff 02 0102 02 01"), [fits(), Err(Malformed::List)]);
        assert_eq!(values("ff 0052 0000 01"), [Err(Malformed::List)]);
        for cut in ["", "03", "03 000e 00", "03 800e 0004 000000"] {
            assert_eq!(BasicList::read(&hex(cut)), Err(Malformed::List), "{cut}");
        }
    }

    #[test]
    fn a_list_of_one_template_is_read_and_written() {
        let mut out = vec![];
        write_sub_template_list(&mut out, Semantic::ExactlyOneOf, 300);
        out.extend([7, 8]);
        let list = SubTemplateList::read(&out).unwrap();
        let records = SubTemplateRecords { template_id: 300, octets: &[7, 8] };
        assert_eq!(list, SubTemplateList { semantic: Semantic::ExactlyOneOf, records });
        assert_eq!(out[..3], hex("01 012c"));
        assert!(SubTemplateList::read(&hex("ff 0000")).is_ok());
        assert_eq!(SubTemplateList::read(&hex("ff 00ff 07")), Err(Malformed::List));
        assert_eq!(SubTemplateList::read(&hex("ff 01")), Err(Malformed::List));
    }

    #[test]
    fn a_list_of_many_templates_is_read_and_written() {
        let mut out = vec![];
        write_sub_template_multi_list(&mut out, Semantic::AllOf);
        write_part(&mut out, 256, 3).unwrap();
        out.extend([1, 2, 3]);
        write_part(&mut out, 257, 0).unwrap();
        assert_eq!(out, hex("03 0100 0007 010203 0101 0000"));
        assert_eq!(write_part(&mut out, 257, 65_532), Err(Unwritable::TooLong));
        assert_eq!(parts("03 0100 0007 010203 0101 0000"), [Ok((256, 3)), Ok((257, 0))]);
        let list = SubTemplateMultiList::read(&out).unwrap();
        assert_eq!(list.semantic, Semantic::AllOf);
    }

    #[test]
    fn empty_parts_have_several_forms() {
        assert_eq!(parts("ff"), []);
        assert_eq!(parts("ff 0100 0000 0000 0004"), [Ok((256, 0)), Ok((0, 0))]);
        assert_eq!(SubTemplateMultiList::read(&[]), Err(Malformed::List));
    }

    #[test]
    fn parts_that_do_not_fit_end_the_list() {
        for bad in ["0100 0003 00", "0100 0006 01", "0100 00", "00ff 0005 01"] {
            let octets = format!("ff 0100 0005 09 {bad}");
            assert_eq!(parts(&octets), [Ok((256, 1)), Err(Malformed::List)], "{bad}");
        }
    }

    #[test]
    fn semantics_without_a_meaning_are_undefined() {
        for octet in 0..=255 {
            let semantic = Semantic::of(octet);
            assert_eq!(semantic.octet(), if octet < 5 { octet } else { 255 });
        }
    }
}
