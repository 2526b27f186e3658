// SPDX-License-Identifier: Apache-2.0
//! What is the own of dropped packets: why, and where in the device.

use penstock_codec::sflow::{DiscardedHead, FlowRecord, REASONS, reason_place};
use penstock_record::column::drops as column;
use penstock_record::{BatchBuilder, Validity};

/// What a report says besides its packet.
#[derive(Debug, Default)]
pub(super) struct Details {
    head: DiscardedHead,
    named: bool,
    function: String,
    trap_group: String,
    trap: String,
    linux_reason: String,
}

impl Details {
    pub(super) fn new(head: DiscardedHead) -> Self {
        Self { head, ..Self::default() }
    }

    /// Takes a record if it is of the kinds that only drops have; `false` if not.
    pub(super) fn take(&mut self, record: &FlowRecord<'_>) -> bool {
        match record {
            FlowRecord::Function(symbol) => self.function = name(symbol),
            FlowRecord::HwTrap(hardware) => {
                self.trap_group = name(hardware.group);
                self.trap = name(hardware.trap);
            }
            FlowRecord::LinuxDropReason(reason) => self.linux_reason = name(reason),
            _ => return false,
        }
        self.named = true;
        true
    }
}

/// Adds the columns that only drops have.
pub(super) fn fill(details: &[Details], batch: &mut BatchBuilder) {
    let heads = || details.iter().map(|one| &one.head);
    batch.u32(column::SAMPLE_SEQUENCE, None, heads().map(|head| head.sequence));
    batch.u32(column::SOURCE_CLASS, None, heads().map(|head| head.source.class));
    batch.u32(column::SOURCE_INDEX, None, heads().map(|head| head.source.index));
    batch.u32(column::IN_IF, None, heads().map(|head| head.input));
    batch.u32(column::OUT_IF, None, heads().map(|head| head.output));
    batch.u32(column::REASON, None, heads().map(|head| head.reason));
    batch.u32(column::DROPS, None, heads().map(|head| head.drops));

    let words: Vec<&str> =
        std::iter::once("").chain(REASONS.iter().map(|(_, word)| *word)).collect();
    let place = |reason| reason_place(reason).and_then(|place| u8::try_from(place + 1).ok());
    let keys = heads().map(|head| place(head.reason).unwrap_or(0));
    batch.dictionary(column::REASON_NAME, None, &words, keys);

    if details.iter().any(|one| one.named) {
        let valid = Validity::new(details.iter().map(|one| one.named));
        let valid = Some(&valid);
        batch.text(column::DROP_FUNCTION, valid, details.iter().map(|one| &one.function));
        batch.text(column::HW_TRAP_GROUP, valid, details.iter().map(|one| &one.trap_group));
        batch.text(column::HW_TRAP, valid, details.iter().map(|one| &one.trap));
        batch.text(column::LINUX_REASON, valid, details.iter().map(|one| &one.linux_reason));
    }
}

/// A name, as far as anyone would write one.
fn name(octets: &[u8]) -> String {
    const MAX_OCTETS: usize = 255;
    String::from_utf8_lossy(octets.get(..MAX_OCTETS).unwrap_or(octets)).into_owned()
}
