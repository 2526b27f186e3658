// SPDX-License-Identifier: Apache-2.0
//! The sets of a message whose records have templates.
//!
//! Each set stands for itself: those before a damaged one are kept. A data set whose template is
//! not known waits for it.

use penstock_codec::{Definition, Malformed, Set, ipfix, netflow::v9};

use super::Verdict;
use crate::counts::count;
use crate::intake::Intake;
use crate::memory::sequence::Units;
use crate::memory::templates::Outcome;
use crate::rows::{Dialect, Message};

/// What a protocol calls its sets of templates.
pub(super) struct Sets {
    pub dialect: Dialect,
    pub templates: u16,
    pub options_templates: u16,
}

/// The ledger's word for what a definition did.
const fn name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::New => "learned",
        Outcome::Same => "repeated",
        Outcome::Replaced => "replaced",
        Outcome::Conflict => "redefined without withdrawal",
        Outcome::Outdated => "outdated",
        Outcome::TooManyTemplates => "beyond the bound",
        Outcome::TooManyFields => "with too many fields",
    }
}

/// The first number of data sets.
const FIRST_DATA_SET: u16 = 256;

/// Takes every set; how many data records they had, as far as that can be told.
pub(super) fn take<'a>(
    intake: &mut Intake,
    message: &Message,
    sets: impl Iterator<Item = Result<Set<'a>, Malformed>>,
    names: &Sets,
    verdict: &mut Verdict,
) -> Units {
    let (mut told, mut all_told) = (0_u32, true);
    for set in sets {
        match set {
            Ok(set) if set.id == names.templates || set.id == names.options_templates => {
                define(intake, message, &set, names, verdict);
            }
            Ok(set) if set.id >= FIRST_DATA_SET => {
                let (records, all) = data(intake, message, &set, verdict);
                told = told.saturating_add(records);
                all_told &= all;
            }
            Ok(_) => count(&mut intake.counts.sets, "of unknown kind", 1),
            Err(why) => {
                verdict.trouble(why.reason());
                all_told = false;
            }
        }
    }
    if all_told { Units::Known(told) } else { Units::AtLeast(told) }
}

fn define(
    intake: &mut Intake,
    message: &Message,
    set: &Set<'_>,
    names: &Sets,
    verdict: &mut Verdict,
) {
    let options = set.id == names.options_templates;
    let dialect = names.dialect;
    match dialect {
        Dialect::NetFlow9 => {
            for definition in v9::templates(set) {
                define_one(intake, message, definition, options, dialect, verdict);
            }
        }
        Dialect::Ipfix | Dialect::NetFlow5 => {
            for definition in ipfix::templates(set) {
                define_one(intake, message, definition, options, dialect, verdict);
            }
        }
    }
}

fn define_one(
    intake: &mut Intake,
    message: &Message,
    definition: Result<Definition, Malformed>,
    options: bool,
    dialect: Dialect,
    verdict: &mut Verdict,
) {
    let template = match definition {
        Ok(Definition::Define(template)) => template,
        Ok(withdrawal) => {
            verdict.used = true;
            let word = intake.withdraw(message.exporter, &withdrawal, options);
            count(&mut intake.counts.templates, word, 1);
            return;
        }
        Err(why) => return verdict.trouble(why.reason()),
    };
    let id = template.id;
    let outcome = intake.define(message, template, dialect);
    count(&mut intake.counts.templates, name(outcome), 1);
    match outcome {
        Outcome::New | Outcome::Replaced => {
            verdict.used = true;
            intake.replay(message, id);
        }
        Outcome::Same | Outcome::Outdated => verdict.used = true,
        Outcome::Conflict => {
            verdict.trouble("template redefined");
            verdict.fatal = true;
        }
        Outcome::TooManyTemplates => verdict.trouble("too many templates"),
        Outcome::TooManyFields => verdict.trouble("too many fields"),
    }
}

/// Decodes a data set, or lets it wait; how many records were read, and whether that is all.
fn data(
    intake: &mut Intake,
    message: &Message,
    set: &Set<'_>,
    verdict: &mut Verdict,
) -> (u32, bool) {
    let Some((template, compiled)) = intake.template(message, set.id) else {
        if intake.park(message, set) {
            verdict.parked += 1;
        } else {
            verdict.trouble("no room for sets without template");
        }
        return (0, false);
    };
    let (records, why) = intake.records(message, set.octets, &template, &compiled);
    verdict.used |= records > 0 || why.is_none();
    if let Some(why) = why {
        verdict.trouble(why.reason());
    }
    (records, why.is_none())
}
