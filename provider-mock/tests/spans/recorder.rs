//! A tracing layer that keeps every span.

use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Write as _};
use std::sync::Arc;

use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

/// A span that was opened, with all that was ever recorded in it.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) name: &'static str,
    /// Its place among all.
    place: usize,
    /// The place of the span that it is in.
    pub(crate) parent: Option<usize>,
    fields: BTreeMap<&'static str, String>,
}

impl Span {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }
}

/// All spans, in the order in which they were opened.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recording(Vec<Span>);

impl Recording {
    pub(crate) fn named(&self, name: &str) -> impl Iterator<Item = &Span> {
        self.0.iter().filter(move |span| span.name == name)
    }

    /// The span and all that it is in, from the inside out.
    pub(crate) fn ancestry<'a>(&'a self, span: &'a Span) -> impl Iterator<Item = &'a Span> {
        std::iter::successors(Some(span), |span| self.0.get(span.parent?))
    }

    /// The span and all within, one a line, with these of their fields.
    pub(crate) fn tree(&self, root: &Span, shown: &[&str]) -> String {
        let (mut text, mut depths) = (String::new(), HashMap::from([(root.place, 0)]));
        for span in &self.0 {
            let depth = span.parent.and_then(|parent| depths.get(&parent)).map(|depth| depth + 1);
            let Some(depth) = depth.or((span.place == root.place).then_some(0)) else { continue };
            depths.insert(span.place, depth);
            let fields = shown.iter().filter_map(|name| span.field(name));
            let line: Vec<&str> = std::iter::once(span.name).chain(fields).collect();
            writeln!(text, "{:indent$}{}", "", line.join(" "), indent = 2 * depth).unwrap();
        }
        text
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Recording>>);

/// The place of a span among all, kept beside it.
struct Place(usize);

impl Recorder {
    pub(crate) fn subscriber(&self) -> impl Subscriber + Send + Sync + use<> {
        tracing_subscriber::registry().with(self.clone())
    }

    pub(crate) fn taken(&self) -> Recording {
        std::mem::take(&mut self.0.lock())
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn enabled(&self, metadata: &tracing::Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target().starts_with("cloud_lb_core") && *metadata.level() <= Level::DEBUG
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        let parent = span.parent().and_then(|parent| parent.extensions().get().map(|Place(place)| *place));
        let mut spans = self.0.lock();
        let place = spans.0.len();
        let mut fields = BTreeMap::new();
        attributes.record(&mut Fields(&mut fields));
        spans.0.push(Span { name: span.name(), place, parent, fields });
        span.extensions_mut().insert(Place(place));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let place = context.span(id).and_then(|span| span.extensions().get().map(|Place(place)| *place));
        if let Some(span) = self.0.lock().0.get_mut(place.unwrap()) {
            values.record(&mut Fields(&mut span.fields));
        }
    }
}

struct Fields<'a>(&'a mut BTreeMap<&'static str, String>);

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}
