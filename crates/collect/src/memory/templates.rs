// SPDX-License-Identifier: Apache-2.0
//! The templates of one exporter's domain, each with what was made of it.
//!
//! Which exporter and domain a message belongs to is known to whoever keeps these; so is what data
//! without a template becomes.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use penstock_codec::Template;

/// How the messages of a session come, which decides what a template may do (RFC 7011 section 8).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Transport {
    /// One by one, and not always: templates come again and again, are replaced without a word, grow
    /// old, and are never withdrawn.
    Datagram,
    /// All in order: a template holds until it is withdrawn.
    Stream,
    /// As a stream, but perhaps written down from datagrams: a template may replace another.
    File,
}

/// How much is remembered, and how long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct TemplateBounds {
    /// Templates of one exporter's domain.
    pub templates: usize,
    /// Fields of one template.
    pub fields: usize,
    /// Nanoseconds that a template holds over datagrams without coming again; none is for ever.
    pub lifetime_ns: Option<i64>,
}

impl Default for TemplateBounds {
    fn default() -> Self {
        Self { templates: 4_096, fields: 1_024, lifetime_ns: Some(1_800 * NS_PER_S) }
    }
}

/// What a definition did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// The first under its number.
    New,
    /// The one that is known.
    Same,
    /// Another than was known, which holds no more.
    Replaced,
    /// Another than is known, which still holds: over a stream it should have been withdrawn.
    Conflict,
    /// Another than is known, but sent before that one.
    Outdated,
    /// There are too many to remember another.
    TooManyTemplates,
    /// It has too many fields to be remembered.
    TooManyFields,
}

/// A template that holds.
#[derive(Clone, Debug)]
pub(crate) struct Entry<P> {
    /// The template.
    pub template: Arc<Template>,
    /// What was made of it.
    pub plan: P,
    /// When it last came.
    pub seen_ns: i64,
    /// Whether this session sent it, rather than another run of the collector knew it.
    pub is_own: bool,
    /// Export time of the message that it came in first, in seconds since 1970.
    export_s: Option<u32>,
}

/// The templates of one exporter's domain.
#[derive(Debug)]
pub(crate) struct Templates<P> {
    transport: Transport,
    bounds: TemplateBounds,
    entries: HashMap<u16, Entry<P>, BuildHasherDefault<NumberHasher>>,
}

impl<P> Templates<P> {
    /// None yet.
    pub(crate) fn new(transport: Transport, bounds: TemplateBounds) -> Self {
        Self { transport, bounds, entries: HashMap::default() }
    }

    /// Takes in a definition from a message of this export time. `compile` is asked only if
    /// it is not the one that is known.
    pub(crate) fn define(
        &mut self,
        template: Template,
        now_ns: i64,
        export_s: Option<u32>,
        compile: impl FnOnce(&Template) -> P,
    ) -> Outcome {
        if template.fields.len() > self.bounds.fields {
            return Outcome::TooManyFields;
        }
        let lifetime_ns = self.lifetime_ns();
        let known =
            self.entries.get_mut(&template.id).filter(|entry| entry.holds(now_ns, lifetime_ns));
        let outcome = match known {
            Some(entry) if *entry.template == template => {
                entry.seen_ns = entry.seen_ns.max(now_ns);
                entry.is_own = true;
                return Outcome::Same;
            }
            Some(entry) if entry.is_own => match self.transport {
                Transport::Stream => return Outcome::Conflict,
                Transport::Datagram if entry.is_newer_than(export_s) => return Outcome::Outdated,
                Transport::Datagram | Transport::File => Outcome::Replaced,
            },
            _ => Outcome::New,
        };
        if !self.has_room_for(template.id, now_ns) {
            return Outcome::TooManyTemplates;
        }
        let plan = compile(&template);
        let id = template.id;
        let template = Arc::new(template);
        let entry = Entry { template, plan, seen_ns: now_ns, is_own: true, export_s };
        self.entries.insert(id, entry);
        outcome
    }

    /// Puts back a template that was kept while nobody listened, unless one has come since.
    pub(crate) fn restore(
        &mut self,
        template: Arc<Template>,
        seen_ns: i64,
        compile: impl FnOnce(&Template) -> P,
    ) {
        let is_wanted = template.fields.len() <= self.bounds.fields
            && self.entries.len() < self.bounds.templates
            && !self.entries.contains_key(&template.id);
        if is_wanted {
            let plan = compile(&template);
            let id = template.id;
            self.entries
                .insert(id, Entry { template, plan, seen_ns, is_own: false, export_s: None });
        }
    }

