// SPDX-License-Identifier: Apache-2.0
//! Information elements: what IPFIX and `NetFlow` fields are called and what they hold.
//!
//! The facts are the files under `registry/elements/`; the build turns them into
//! static tables. Nothing here knows columns, templates or octets.
#![forbid(unsafe_code)]

use std::fmt;

/// Enterprise number of IANA's own elements, which are sent without one.
pub const IANA_PEN: u32 = 0;

/// Enterprise number under which IANA's elements describe the reverse direction
/// of a biflow (RFC 5103 section 6.1).
pub const REVERSE_PEN: u32 = 29305;

/// Stands where an enterprise number would, for `NetFlow` version 9 field types that
/// IANA's registry does not have. No enterprise has it.
pub const NETFLOW9_PEN: u32 = u32::MAX;

/// One information element.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Element {
    /// Who defined it, such as `iana`, `reverse` or `cesnet`.
    pub namespace: &'static str,
    /// Private enterprise number; 0 is IANA.
    pub pen: u32,
    /// Number within the enterprise, without the enterprise bit.
    pub id: u16,
    /// Name as the registry spells it.
    pub name: &'static str,
    /// Abstract data type (RFC 7012 section 3.1).
    pub data_type: DataType,
    /// What kind of value it is (RFC 7012 section 3.2).
    pub semantics: Semantics,
    /// Unit in the plural, such as `octets`; empty where there is none.
    pub units: &'static str,
    /// Whether it is still to be sent.
    pub status: Status,
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.namespace, self.name)
    }
}

/// Abstract data types of RFC 7012 section 3.1, RFC 6313 and RFC 9740.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(missing_docs, reason = "the names are the specification's own")]
pub enum DataType {
    OctetArray,
    Unsigned8,
    Unsigned16,
    Unsigned32,
    Unsigned64,
    Unsigned256,
    Signed8,
    Signed16,
    Signed32,
    Signed64,
    Float32,
    Float64,
    Boolean,
    MacAddress,
    String,
    DateTimeSeconds,
    DateTimeMilliseconds,
    DateTimeMicroseconds,
    DateTimeNanoseconds,
    Ipv4Address,
    Ipv6Address,
    BasicList,
    SubTemplateList,
    SubTemplateMultiList,
}

impl DataType {
    /// The specification's own spelling, such as `unsigned64`.
    pub fn name(self) -> String {
        spelled(&format!("{self:?}"))
    }

    /// Octets of a value that is sent in full; none for types of variable length.
    pub const fn octets(self) -> Option<u16> {
        Some(match self {
            Self::Unsigned8 | Self::Signed8 | Self::Boolean => 1,
            Self::Unsigned16 | Self::Signed16 => 2,
            Self::Unsigned32
            | Self::Signed32
            | Self::Float32
            | Self::DateTimeSeconds
            | Self::Ipv4Address => 4,
            Self::MacAddress => 6,
            Self::Unsigned64
            | Self::Signed64
            | Self::Float64
            | Self::DateTimeMilliseconds
            | Self::DateTimeMicroseconds
            | Self::DateTimeNanoseconds => 8,
            Self::Ipv6Address => 16,
            Self::Unsigned256 => 32,
            Self::OctetArray
            | Self::String
            | Self::BasicList
            | Self::SubTemplateList
            | Self::SubTemplateMultiList => return None,
        })
    }
}

/// Data type semantics of RFC 7012 section 3.2.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(missing_docs, reason = "the names are the specification's own")]
pub enum Semantics {
    Default,
    Quantity,
    TotalCounter,
    DeltaCounter,
    Identifier,
    Flags,
    List,
    SnmpCounter,
    SnmpGauge,
    /// The source of the facts does not say.
    Unstated,
}

impl Semantics {
    /// The specification's own spelling, such as `deltaCounter`; empty if unstated.
    pub fn name(self) -> String {
        if self == Self::Unstated { String::new() } else { spelled(&format!("{self:?}")) }
    }
}

/// The specifications begin these names with a small letter.
fn spelled(variant: &str) -> String {
    let (first, rest) = variant.split_at(1);
    first.to_lowercase() + rest
}

/// Whether an element is still to be sent.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Status {
    /// In use.
    Current,
    /// To be read, but no longer to be sent.
    Deprecated,
    /// The source of the facts does not say.
    Unstated,
}

