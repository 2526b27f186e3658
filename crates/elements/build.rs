// SPDX-License-Identifier: Apache-2.0
//! Turns `registry/elements/*.csv` into sorted static tables.
//!
//! A row that does not fit stops the build and is named by file and line.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The enterprise number under which RFC 5103 reverses IANA's elements.
const REVERSE_PEN: u32 = 29305;

fn main() {
    let registry = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"))
        .join("../../registry/elements");
    println!("cargo::rerun-if-changed={}", registry.display());

    let mut elements = BTreeMap::new();
    let namespaces = rows(&registry, "namespaces", 3);
    for (at, row) in &namespaces {
        let pen: u32 = row[1].parse().unwrap_or_else(|_| panic!("{at}: {} is no PEN", row[1]));
        read_namespace(&registry, &row[0], pen, &mut elements);
    }
    let irreversible = read_irreversible(&registry, &elements);
    add_reversed(&irreversible, &mut elements);

    let mut code = write_elements(&elements);
    code.push_str(&write_names(&registry, &elements));
    code.push_str(&write_namespaces(&namespaces));
    let numbers: Vec<String> = irreversible.iter().map(u16::to_string).collect();
    writeln!(code, "static IRREVERSIBLE: &[u16] = &[{}];", numbers.join(", ")).expect("memory");
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it")).join("tables.rs");
    fs::write(&out, code).unwrap_or_else(|error| panic!("{}: {error}", out.display()));
}

struct Row {
    namespace: String,
    /// Without its namespace, as lookups spell it.
    key: String,
    name: String,
    data_type: &'static str,
    semantics: &'static str,
    units: String,
    status: &'static str,
}

type Elements = BTreeMap<(u32, u16), Row>;

/// The rows below the heading, each with its place in words.
fn rows(registry: &Path, file: &str, fields: usize) -> Vec<(String, Vec<String>)> {
    let path = registry.join(format!("{file}.csv"));
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut rows = Vec::new();
    for (number, line) in text.lines().enumerate().skip(1) {
        let at = format!("registry/elements/{file}.csv:{}", number + 1);
        let row: Vec<String> = line.split(',').map(|field| field.trim().to_owned()).collect();
        assert!(!line.contains('"'), "{at}: quoted fields are not read");
        assert!(row.len() == fields, "{at}: {} fields instead of {fields}", row.len());
        rows.push((at, row));
    }
    rows
}

fn read_namespace(registry: &Path, namespace: &str, pen: u32, elements: &mut Elements) {
    for (at, row) in rows(registry, namespace, 6) {
        let id: u16 = row[0].parse().unwrap_or_else(|_| panic!("{at}: {} is no id", row[0]));
        // The top bit of an IPFIX field specifier says that a PEN follows; version 9 has no such bit.
        assert!(pen == u32::MAX || id < 0x8000, "{at}: {id} does not fit 15 bits");
        let element = Row {
            namespace: namespace.to_owned(),
            key: row[1].clone(),
            name: row[1].clone(),
            data_type: data_type(&row[2]).unwrap_or_else(|| panic!("{at}: type {}", row[2])),
            semantics: semantics(&row[3]).unwrap_or_else(|| panic!("{at}: semantics {}", row[3])),
            units: row[4].clone(),
            status: status(&row[5]).unwrap_or_else(|| panic!("{at}: status {}", row[5])),
        };
        assert!(elements.insert((pen, id), element).is_none(), "{at}: {pen}/{id} is there twice");
    }
}

fn read_irreversible(registry: &Path, elements: &Elements) -> BTreeSet<u16> {
    let mut ids = BTreeSet::new();
    for (at, row) in rows(registry, "reverse", 3) {
        let id: u16 = row[0].parse().unwrap_or_else(|_| panic!("{at}: {} is no id", row[0]));
        let known = elements.get(&(0, id)).is_some_and(|element| element.name == row[1]);
        assert!(known, "{at}: {id} is not {}", row[1]);
        ids.insert(id);
    }
    ids
}

/// RFC 5103 section 6.1: the same id under another number, the name with `reverse` before it.
fn add_reversed(irreversible: &BTreeSet<u16>, elements: &mut Elements) {
    let mut reversed = Vec::new();
    for (&(_, id), element) in elements.range((0, 0)..=(0, u16::MAX)) {
        if irreversible.contains(&id) {
            continue;
        }
        let (first, rest) = element.name.split_at(1);
        let row = Row {
            namespace: "reverse".to_owned(),
            key: element.name.clone(),
            name: format!("reverse{}{rest}", first.to_uppercase()),
            units: element.units.clone(),
            ..*element
        };
        reversed.push(((REVERSE_PEN, id), row));
    }
    elements.extend(reversed);
}