    /// The template that data sets of this number have, if it holds.
    #[inline]
    pub(crate) fn get(&self, id: u16, now_ns: i64) -> Option<&Entry<P>> {
        let lifetime_ns = self.lifetime_ns();
        self.entries.get(&id).filter(|entry| entry.holds(now_ns, lifetime_ns))
    }

    /// Lets a template go. Over datagrams that is not heeded (RFC 7011 section 8.4); gives whether
    /// there was anything to let go.
    pub(crate) fn withdraw(&mut self, id: u16) -> bool {
        self.transport != Transport::Datagram && self.entries.remove(&id).is_some()
    }

    /// Lets all templates of options go, or all others. Gives how many.
    pub(crate) fn withdraw_all(&mut self, options: bool) -> usize {
        if self.transport == Transport::Datagram {
            return 0;
        }
        self.retain(|entry| entry.template.is_options() != options)
    }

    /// Lets all go, as the exporter has begun again (RFC 3954 section 9).
    pub(crate) fn drop_all(&mut self) {
        self.entries.clear();
    }

    /// Lets those go that have not come for too long. Gives how many.
    pub(crate) fn expire(&mut self, now_ns: i64) -> usize {
        let lifetime_ns = self.lifetime_ns();
        self.retain(|entry| entry.holds(now_ns, lifetime_ns))
    }

    /// All of them, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry<P>> {
        self.entries.values()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    fn lifetime_ns(&self) -> Option<i64> {
        self.bounds.lifetime_ns.filter(|_| self.transport == Transport::Datagram)
    }

    fn has_room_for(&mut self, id: u16, now_ns: i64) -> bool {
        let has_room =
            |all: &Self| all.entries.len() < all.bounds.templates || all.entries.contains_key(&id);
        has_room(self) || (self.expire(now_ns) > 0 && has_room(self))
    }

    fn retain(&mut self, keep: impl Fn(&Entry<P>) -> bool) -> usize {
        let before = self.entries.len();
        self.entries.retain(|_, entry| keep(entry));
        before - self.entries.len()
    }
}

impl<P> Entry<P> {
    #[inline]
    fn holds(&self, now_ns: i64, lifetime_ns: Option<i64>) -> bool {
        lifetime_ns.is_none_or(|lifetime| now_ns.saturating_sub(self.seen_ns) <= lifetime)
    }

    /// A message that is older by more than it can have been under way is from a clock that was
    /// put back.
    fn is_newer_than(&self, export_s: Option<u32>) -> bool {
        let Some((own, other)) = self.export_s.zip(export_s) else { return false };
        (1..=LATE_S).contains(&own.wrapping_sub(other))
    }
}