/// A set of elements with one author.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Namespace {
    /// What stands before the colon of a qualified name.
    pub name: &'static str,
    /// Private enterprise number.
    pub pen: u32,
    /// Whose elements they are, for people.
    pub summary: &'static str,
}

/// The element with this number, reversed ones (PEN 29305) included.
pub fn by_number(pen: u32, id: u16) -> Option<&'static Element> {
    let index = ELEMENTS.binary_search_by_key(&(pen, id), |element| (element.pen, element.id));
    index.ok().map(|index| &ELEMENTS[index])
}

/// The element with this name: qualified (`cesnet:NTPLeap`, `reverse:octetDeltaCount`),
/// bare where it is IANA's (`octetDeltaCount`, `reverseOctetDeltaCount`), or one of the
/// names that RFC 3954 gave (`IN_BYTES`). Upper and lower case differ.
pub fn by_name(name: &str) -> Option<&'static Element> {
    let index = NAMES.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
    let (_, element) = NAMES[index];
    Some(&ELEMENTS[usize::from(element)])
}

/// Every element, by enterprise number and then by number.
pub fn all() -> &'static [Element] {
    ELEMENTS
}

/// Whether the element may describe the reverse direction of a biflow under PEN 29305
/// (RFC 5103 section 6.1). Elements of an enterprise never may: their reverse form, if there
/// is one, is an element of its own.
pub fn reversible(pen: u32, id: u16) -> bool {
    pen == IANA_PEN && by_number(pen, id).is_some() && IRREVERSIBLE.binary_search(&id).is_err()
}

/// Every namespace that has a file in the registry; `reverse` follows from `iana`.
pub fn namespaces() -> impl ExactSizeIterator<Item = Namespace> {
    NAMESPACES.iter().map(|&(name, pen, summary)| Namespace { name, pen, summary })
}

include!(concat!(env!("OUT_DIR"), "/tables.rs"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_found_by_number_and_by_each_of_its_names() {
        let octets = by_number(0, 1).unwrap();
        assert_eq!(octets.name, "octetDeltaCount");
        assert_eq!(
            (octets.data_type, octets.semantics),
            (DataType::Unsigned64, Semantics::DeltaCounter)
        );
        assert_eq!((octets.units, octets.status), ("octets", Status::Current));
        for name in ["octetDeltaCount", "iana:octetDeltaCount", "IN_BYTES"] {
            assert_eq!(by_name(name), Some(octets), "{name}");
        }
        assert_eq!(by_name("cesnet:NTPLeap"), by_number(8057, 18));
        assert!(by_name("NTPLeap").is_none());
        assert!(by_number(0, 0).is_none());
    }

    #[test]
    fn a_reversed_element_has_the_same_number_under_another_enterprise() {
        let reversed = by_name("reverse:octetDeltaCount").unwrap();
        assert_eq!((reversed.pen, reversed.id), (REVERSE_PEN, 1));
        assert_eq!(reversed.name, "reverseOctetDeltaCount");
        assert_eq!(by_name("reverseOctetDeltaCount"), Some(reversed));
    }

    #[test]
    fn what_describes_no_direction_is_not_reversed() {
        assert!(reversible(0, 1));
        for id in [145, 148, 149, 210, 239] {
            assert!(!reversible(0, id), "{id}");
            assert!(by_number(REVERSE_PEN, id).is_none(), "{id}");
        }
        assert!(!reversible(8057, 900));
        assert!(!reversible(0, 0));
    }

    #[test]
    fn elements_are_sorted_and_none_is_there_twice() {
        assert!(all().is_sorted_by(|a, b| (a.pen, a.id) < (b.pen, b.id)));
        assert!(all().len() > 1000);
    }

    #[test]
    fn each_namespace_has_elements_of_its_own_number() {
        for namespace in namespaces() {
            let mut own = all().iter().filter(|element| element.namespace == namespace.name);
            assert!(own.clone().next().is_some(), "{}", namespace.name);
            assert!(own.all(|element| element.pen == namespace.pen), "{}", namespace.name);
        }
    }

    #[test]
    fn version_9_field_types_keep_their_top_bit() {
        assert_eq!(by_number(NETFLOW9_PEN, 40000).unwrap().name, "userName");
    }
}
