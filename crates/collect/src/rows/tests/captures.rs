// SPDX-License-Identifier: Apache-2.0
//! Captured exports, where `PENSTOCK_CAPTURES` says they are: everything sound in them decodes, and
//! no cut of them does harm.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use penstock_codec::netflow::{v5, v9};
use penstock_codec::{Definition, Malformed, Set, Template, ipfix};

use super::{Dialect, Message, One, Plan, Rows, message};
use crate::rows::{OptionsRows, options};

#[derive(Default)]
struct Session {
    templates: HashMap<u16, Arc<Template>>,
    rows: Rows,
    options: OptionsRows,
    records: u32,
    malformed: Vec<Malformed>,
}

impl Session {
    fn datagram(&mut self, datagram: &[u8]) -> Result<(), Malformed> {
        match datagram {
            [0, 5, ..] => {
                let packet = v5::Packet::read(datagram)?;
                let plan = Plan::compile(v5::template(), Dialect::NetFlow5);
                let decoded = self.rows.decode(&plan, packet.records, &message(), &|_| None);
                self.records += decoded.records;
            }
            [0, 9, ..] => {
                let packet = v9::Packet::read(datagram)?;
                for set in packet.sets() {
                    let set = set?;
                    if set.id <= v9::OPTIONS_TEMPLATE_SET {
                        v9::templates(&set).try_for_each(|it| it.map(|it| self.define(it)))?;
                    } else {
                        self.data(&set, Dialect::NetFlow9);
                    }
                }
            }
            _ => {
                let read = ipfix::Message::read(datagram)?;
                for set in read.sets() {
                    let set = set?;
                    if set.id <= ipfix::OPTIONS_TEMPLATE_SET {
                        ipfix::templates(&set).try_for_each(|it| it.map(|it| self.define(it)))?;
                    } else {
                        self.data(&set, Dialect::Ipfix);
                    }
                }
            }
        }
        Ok(())
    }

    fn define(&mut self, definition: Definition) {
        if let Definition::Define(template) = definition {
            self.templates.insert(template.id, Arc::new(template));
        }
    }

    fn data(&mut self, set: &Set<'_>, dialect: Dialect) {
        let message = Message { uptime_ms: (dialect != Dialect::Ipfix).then_some(1), ..message() };
        let Some(template) = self.templates.get(&set.id).cloned() else {
            return;
        };
        if template.is_options() {
            for record in options(&template, set.octets) {
                match record {
                    Ok(record) => self.options.push(&record, template.id, &message),
                    Err(malformed) => self.malformed.push(malformed),
                }
            }
            return;
        }
        let plan = Plan::compile(&template, dialect);
        let templates = &self.templates;
        let decoded =
            self.rows.decode(&plan, set.octets, &message, &|id| templates.get(&id).cloned());
        self.records += decoded.records;
        self.malformed.extend(decoded.malformed);
    }

    fn drain(&mut self) -> usize {
        self.options.drain(&One);
        self.rows.drain(&One).iter().map(RecordBatch::num_rows).sum()
    }
}

#[test]
fn every_captured_record_becomes_a_row_and_no_cut_does_harm() {
    let Some(files) = captures() else { return };
    let read = |path: &Path| std::fs::read(path).unwrap();
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut total = 0;
    for path in &files {
        let mut session = Session::default();
        // Templates that came in a datagram of their own are in a file beside it.
        let stem = name(path).split("_data").next().unwrap_or_default().to_owned();
        for beside in
            files.iter().filter(|it| name(it).starts_with(&stem) && name(it).contains("tpl"))
        {
            session.datagram(&read(beside)).unwrap();
        }
        let whole = session.datagram(&read(path));
        if !name(path).contains("invalid") {
            assert_eq!((whole, &session.malformed), (Ok(()), &vec![]), "{}", name(path));
        }
        let records = session.records as usize;
        assert_eq!(session.drain(), records);
        total += records;
        let datagram = read(path);
        for cut in 0..datagram.len() {
            session.datagram(&datagram[..cut]).ok();
        }
        session.drain();
    }
    assert_eq!(total, 374);
}

fn captures() -> Option<Vec<PathBuf>> {
    let folder = PathBuf::from(std::env::var_os("PENSTOCK_CAPTURES")?).join("exports");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    Some(files)
}