/// Spreads numbers of 16 bits. One multiplication is enough: of what any sender can choose, but
/// eight share their low 13 bits.
#[derive(Debug, Default)]
struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn write(&mut self, octets: &[u8]) {
        for octet in octets {
            self.write_u16((*octet).into());
        }
    }

    #[inline]
    fn write_u16(&mut self, number: u16) {
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(GOLDEN_RATIO);
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

const GOLDEN_RATIO: u64 = 0x9e37_79b9_7f4a_7c15;
const NS_PER_S: i64 = 1_000_000_000;
/// A message does not stay longer than this on the way.
const LATE_S: u32 = 60;

#[cfg(test)]
mod tests {
    use super::*;
    use penstock_codec::Field;

    const BOUNDS: TemplateBounds =
        TemplateBounds { templates: 3, fields: 4, lifetime_ns: Some(1_800 * NS_PER_S) };

    fn template(id: u16, lengths: &[u16]) -> Template {
        let fields = lengths.iter().map(|length| Field { pen: 0, id: 1, length: *length });
        Template { id, scopes: 0, fields: fields.collect() }
    }

    fn options(id: u16) -> Template {
        Template { scopes: 1, ..template(id, &[4]) }
    }

    /// Compiles to the template's length.
    fn define(
        templates: &mut Templates<usize>,
        template: Template,
        now_s: i64,
        export_s: u32,
    ) -> Outcome {
        templates.define(template, now_s * NS_PER_S, Some(export_s), Template::least_octets)
    }

    fn plan(templates: &Templates<usize>, id: u16, now_s: i64) -> Option<usize> {
        templates.get(id, now_s * NS_PER_S).map(|entry| entry.plan)
    }

    #[test]
    fn over_datagrams_the_newest_definition_holds() {
        let mut templates = Templates::new(Transport::Datagram, BOUNDS);
        assert_eq!(define(&mut templates, template(256, &[4]), 0, 100), Outcome::New);
        assert_eq!(define(&mut templates, template(256, &[4]), 1, 101), Outcome::Same);
        assert_eq!(define(&mut templates, template(256, &[4, 8]), 9, 109), Outcome::Replaced);
        assert_eq!(plan(&templates, 256, 9), Some(12));
        assert_eq!(define(&mut templates, template(256, &[4]), 10, 108), Outcome::Outdated);
        assert_eq!(plan(&templates, 256, 10), Some(12));
        // An hour back is a clock that was set, not a message that was late.
        assert_eq!(define(&mut templates, template(256, &[4]), 11, 0), Outcome::Replaced);
    }

    #[test]
    fn over_datagrams_templates_grow_old_and_are_not_withdrawn() {
        let mut templates = Templates::new(Transport::Datagram, BOUNDS);
        define(&mut templates, template(256, &[4]), 0, 0);
        define(&mut templates, template(257, &[4]), 900, 900);
        assert!(!templates.withdraw(256));
        assert_eq!(templates.withdraw_all(false), 0);
        assert_eq!(plan(&templates, 256, 1_800), Some(4));
        assert_eq!(plan(&templates, 256, 1_801), None);
        assert_eq!(define(&mut templates, template(256, &[8]), 1_801, 1_801), Outcome::New);
        assert_eq!(templates.expire(2_701 * NS_PER_S), 1);
        assert_eq!(templates.len(), 1);
    }

    #[test]
    fn over_a_stream_a_template_holds_until_it_is_withdrawn() {
        let mut templates = Templates::new(Transport::Stream, BOUNDS);
        define(&mut templates, template(256, &[4]), 0, 0);
        assert_eq!(define(&mut templates, template(256, &[4]), 0, 0), Outcome::Same);
        assert_eq!(define(&mut templates, template(256, &[8]), 0, 0), Outcome::Conflict);
        assert_eq!(plan(&templates, 256, 1_000_000), Some(4));
        assert!(templates.withdraw(256));
        assert!(!templates.withdraw(256));
        assert_eq!(define(&mut templates, template(256, &[8]), 0, 0), Outcome::New);
        define(&mut templates, options(257), 0, 0);
        assert_eq!(templates.withdraw_all(true), 1);
        assert_eq!(plan(&templates, 256, 0), Some(8));
        assert_eq!(templates.withdraw_all(false), 1);
    }

    #[test]
    fn in_a_file_a_template_may_replace_another() {
        let mut templates = Templates::new(Transport::File, BOUNDS);
        define(&mut templates, template(256, &[4]), 0, 9);
        assert_eq!(define(&mut templates, template(256, &[8]), 0, 8), Outcome::Replaced);
        assert!(templates.withdraw(256));
    }

    #[test]
    fn what_is_over_a_bound_is_refused() {
        let mut templates = Templates::new(Transport::Datagram, BOUNDS);
        assert_eq!(define(&mut templates, template(256, &[1; 5]), 0, 0), Outcome::TooManyFields);
        for id in 256..259 {
            assert_eq!(define(&mut templates, template(id, &[1]), 0, 0), Outcome::New);
        }
        assert_eq!(define(&mut templates, template(259, &[1]), 0, 0), Outcome::TooManyTemplates);
        assert_eq!(define(&mut templates, template(258, &[2]), 0, 0), Outcome::Replaced);
        // The old ones make room.
        assert_eq!(define(&mut templates, template(259, &[1]), 4_000, 4_000), Outcome::New);
        assert_eq!(templates.len(), 1);
    }

    #[test]
    fn what_was_kept_does_not_displace_what_has_come_and_ages_from_when_it_was_seen() {
        let mut templates = Templates::new(Transport::Datagram, BOUNDS);
        define(&mut templates, template(256, &[4]), 1_000, 0);
        templates.restore(Arc::new(template(256, &[8])), 0, Template::least_octets);
        templates.restore(Arc::new(template(257, &[8])), 0, Template::least_octets);
        assert_eq!(
            (plan(&templates, 256, 1_000), plan(&templates, 257, 1_000)),
            (Some(4), Some(8))
        );
        assert_eq!(plan(&templates, 257, 1_801), None);
        templates.drop_all();
        assert_eq!(templates.iter().count(), 0);
    }
}
