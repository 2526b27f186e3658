// SPDX-License-Identifier: Apache-2.0
//! The message that says what the others mean: templates, and options about sampling and interfaces.

use penstock_codec::netflow::v9;
use penstock_codec::{Field, NETFLOW9_SCOPE_PEN, Template, Unwritable, ipfix};

use crate::field::SAMPLER;
use crate::layout::Layout;
use crate::message::{FITS, Head, Writer};
use crate::pool::INTERFACES;
use crate::settings::{Protocol, SamplingSaid};

/// How many records of which kind a message of templates has.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Said {
    pub templates: u32,
    pub options: u32,
}

/// The way that `Usual` stands for, which is never `Usual`.
pub(crate) const fn way(protocol: Protocol, said: SamplingSaid) -> SamplingSaid {
    match (protocol, said) {
        (Protocol::Ipfix, SamplingSaid::Usual) => SamplingSaid::Selector,
        (_, SamplingSaid::Usual) => SamplingSaid::Interval,
        (_, way) => way,
    }
}

/// Appends templates of these layouts, options templates and the options themselves.
///
/// # Panics
///
/// If the message is longer than any can be: no setting makes it so.
pub(crate) fn append(
    out: &mut Vec<u8>,
    head: &Head,
    layouts: [&Layout; 2],
    said: SamplingSaid,
    more_templates: u32,
) -> Said {
    let tables = tables(head, said);
    let (template_set, options_template_set) = match head.protocol {
        Protocol::Ipfix => (ipfix::TEMPLATE_SET, ipfix::OPTIONS_TEMPLATE_SET),
        _ => (v9::TEMPLATE_SET, v9::OPTIONS_TEMPLATE_SET),
    };
    let write_template = match head.protocol {
        Protocol::Ipfix => ipfix::write_template,
        _ => v9::write_template,
    };
    let mut message = Writer::begin(out, head);
    let mut write = || -> Result<Said, Unwritable> {
        message.begin_set(template_set);
        for layout in layouts {
            write_template(message.octets(), &layout.template)?;
        }
        for id in (UNUSED_TEMPLATE..).take(more_templates as usize) {
            let template = Template { id, ..layouts[0].template.clone() };
            write_template(message.octets(), &template)?;
        }
        message.end_set(LEAST_TEMPLATE_OCTETS);
        let mut said = Said { templates: 2 + more_templates, options: 0 };
        // As routers do it: some collectors read one options template a set.
        for table in &tables {
            message.begin_set(options_template_set);
            write_template(message.octets(), &table.template)?;
            message.end_set(LEAST_TEMPLATE_OCTETS);
            message.begin_set(table.template.id);
            message.octets().extend_from_slice(&table.records);
            message.end_set(table.template.least_octets());
            said.templates += 1;
            said.options += table.count;
        }
        Ok(said)
    };
    let said = write().expect("templates are of elements that both protocols have");
    message.finish((said.templates + said.options).into()).expect(FITS);
    said
}

/// One options template and its records.
struct Table {
    template: Template,
    count: u32,
    records: Vec<u8>,
}

fn tables(head: &Head, said: SamplingSaid) -> Vec<Table> {
    let sampling = if head.sampling == 0 { None } else { sampling(head, said) };
    sampling.into_iter().chain([interfaces(head.protocol)]).collect()
}

fn sampling(head: &Head, said: SamplingSaid) -> Option<Table> {
    let rate = head.sampling.to_be_bytes();
    let spacing = (head.sampling - 1).to_be_bytes();
    let field = |(id, length)| Field { pen: 0, id, length };
    // What the whole exporter does: observationDomainId, or the scope System.
    let whole = match head.protocol {
        Protocol::Ipfix => (field((149, 4)), head.domain.to_be_bytes()),
        _ => (scope(v9::scope::SYSTEM), [0; 4]),
    };
    let selector = (field((302, 4)), u32::from(SAMPLER).to_be_bytes());
    let way = way(head.protocol, said);
    let (fields, values): (&[(u16, u16)], _) = match way {
        SamplingSaid::Record => return None,
        // samplingInterval, samplingAlgorithm: every so many packets.
        SamplingSaid::Usual | SamplingSaid::Interval => {
            (&[(34, 4), (35, 1)], [&rate[..], &[1]].concat())
        }
        // samplerId, samplerMode: at random, samplerRandomInterval.
        SamplingSaid::Sampler => {
            (&[(48, 1), (49, 1), (50, 4)], [&[SAMPLER, 2], &rate[..]].concat())
        }
        // selectorAlgorithm: every so many packets, samplingPacketInterval, samplingPacketSpace.
        SamplingSaid::Selector => {
            (&[(304, 2), (305, 4), (306, 4)], [&[0, 1, 0, 0, 0, 1], &spacing[..]].concat())
        }
    };
    // What is about a selector has it for its scope in IPFIX; version 9 has no such scope.
    let head = match (way, head.protocol) {
        (SamplingSaid::Selector, Protocol::Ipfix) => vec![selector],
        (SamplingSaid::Selector, _) => vec![whole, selector],
        _ => vec![whole],
    };
    let template = Template {
        id: SAMPLING_TEMPLATE,
        scopes: 1,
        fields: head
            .iter()
            .map(|&(field, _)| field)
            .chain(fields.iter().copied().map(field))
            .collect(),
    };
    let records = head.into_iter().flat_map(|(_, value)| value).chain(values).collect();
    Some(Table { template, count: 1, records })
}

/// interfaceName and interfaceDescription of each.
fn interfaces(protocol: Protocol) -> Table {
    let scope = match protocol {
        Protocol::Ipfix => Field { pen: 0, id: 10, length: 4 },
        _ => scope(v9::scope::INTERFACE),
    };
    let [name, description] = [(82, NAME_OCTETS), (83, DESCRIPTION_OCTETS)]
        .map(|(id, octets)| Field { pen: 0, id, length: octets });
    let mut records = Vec::new();
    for interface in 1..=INTERFACES {
        records.extend_from_slice(&interface.to_be_bytes());
        put_text(&mut records, &format!("eth{interface}"), NAME_OCTETS);
        let of = if interface == 1 { "uplink" } else { "customers" };
        put_text(&mut records, &format!("{of} {interface}"), DESCRIPTION_OCTETS);
    }
    let fields = [scope, name, description].into();
    let template = Template { id: INTERFACE_TEMPLATE, scopes: 1, fields };
    Table { template, count: INTERFACES, records }
}

const fn scope(kind: u16) -> Field {
    Field { pen: NETFLOW9_SCOPE_PEN, id: kind, length: 4 }
}

/// Texts of fixed length end with zeroes.
fn put_text(out: &mut Vec<u8>, text: &str, octets: u16) {
    let end = out.len() + usize::from(octets);
    out.extend_from_slice(text.as_bytes());
    out.resize(end, 0);
}

/// Numbers of the options templates.
const SAMPLING_TEMPLATE: u16 = 258;
const INTERFACE_TEMPLATE: u16 = 259;
/// The first of the templates that are only there to be remembered.
const UNUSED_TEMPLATE: u16 = 300;

const NAME_OCTETS: u16 = 8;
const DESCRIPTION_OCTETS: u16 = 24;
const LEAST_TEMPLATE_OCTETS: usize = 4;
