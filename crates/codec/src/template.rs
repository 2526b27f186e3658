// SPDX-License-Identifier: Apache-2.0
//! What a template says, whichever protocol it came by.

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
}

impl Field {
    fn least_octets(self) -> usize {
        if self.length == VARIABLE { 1 } else { usize::from(self.length) }
    }
}
