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
    /// The places of the spans that did its work.
    links: Vec<usize>,
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

    /// The spans that are in this one, and in none between.
    pub(crate) fn within<'a>(&'a self, span: &'a Span) -> impl Iterator<Item = &'a Span> {
        self.0.iter().filter(|other| other.parent == Some(span.place))
    }

    /// The span and all that it is in, from the inside out.
    pub(crate) fn ancestry<'a>(&'a self, span: &'a Span) -> impl Iterator<Item = &'a Span> {
        std::iter::successors(Some(span), |span| self.0.get(span.parent?))
    }

    /// The spans that did the work of this one.
    pub(crate) fn linked<'a>(&'a self, span: &'a Span) -> impl Iterator<Item = &'a Span> {
        span.links.iter().filter_map(|place| self.0.get(*place))
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
#[derive(Clone, Copy)]
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
        let parent = span.parent().map(|parent| place(&parent.id(), &context));
        let mut spans = self.0.lock();
        let place = spans.0.len();
        let mut fields = BTreeMap::new();
        attributes.record(&mut Fields(&mut fields));
        spans.0.push(Span { name: span.name(), place, parent, links: Vec::new(), fields });
        span.extensions_mut().insert(Place(place));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let place = place(id, &context);
        values.record(&mut Fields(&mut self.0.lock().0[place].fields));
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, context: Context<'_, S>) {
        let (place, follows) = (place(id, &context), place(follows, &context));
        self.0.lock().0[place].links.push(follows);
    }
}

/// The place of a span that is open.
fn place<S: Subscriber + for<'a> LookupSpan<'a>>(id: &Id, context: &Context<'_, S>) -> usize {
    let span = context.span(id).unwrap();
    let Place(place) = *span.extensions().get().unwrap();
    place
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
