// SPDX-License-Identifier: Apache-2.0
//! Options records: what an exporter says of itself, value by value, and as rows of their own.
//!
//! What the values mean for sampling is `memory`'s business.

use arrow_array::RecordBatch;
use penstock_codec::{Malformed, NETFLOW9_SCOPE_PEN, Template, records};
use penstock_record::{BatchBuilder, Column, column};

use super::buffer::Extras;
use super::drain::{elements, elements_of_rows};
use super::{Exporters, Message, SourceKind};

/// One field of an options record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Value<'a> {
    /// Private enterprise number, or what stands for one.
    pub pen: u32,
    /// Number of the element.
    pub id: u16,
    /// As it was sent, without the prefix of a variable length.
    pub octets: &'a [u8],
}

/// An options record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct OptionsRecord<'a> {
    /// How many of the values, from the first, say what the others are about.
    pub scopes: usize,
    /// Its values in the template's order, but for padding.
    pub values: Vec<Value<'a>>,
}

/// Reads the records of a set of options, without its header. An error is the last item.
pub(crate) fn options<'a>(
    template: &'a Template,
    set: &'a [u8],
) -> impl Iterator<Item = Result<OptionsRecord<'a>, Malformed>> {
    records(template, set).map(|record| {
        let record = record?;
        let mut scopes = 0;
        let mut values = Vec::with_capacity(template.fields.len());
        for (place, (field, octets)) in record.values().enumerate() {
            // Fields without octets would make much of little; only version 9 says the system so.
            let system = place == 0 && field.pen == NETFLOW9_SCOPE_PEN;
            if (field.pen, field.id) == (0, PADDING) || field.length == 0 && !system {
                continue;
            }
            scopes += usize::from(place < usize::from(template.scopes));
            values.push(Value { pen: field.pen, id: field.id, octets });
        }
        Ok(OptionsRecord { scopes, values })
    })
}

/// Options records that wait to become a batch.
#[derive(Debug, Default)]
pub(crate) struct OptionsRows {
    rows: Vec<Row>,
    scope: Extras,
    values: Extras,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    exporter: u32,
    received_ns: i64,
    template_id: u16,
}

impl OptionsRows {
    /// Adds a record of this template.
    pub(crate) fn push(&mut self, record: &OptionsRecord<'_>, template_id: u16, message: &Message) {
        let Message { exporter, received_ns, .. } = *message;
        self.rows.push(Row { exporter, received_ns, template_id });
        for (place, value) in record.values.iter().enumerate() {
            let column = if place < record.scopes { &mut self.scope } else { &mut self.values };
            column.push(value.pen, value.id, value.octets);
        }
        self.scope.end_row();
        self.values.end_row();
    }

    /// How many records wait.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether so many records wait, or they hold so much, that it is time to drain.
    pub(crate) fn is_full(&self, rows: usize) -> bool {
        let octets = self.scope.values.octets.len() + self.values.values.octets.len();
        self.rows.len() >= rows || octets >= MOST_OCTETS
    }

    /// Everything that waits as a batch of options; nothing if nothing does.
    pub(crate) fn drain(&mut self, exporters: &dyn Exporters) -> Option<RecordBatch> {
        let Self { rows, scope, values } = std::mem::take(self);
        if rows.is_empty() {
            return None;
        }
        let mut batch = BatchBuilder::new(rows.len());
        let identities: Vec<_> = rows.iter().map(|row| exporters.identity(row.exporter)).collect();
        let received_ns = rows.iter().map(|row| row.received_ns);
        batch.timestamps(column::options::TIME_RECEIVED, None, received_ns);
        let kinds = identities.iter().map(|identity| identity.kind as u8);
        let words = SourceKind::ALL.map(SourceKind::name);
        batch.dictionary(column::options::SOURCE_KIND, None, &words, kinds);
        let addr = identities.iter().map(|identity| identity.addr);
        batch.ip(column::options::EXPORTER_ADDR, None, addr);
        let port = identities.iter().map(|identity| identity.port);
        batch.u16(column::options::EXPORTER_PORT, None, port);
        let domain = identities.iter().map(|identity| identity.domain);
        batch.u32(column::options::OBSERVATION_DOMAIN, None, domain);
        let template_id = rows.iter().map(|row| row.template_id);
        batch.u16(column::options::TEMPLATE_ID, None, template_id);
        push_elements(column::options::SCOPE, scope, &mut batch);
        push_elements(column::options::VALUES, values, &mut batch);
        Some(batch.finish())
    }
}

fn push_elements(column: Column, extras: Extras, batch: &mut BatchBuilder) {
    let Extras { pens, ids, values, ends } = extras;
    let elements = elements(pens, ids, &values.octets, &values.ends);
    batch.array(column, elements_of_rows(column, elements, &ends));
}

const PADDING: u16 = 210;
const MOST_OCTETS: usize = 64 << 20;
