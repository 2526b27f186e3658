// SPDX-License-Identifier: Apache-2.0
//! Counter records: those of interfaces. All others are handed on as octets.
//!
//! Counters go on from when the device started, and wrap. One whose bits are all set is not kept by the device.

use super::Record;
use super::xdr::{Xdr, put_u32, put_u64};
use crate::Malformed;

/// What one counter record holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CounterRecord<'a> {
    /// What every interface counts (format 1).
    GenericInterface(GenericInterface),
    /// What an Ethernet interface counts besides (format 2).
    Ethernet(Ethernet),
    /// Any other.
    Unknown(Record<'a>),
}

impl<'a> CounterRecord<'a> {
    /// What the record holds.
    ///
    /// # Errors
    ///
    /// [`Malformed::SampleCut`] if it is shorter than its format.
    pub fn read(record: Record<'a>) -> Result<Self, Malformed> {
        let mut xdr = Xdr::new(record.octets);
        Ok(match (record.enterprise, record.format) {
            (0, GENERIC_INTERFACE) => Self::GenericInterface(GenericInterface::read(&mut xdr)?),
            (0, ETHERNET) => Self::Ethernet(Ethernet::read(&mut xdr)?),
            _ => Self::Unknown(record),
        })
    }
}

pub(super) const GENERIC_INTERFACE: u32 = 1;
pub(super) const ETHERNET: u32 = 2;

/// A record of numbers alone, which is read and written in the order of its fields.
macro_rules! numbers {
    ($(#[$doc:meta])+ $name:ident { $($(#[$field_doc:meta])+ $field:ident: $kind:ident,)+ }) => {
        $(#[$doc])+
        #[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
        pub struct $name { $($(#[$field_doc])+ pub $field: $kind,)+ }

        impl $name {
            fn read(xdr: &mut Xdr<'_>) -> Result<Self, Malformed> {
                Ok(Self { $($field: xdr.$kind()?,)+ })
            }

            pub(super) fn write(&self, out: &mut Vec<u8>) {
                $(numbers!(@put $kind, out, self.$field);)+
            }
        }
    };
    (@put u32, $out:ident, $value:expr) => { put_u32($out, $value) };
    (@put u64, $out:ident, $value:expr) => { put_u64($out, $value) };
}

numbers! {
    /// What every interface counts, by the names of the interfaces group of SNMP (RFC 2863).
    GenericInterface {
        /// Which interface.
        if_index: u32,
        /// Its kind, as IANA numbers them.
        if_type: u32,
        /// Bits a second.
        if_speed: u64,
        /// 0 not known, 1 full duplex, 2 half duplex, 3 in, 4 out.
        if_direction: u32,
        /// Bit 0: wanted up; bit 1: is up.
        if_status: u32,
        /// Octets received.
        if_in_octets: u64,
        /// Packets received to one address.
        if_in_ucast_pkts: u32,
        /// Packets received to a group.
        if_in_multicast_pkts: u32,
        /// Packets received to all.
        if_in_broadcast_pkts: u32,
        /// Packets received and let go without a fault of theirs.
        if_in_discards: u32,
        /// Packets received with errors.
        if_in_errors: u32,
        /// Packets received for an unknown protocol.
        if_in_unknown_protos: u32,
        /// Octets sent.
        if_out_octets: u64,
        /// Packets sent to one address.
        if_out_ucast_pkts: u32,
        /// Packets sent to a group.
        if_out_multicast_pkts: u32,
        /// Packets sent to all.
        if_out_broadcast_pkts: u32,
        /// Packets not sent without a fault of theirs.
        if_out_discards: u32,
        /// Packets not sent because of errors.
        if_out_errors: u32,
        /// 1 if it takes packets for others, 2 if not.
        if_promiscuous_mode: u32,
    }
}

numbers! {
    /// What an Ethernet interface counts besides, by the names of its statistics in SNMP (RFC 3635).
    Ethernet {
        /// Frames that were no whole number of octets.
        alignment_errors: u32,
        /// Frames with a wrong check sequence.
        fcs_errors: u32,
        /// Frames sent after one collision.
        single_collision_frames: u32,
        /// Frames sent after several collisions.
        multiple_collision_frames: u32,
        /// Failed tests of signal quality.
        sqe_test_errors: u32,
        /// Frames that first found the medium busy.
        deferred_transmissions: u32,
        /// Collisions later than a slot time.
        late_collisions: u32,
        /// Frames given up after too many collisions.
        excessive_collisions: u32,
        /// Frames not sent because of an error inside.
        internal_mac_transmit_errors: u32,
        /// Times that the carrier was lost or missing.
        carrier_sense_errors: u32,
        /// Frames above the greatest length.
        frame_too_longs: u32,
        /// Frames not received because of an error inside.
        internal_mac_receive_errors: u32,
        /// Times that a symbol could not be read.
        symbol_errors: u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_records_are_as_long_as_their_formats() {
        let mut octets = Vec::new();
        let generic = GenericInterface {
            if_index: 7,
            if_speed: 10_000_000_000,
            if_in_octets: 1 << 40,
            if_promiscuous_mode: 2,
            ..GenericInterface::default()
        };
        generic.write(&mut octets);
        assert_eq!(octets.len(), 88);
        let record = Record { enterprise: 0, format: 1, octets: &octets };
        assert_eq!(CounterRecord::read(record), Ok(CounterRecord::GenericInterface(generic)));
        for cut in 0..88 {
            let record = Record { enterprise: 0, format: 1, octets: &octets[..cut] };
            assert_eq!(CounterRecord::read(record), Err(Malformed::SampleCut));
        }

        let mut octets = Vec::new();
        let ethernet = Ethernet { symbol_errors: 9, ..Ethernet::default() };
        ethernet.write(&mut octets);
        assert_eq!(octets.len(), 52);
        let record = Record { enterprise: 0, format: 2, octets: &octets };
        assert_eq!(CounterRecord::read(record), Ok(CounterRecord::Ethernet(ethernet)));
    }

    #[test]
    fn the_same_format_of_another_enterprise_is_another_record() {
        let record = Record { enterprise: 4413, format: 1, octets: &[0; 88] };
        assert_eq!(CounterRecord::read(record), Ok(CounterRecord::Unknown(record)));
    }
}
