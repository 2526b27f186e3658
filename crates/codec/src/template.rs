// SPDX-License-Identifier: Apache-2.0
//! What a template says, whichever protocol it came by.

use crate::{Malformed, Unwritable};

/// Length of a field that says in each record how long it is.
pub const VARIABLE: u16 = u16::MAX;

/// Stands where an enterprise number would, for the scope types of `NetFlow` version 9, which are
/// a number space of their own (RFC 3954 section 6.1). No enterprise has it.
pub const NETFLOW9_SCOPE_PEN: u32 = u32::MAX - 1;

/// One field of a template.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Field {
    /// Private enterprise number; 0 is IANA.
    pub pen: u32,
    /// Number of the element, without the enterprise bit.
    pub id: u16,
    /// Octets in a record, or [`VARIABLE`].
    pub length: u16,
}

/// The layout of records.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Template {
    /// What data sets call it: 256 and above.
    pub id: u16,
    /// How many of the fields, from the first, are the scope; 0 in a template of flows.
    pub scopes: u16,
    /// Its fields, in the order of a record.
    pub fields: Box<[Field]>,
}

/// What a set of templates says of one of them.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Definition {
    /// Data sets of its number are records of this layout from now on.
    Define(Template),
    /// The template of this number holds no longer (RFC 7011 section 8.1).
    Withdraw(u16),
    /// None of the session's templates holds any longer, of flows or of options according to the
    /// set that says it.
    WithdrawAll,
}

impl Template {
    /// Whether it describes options.
    pub const fn is_options(&self) -> bool {
        self.scopes > 0
    }

    /// Octets of the shortest record: a field of variable length has one at least.
    pub fn least_octets(&self) -> usize {
        self.fields.iter().map(|field| field.least_octets()).sum()
    }

    /// Octets of every record, if all its fields are of fixed length.
    pub fn fixed_octets(&self) -> Option<usize> {
        let fixed = self.fields.iter().all(|field| field.length != VARIABLE);
        fixed.then(|| self.least_octets())
    }

    /// The template, if sets of it can be.
    pub(crate) fn checked(self) -> Result<Self, Malformed> {
        if self.id < LEAST_ID {
            return Err(Malformed::TemplateId);
        }
        if !(1..=MOST_RECORD_OCTETS).contains(&self.least_octets()) {
            return Err(Malformed::RecordLength);
        }
        Ok(self)
    }

    /// How many fields it has, if a template can have so many and the scope is among them.
    pub(crate) fn field_count(&self) -> Result<u16, Unwritable> {
        let count = u16::try_from(self.fields.len()).map_err(|_| Unwritable::Template)?;
        if count == 0 || self.id < LEAST_ID {
            return Err(Unwritable::Template);
        }
        if self.scopes > count { Err(Unwritable::Scope) } else { Ok(count) }
    }
}

impl Field {
    fn least_octets(self) -> usize {
        if self.length == VARIABLE { 1 } else { usize::from(self.length) }
    }
}

/// Templates have the numbers that no other kind of set has.
pub(crate) const LEAST_ID: u16 = 256;
/// What the longest message has left behind its header and a set's.
const MOST_RECORD_OCTETS: usize = 65_515;

#[cfg(test)]
mod tests {
    use super::*;

    fn template(lengths: &[u16]) -> Template {
        let field = |&length| Field { pen: 0, id: 82, length };
        Template { id: 256, scopes: 0, fields: lengths.iter().map(field).collect() }
    }

    #[test]
    fn a_record_is_of_one_octet_at_least_and_fits_a_message() {
        for lengths in [&[1][..], &[0, VARIABLE], &[65_515], &[65_514, VARIABLE]] {
            assert_eq!(template(lengths).checked(), Ok(template(lengths)));
        }
        for lengths in [&[][..], &[0, 0], &[65_515, 1], &[65_515, VARIABLE], &[65_534; 1000]] {
            assert_eq!(template(lengths).checked(), Err(Malformed::RecordLength));
        }
    }

    #[test]
    fn numbers_of_other_sets_are_no_templates() {
        let low = Template { id: 255, ..template(&[4]) };
        assert_eq!(low.field_count(), Err(Unwritable::Template));
        assert_eq!(low.checked(), Err(Malformed::TemplateId));
    }
}
