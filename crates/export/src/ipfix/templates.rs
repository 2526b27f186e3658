// SPDX-License-Identifier: Apache-2.0
//! The templates of a session: their numbers, and which of them the other side has.

use std::collections::HashMap;

use penstock_codec::ipfix::{template_octets, write_template};
use penstock_codec::{Field, Template};

use super::options::Report;

/// All templates that were ever used.
pub(super) struct Templates {
    known: Vec<Known>,
    by_fields: HashMap<Box<[Field]>, usize>,
    reports: HashMap<Report, usize>,
    first_id: u16,
}

struct Known {
    template: Template,
    /// Whether the other side was told in this session, and has been reminded.
    announced: bool,
    /// When records of it last went out, in nanoseconds since 1970.
    used_ns: i64,
}

/// More would not be a template for many records, but a record's own.
const MOST_TEMPLATES: usize = 4_096;
/// So long after its last record a template is still sent again.
const IDLE_NS: i64 = 600_000_000_000;

impl Templates {
    pub fn new(first_id: u16) -> Self {
        Self {
            known: Vec::new(),
            by_fields: HashMap::new(),
            reports: HashMap::new(),
            first_id: first_id.max(256),
        }
    }

    /// The template of flows with these fields; a new one gets the next number. None if there are
    /// too many, or the numbers end.
    pub fn of_fields(&mut self, fields: &[Field]) -> Option<usize> {
        if let Some(known) = self.by_fields.get(fields) {
            return Some(*known);
        }
        let fields: Box<[Field]> = fields.into();
        let known = self.push(Template { id: 0, scopes: 0, fields: fields.clone() })?;
        self.by_fields.insert(fields, known);
        Some(known)
    }

    /// The template of this kind of report.
    pub fn of_report(&mut self, report: Report) -> Option<usize> {
        if let Some(known) = self.reports.get(&report) {
            return Some(*known);
        }
        let known = self.push(report.template(0))?;
        self.reports.insert(report, known);
        Some(known)
    }

    pub fn get(&self, known: usize) -> &Template {
        &self.known[known].template
    }

    /// Octets of the template where it is sent.
    pub fn octets(&self, known: usize) -> usize {
        template_octets(&self.known[known].template)
    }

    /// Takes note that records of it go out; tells whether it has to be sent before.
    pub fn announce(&mut self, known: usize, now_ns: i64) -> bool {
        let known = &mut self.known[known];
        known.used_ns = now_ns;
        !std::mem::replace(&mut known.announced, true)
    }

    /// Every template that is to be sent again. One that has long been of no use is left out, and
    /// sent before its next record instead.
    pub fn refreshed(&mut self, now_ns: i64) -> Vec<usize> {
        for known in &mut self.known {
            known.announced &= now_ns.saturating_sub(known.used_ns) <= IDLE_NS;
        }
        (0..self.known.len()).filter(|known| self.known[*known].announced).collect()
    }

    /// A session in which nothing was told yet.
    pub fn restart(&mut self) {
        for known in &mut self.known {
            known.announced = false;
        }
    }

    /// The template as it stands in its set.
    pub fn write(&self, known: usize) -> Vec<u8> {
        let mut out = Vec::new();
        // Numbers and fields were looked at when they came: there is nothing to refuse.
        let _ = write_template(&mut out, self.get(known));
        out
    }

    fn push(&mut self, mut template: Template) -> Option<usize> {
        if self.known.len() >= MOST_TEMPLATES {
            return None;
        }
        let number = u16::try_from(self.known.len()).ok()?;
        template.id = self.first_id.checked_add(number)?;
        self.known.push(Known { template, announced: false, used_ns: 0 });
        Some(self.known.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(id: u16) -> [Field; 1] {
        [Field { pen: 0, id, length: 4 }]
    }

    #[test]
    fn the_same_fields_have_the_same_number() {
        let mut templates = Templates::new(256);
        let ids = [8, 12, 8].map(|id| {
            let known = templates.of_fields(&fields(id)).unwrap();
            templates.get(known).id
        });
        assert_eq!(ids, [256, 257, 256]);
        let report = templates.of_report(Report::Statistics).unwrap();
        assert_eq!(templates.get(report).id, 258);
    }

    #[test]
    fn a_template_is_sent_before_its_first_record_and_again_while_it_is_used() {
        let mut templates = Templates::new(256);
        let known = templates.of_fields(&fields(8)).unwrap();
        assert!(templates.announce(known, 7));
        assert!(!templates.announce(known, 8));
        assert_eq!(templates.refreshed(8 + IDLE_NS), [known]);
        assert!(templates.refreshed(9 + IDLE_NS).is_empty());
        assert!(templates.announce(known, 9));
        templates.restart();
        assert!(templates.announce(known, 9));
    }

    #[test]
    fn numbers_end() {
        let mut templates = Templates::new(65_534);
        let numbers = [1, 2, 3].map(|id| templates.of_fields(&fields(id)).is_some());
        assert_eq!(numbers, [true, true, false]);
    }
}
