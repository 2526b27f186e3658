// SPDX-License-Identifier: Apache-2.0
//! The records of a data set, or of a list in one, and their values, one by one.
//!
//! This is the plain way through a set. Whoever wants columns of many records compiles the template
//! once instead.

use std::iter::FusedIterator;
use std::mem;

use crate::value::{read_variable, read_variable_length};
use crate::{Field, Malformed, Template, VARIABLE};

/// The records of this template in a set's octets. What is too short for a record is padding.
/// A value that goes on behind the octets is an error, and the last item.
pub fn records<'t, 'a>(template: &'t Template, octets: &'a [u8]) -> Records<'t, 'a> {
    Records { template, rest: octets, least_octets: template.least_octets().max(1) }
}

/// See [`records`].
#[derive(Clone, Debug)]
pub struct Records<'t, 'a> {
    template: &'t Template,
    rest: &'a [u8],
    least_octets: usize,
}

/// One record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Record<'t, 'a> {
    template: &'t Template,
    octets: &'a [u8],
}

impl<'t, 'a> Record<'t, 'a> {
    /// All of it.
    pub const fn octets(&self) -> &'a [u8] {
        self.octets
    }

    /// Its values, one a field.
    pub fn values(&self) -> Values<'t, 'a> {
        Values { fields: self.template.fields.iter(), rest: self.octets }
    }
}

/// The values of a record beside their fields, without the prefixes of variable lengths.
#[derive(Clone, Debug)]
pub struct Values<'t, 'a> {
    fields: std::slice::Iter<'t, Field>,
    rest: &'a [u8],
}

impl<'t, 'a> Iterator for Records<'t, 'a> {
    type Item = Result<Record<'t, 'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = mem::take(&mut self.rest);
        if rest.len() < self.least_octets {
            return None;
        }
        let octets = match record_octets(self.template, rest) {
            // Of records without octets there would be no end.
            Ok(0) => return None,
            Ok(octets) => octets,
            Err(why) => return Some(Err(why)),
        };
        let Some((octets, rest)) = rest.split_at_checked(octets) else {
            return Some(Err(Malformed::ValueBeyondSet));
        };
        self.rest = rest;
        Some(Ok(Record { template: self.template, octets }))
    }
}

impl FusedIterator for Records<'_, '_> {}

impl<'t, 'a> Iterator for Values<'t, 'a> {
    type Item = (&'t Field, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let field = self.fields.next()?;
        // A record is only made of octets that hold all its values.
        let (value, rest) = match field.length {
            VARIABLE => read_variable(self.rest).ok()?,
            length => self.rest.split_at_checked(length.into())?,
        };
        self.rest = rest;
        Some((field, value))
    }
}

fn record_octets(template: &Template, octets: &[u8]) -> Result<usize, Malformed> {
    let mut at = 0;
    for field in &template.fields {
        at += match field.length {
            VARIABLE => {
                let rest = octets.get(at..).ok_or(Malformed::ValueBeyondSet)?;
                let (value, prefix) = read_variable_length(rest)?;
                value + prefix
            }
            length => length.into(),
        };
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(lengths: &[u16]) -> Template {
        let field = |&length| Field { pen: 0, id: 82, length };
        Template { id: 256, scopes: 0, fields: lengths.iter().map(field).collect() }
    }

    fn read(lengths: &[u16], octets: &[u8]) -> Vec<Result<Vec<Vec<u8>>, Malformed>> {
        let template = template(lengths);
        let records = records(&template, octets);
        let values = |record: Record<'_, '_>| record.values().map(|(_, v)| v.to_vec()).collect();
        records.map(|record| record.map(values)).collect()
    }

    #[test]
    fn padding_is_what_no_record_fits() {
        let records = [Ok(vec![vec![1], vec![2, 3]]), Ok(vec![vec![4], vec![5, 6]])];
        for padding in 0..3 {
            let octets = [&[1, 2, 3, 4, 5, 6][..], &vec![9; padding]].concat();
            assert_eq!(read(&[1, 2], &octets), records);
        }
    }

    #[test]
    fn each_record_has_lengths_of_its_own() {
        let octets = [2, 7, 8, 1, 255, 0, 1, 9, 2, 0, 3];
        let records =
            [Ok(vec![vec![7, 8], vec![1]]), Ok(vec![vec![9], vec![2]]), Ok(vec![vec![], vec![3]])];
        assert_eq!(read(&[VARIABLE, 1], &octets), records);
    }

    #[test]
    fn a_value_behind_the_end_is_an_error_behind_the_records_before() {
        let octets = [1, 7, 1, 9, 9];
        assert_eq!(
            read(&[VARIABLE, 1], &octets),
            [Ok(vec![vec![7], vec![1]]), Err(Malformed::ValueBeyondSet)]
        );
    }

    #[test]
    fn a_template_without_octets_has_no_records() {
        assert_eq!(read(&[], &[1, 2, 3]), []);
        assert_eq!(read(&[0, 0], &[1, 2, 3]), []);
    }
}
