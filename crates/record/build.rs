// SPDX-License-Identifier: Apache-2.0
//! Turns `registry/schema.toml` into the column constants and their table.
//!
//! A row that contradicts another, or names an element, group or column that does
//! not exist, stops the build and is named.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Schema {
    group: Vec<Group>,
    flows: Vec<Row>,
    loss: Vec<Row>,
    options: Vec<Row>,
    interface_counters: Vec<Row>,
    drops: Vec<Row>,
}

/// The columns of one kind of batch.
struct Table<'a> {
    /// As `BatchKind` calls it.
    kind: &'static str,
    /// The module of its constants; flows have theirs in `column` itself.
    module: Option<(&'static str, &'static str)>,
    rows: &'a [Row],
    /// Place of its first column among those of all kinds.
    first: usize,
}

/// Every kind of batch, in the order in which columns are numbered.
fn tables(schema: &Schema) -> Vec<Table<'_>> {
    let kinds: [(_, _, &[Row]); 5] = [
        ("Flows", None, &schema.flows),
        ("Loss", Some(("loss", "The columns of the loss ledger")), &schema.loss),
        ("Options", Some(("options", "The columns of options records")), &schema.options),
        (
            "InterfaceCounters",
            Some(("interface_counters", "The columns of interface counters")),
            &schema.interface_counters,
        ),
        ("Drops", Some(("drops", "The columns of dropped packets")), &schema.drops),
    ];
    let mut tables = Vec::new();
    let mut first = 0;
    for (kind, module, rows) in kinds {
        tables.push(Table { kind, module, rows, first });
        first += rows.len();
    }
    tables
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    name: String,
    bit: u8,
    #[serde(default)]
    plugin: bool,
    summary: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default = "base")]
    group: String,
    elements: Vec<Use>,
    clickhouse: String,
    codec: String,
    protobuf: u32,
    split: Option<String>,
    summary: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Use {
    Plain(String),
    With(UseWith),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UseWith {
    name: String,
    #[serde(rename = "as")]
    conversion: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    family: Option<u8>,
}

fn main() {
    let path = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"))
        .join("../../registry/schema.toml");
    println!("cargo::rerun-if-changed={}", path.display());
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let schema: Schema =
        toml::from_str(&text).unwrap_or_else(|error| panic!("registry/schema.toml: {error}"));

    check_groups(&schema.group);
    let tables = tables(&schema);
    for table in &tables {
        check_rows(table.rows, &schema.group);
    }

    let mut code = write_groups(&schema.group);
    code.push_str("pub(crate) static SPECS: &[ColumnSpec] = &[\n");
    for table in &tables {
        write_rows(table, &schema.group, &mut code);
    }
    code.push_str("];\n");
    writeln!(code, "pub(crate) const FLOW_COLUMNS: u16 = {};", schema.flows.len()).expect("memory");
    code.push_str(
        "/// The columns of a flow, a constant each; those of other kinds of batch in a module each.\n\
         pub mod column {\nuse super::Column;\n",
    );
    for table in &tables {
        let Some((module, words)) = table.module else {
            write_constants(table, &mut code);
            continue;
        };
        writeln!(code, "/// {words}, a constant each.\npub mod {module} {{\nuse super::Column;")
            .expect("memory");
        write_constants(table, &mut code);
        code.push_str("}\n");
    }
    code.push_str("}\n");

    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it")).join("columns.rs");
    fs::write(&out, code).unwrap_or_else(|error| panic!("{}: {error}", out.display()));
}

fn base() -> String {
    "base".to_owned()
}

fn check_groups(groups: &[Group]) {
    let mut names = BTreeSet::new();
    let mut bits = BTreeSet::new();
    for group in groups {
        assert!(names.insert(&group.name), "group {}: there twice", group.name);
        assert!(bits.insert(group.bit), "group {}: bit {} is taken", group.name, group.bit);
        assert!(group.bit < 128, "group {}: bits go to 127", group.name);
    }
}

fn check_rows(rows: &[Row], groups: &[Group]) {
    let mut names = BTreeMap::new();
    let mut numbers = BTreeSet::new();
    for row in rows {
        let name = &row.name;
        assert!(names.insert(name.as_str(), row).is_none(), "column {name}: there twice");
        assert!(numbers.insert(row.protobuf), "column {name}: protobuf {} is taken", row.protobuf);
        let known = groups.iter().any(|group| group.name == row.group);
        assert!(known, "column {name}: no group {}", row.group);
    }
    for row in rows {
        let Some(other) = other_end(row) else { continue };
        let fits = names.get(other).is_some_and(|other| {
            other.kind == row.kind && other_end(other) == Some(row.name.as_str())
        });
        assert!(fits, "column {}: {other} is not its other end", row.name);
    }
    for row in rows {
        let Some(forward) = row.name.strip_suffix("_rev") else { continue };
        let fits = names.get(forward).is_some_and(|twin| twin.kind == row.kind);
        assert!(fits, "column {}: no {forward} of type {}", row.name, row.kind);
    }
}

fn other_end(row: &Row) -> Option<&str> {
    row.split
        .as_deref()
        .filter(|split| !matches!(*split, "same" | "first" | "icmp_answer" | "initiator"))
}

fn write_groups(groups: &[Group]) -> String {
    let mut code = String::from("static GROUPS: &[Group] = &[\n");
    for Group { name, bit, plugin, summary } in groups {
        writeln!(
            code,
            "Group {{ name: {name:?}, bit: {bit}, plugin: {plugin}, summary: {summary:?} }},"
        )
        .expect("memory");
    }
    code.push_str("];\n");
    code
}

fn write_rows(table: &Table<'_>, groups: &[Group], code: &mut String) {
    let Table { kind: batch, rows, first, .. } = *table;
    let index = |name: &str| {
        let place = rows.iter().position(|row| row.name == name);
        place.map(|place| format!("Column({})", first + place))
    };
    for row in rows {
        let Row { name, kind, group, clickhouse, codec, protobuf, summary, .. } = row;
        let plugin = groups.iter().any(|known| known.name == *group && known.plugin);
        let twin = index(&format!("{name}_rev"));
        let turned = match (row.split.as_deref(), twin) {
            _ if name.ends_with("_rev") => "Turned::Gone".to_owned(),
            (None, Some(twin)) => format!("Turned::Other({twin})"),
            (None, None) if plugin => "Turned::First".to_owned(),
            (None | Some("same"), _) => "Turned::Same".to_owned(),
            (Some("first"), _) => "Turned::First".to_owned(),
            (Some("icmp_answer"), _) => "Turned::IcmpAnswer".to_owned(),
            (Some("initiator"), _) => "Turned::Initiator".to_owned(),
            (Some(other), _) => format!("Turned::Other({})", index(other).expect("checked")),
        };
        let kind = kind_code(kind).unwrap_or_else(|| panic!("column {name}: type {kind}"));
        let uses: Vec<String> = row.elements.iter().map(|used| use_code(name, used)).collect();
        writeln!(
            code,
            "ColumnSpec {{ name: {name:?}, batch: BatchKind::{batch}, kind: {kind}, group: {group:?}, \
             elements: &[{}], clickhouse: {clickhouse:?}, codec: {codec:?}, protobuf: {protobuf}, \
             turned: {turned}, summary: {summary:?} }},",
            uses.join(", ")
        )
        .expect("memory");
    }
}

fn write_constants(table: &Table<'_>, code: &mut String) {
    for (place, row) in table.rows.iter().enumerate() {
        let constant = row.name.to_uppercase();
        writeln!(code, "/// {}.", row.summary).expect("memory");
        writeln!(code, "pub const {constant}: Column = Column({});", table.first + place)
            .expect("memory");
    }
}

fn use_code(column: &str, used: &Use) -> String {
    let (name, conversion, usage, family) = match used {
        Use::Plain(name) => (name, None, None, None),
        Use::With(with) => {
            (&with.name, with.conversion.as_deref(), with.usage.as_deref(), with.family)
        }
    };
    let element = penstock_elements::by_name(name)
        .unwrap_or_else(|| panic!("column {column}: no element {name}"));
    let conversion = conversion.map_or("Value", |word| {
        conversion_code(word).unwrap_or_else(|| panic!("column {column}: as = {word:?}"))
    });
    let written = match usage {
        None => true,
        Some("read") => false,
        Some(other) => panic!("column {column}: use = {other:?}"),
    };
    assert!(matches!(family, None | Some(4 | 6)), "column {column}: family is 4 or 6");
    format!(
        "ElementUse {{ name: {name:?}, pen: {}, id: {}, conversion: Conversion::{conversion}, \
         written: {written}, family: {family:?} }}",
        element.pen, element.id
    )
}

fn conversion_code(word: &str) -> Option<&'static str> {
    Some(match word {
        "total" => "Total",
        "uptime" => "Uptime",
        "before_export" => "BeforeExport",
        "after_start" => "AfterStart",
        "high_octet" => "HighOctet",
        "low_octet" => "LowOctet",
        "list" => "List",
        "append" => "Append",
        "mpls_label" => "MplsLabel",
        "mpls_exp" => "MplsExp",
        "mpls_top" => "MplsTop",
        "segment_id" => "SegmentId",
        "inverse" => "Inverse",
        "interval_and_space" => "IntervalAndSpace",
        "size_and_population" => "SizeAndPopulation",
        _ => return None,
    })
}

fn kind_code(word: &str) -> Option<String> {
    if let Some(item) = word.strip_prefix("list<").and_then(|rest| rest.strip_suffix('>')) {
        return Some(format!("Kind::List(&{})", kind_code(item)?));
    }
    if let Some(fields) = word.strip_prefix("struct<").and_then(|rest| rest.strip_suffix('>')) {
        let mut members = Vec::new();
        for field in fields.split(',') {
            let (name, kind) = field.trim().split_once(' ')?;
            members.push(format!("({name:?}, {})", kind_code(kind.trim())?));
        }
        return Some(format!("Kind::Struct(&[{}])", members.join(", ")));
    }
    let simple = match word {
        "bool" => "Bool",
        "u8" => "U8",
        "u16" => "U16",
        "u32" => "U32",
        "u64" => "U64",
        "i8" => "I8",
        "f64" => "F64",
        "ip" => "Ip",
        "mac" => "Mac",
        "timestamp_ns" => "TimestampNs",
        "timestamp_s" => "TimestampS",
        "duration_ns" => "DurationNs",
        "text" => "Text",
        "dictionary" => "Dictionary",
        "binary" => "Binary",
        _ => return None,
    };
    Some(format!("Kind::{simple}"))
}