fn write_elements(elements: &Elements) -> String {
    let mut code = String::from("static ELEMENTS: &[Element] = &[\n");
    for (&(pen, id), row) in elements {
        let Row { namespace, name, data_type, semantics, units, status, .. } = row;
        writeln!(
            code,
            "Element {{ namespace: {namespace:?}, pen: {}, id: {id}, name: {name:?}, \
             data_type: DataType::{data_type}, semantics: Semantics::{semantics}, \
             units: {units:?}, status: Status::{status} }},",
            pen_code(pen)
        )
        .expect("memory");
    }
    code.push_str("];\n");
    code
}

/// Every spelling that is looked up, with the index of its element.
fn write_names(registry: &Path, elements: &Elements) -> String {
    let mut names = BTreeMap::new();
    for (index, row) in elements.values().enumerate() {
        let qualified = format!("{}:{}", row.namespace, row.key);
        let twice = names.insert(qualified.clone(), index);
        assert!(twice.is_none(), "{qualified} is there twice");
        if matches!(row.namespace.as_str(), "iana" | "reverse") {
            names.insert(row.name.clone(), index);
        }
    }
    for (at, row) in rows(registry, "aliases", 2) {
        let index = *names.get(&row[1]).unwrap_or_else(|| panic!("{at}: no element {}", row[1]));
        assert!(names.insert(row[0].clone(), index).is_none(), "{at}: {} is taken", row[0]);
    }
    let mut code = String::from("static NAMES: &[(&str, u16)] = &[\n");
    for (name, index) in names {
        writeln!(code, "({name:?}, {index}),").expect("memory");
    }
    code.push_str("];\n");
    code
}

fn write_namespaces(namespaces: &[(String, Vec<String>)]) -> String {
    let mut code = String::from("static NAMESPACES: &[(&str, u32, &str)] = &[\n");
    for (_, row) in namespaces {
        let pen = pen_code(row[1].parse().expect("read before"));
        writeln!(code, "({:?}, {pen}, {:?}),", row[0], row[2]).expect("memory");
    }
    code.push_str("];\n");
    code
}

fn pen_code(pen: u32) -> String {
    if pen == u32::MAX { "NETFLOW9_PEN".to_owned() } else { pen.to_string() }
}

fn data_type(word: &str) -> Option<&'static str> {
    Some(match word {
        "octetArray" => "OctetArray",
        "unsigned8" => "Unsigned8",
        "unsigned16" => "Unsigned16",
        "unsigned32" => "Unsigned32",
        "unsigned64" => "Unsigned64",
        "unsigned256" => "Unsigned256",
        "signed8" => "Signed8",
        "signed16" => "Signed16",
        "signed32" => "Signed32",
        "signed64" => "Signed64",
        "float32" => "Float32",
        "float64" => "Float64",
        "boolean" => "Boolean",
        "macAddress" => "MacAddress",
        "string" => "String",
        "dateTimeSeconds" => "DateTimeSeconds",
        "dateTimeMilliseconds" => "DateTimeMilliseconds",
        "dateTimeMicroseconds" => "DateTimeMicroseconds",
        "dateTimeNanoseconds" => "DateTimeNanoseconds",
        "ipv4Address" => "Ipv4Address",
        "ipv6Address" => "Ipv6Address",
        "basicList" => "BasicList",
        "subTemplateList" => "SubTemplateList",
        "subTemplateMultiList" => "SubTemplateMultiList",
        _ => return None,
    })
}

fn semantics(word: &str) -> Option<&'static str> {
    Some(match word {
        "" => "Unstated",
        "default" => "Default",
        "quantity" => "Quantity",
        "totalCounter" => "TotalCounter",
        "deltaCounter" => "DeltaCounter",
        "identifier" => "Identifier",
        "flags" => "Flags",
        "list" => "List",
        "snmpCounter" => "SnmpCounter",
        "snmpGauge" => "SnmpGauge",
        _ => return None,
    })
}

fn status(word: &str) -> Option<&'static str> {
    Some(match word {
        "" => "Unstated",
        "current" => "Current",
        "deprecated" => "Deprecated",
        _ => return None,
    })
}
