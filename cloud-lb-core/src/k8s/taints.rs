use std::fmt;
use std::str::FromStr;

use k8s_openapi::api::core::v1::Taint;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Violation};

/// What a taint does to pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TaintEffect {
    /// No new pods.
    NoSchedule,
    /// No new pods, if they find another node.
    PreferNoSchedule,
    /// No new pods, and the ones that are there go.
    NoExecute,
}

impl TaintEffect {
    const ALL: [Self; 3] = [Self::NoSchedule, Self::PreferNoSchedule, Self::NoExecute];

    fn as_str(self) -> &'static str {
        match self {
            Self::NoSchedule => "NoSchedule",
            Self::PreferNoSchedule => "PreferNoSchedule",
            Self::NoExecute => "NoExecute",
        }
    }
}

/// A taint that announces the end of a node, whatever its value. Written as `key`, or as `key:effect`
/// where only one effect means it.
///
/// # Examples
/// ```
/// use cloud_lb_core::k8s::DrainTaint;
/// let taint: DrainTaint = "karpenter.sh/disrupted:NoSchedule".parse()?;
/// assert_eq!(taint.to_string(), "karpenter.sh/disrupted:NoSchedule");
/// assert!("example.com/going:Soon".parse::<DrainTaint>().is_err());
/// # Ok::<(), cloud_lb_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DrainTaint {
    key: String,
    effect: Option<TaintEffect>,
}

impl DrainTaint {
    /// The taint with this key, whatever its effect.
    pub fn any(key: impl Into<String>) -> Self {
        Self { key: key.into(), effect: None }
    }

    /// The taint with this key and effect.
    pub fn with_effect(key: impl Into<String>, effect: TaintEffect) -> Self {
        Self { key: key.into(), effect: Some(effect) }
    }

    pub(super) fn matches(&self, taint: &Taint) -> bool {
        self.key == taint.key && self.effect.is_none_or(|effect| effect.as_str() == taint.effect)
    }
}

impl fmt::Display for DrainTaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)?;
        self.effect.map_or(Ok(()), |effect| write!(f, ":{}", effect.as_str()))
    }
}

impl FromStr for DrainTaint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (key, effect) = text.split_once(':').map_or((text, None), |(key, effect)| (key, Some(effect)));
        let known = |text: &str| TaintEffect::ALL.into_iter().find(|effect| effect.as_str() == text);
        match (is_key(key), effect, effect.and_then(known)) {
            (true, None, _) => Ok(Self::any(key)),
            (true, Some(_), Some(effect)) => Ok(Self::with_effect(key, effect)),
            _ => {
                let expected = "key or key:effect, with the effect NoSchedule, PreferNoSchedule or NoExecute";
                Err(Error::invalid("node policy", vec![Violation::new("drainTaints", text, expected)]))
            }
        }
    }
}

/// The characters of a qualified name; the API server checks the rest on the nodes.
fn is_key(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c))
}

impl TryFrom<String> for DrainTaint {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<DrainTaint> for String {
    fn from(taint: DrainTaint) -> Self {
        taint.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taint(key: &str, effect: &str) -> Taint {
        Taint { key: key.to_owned(), effect: effect.to_owned(), ..Taint::default() }
    }

    #[test]
    fn w_18_a_drain_taint_means_one_effect_or_all() {
        let (any, one): (DrainTaint, DrainTaint) = ("a/b".parse().unwrap(), "a/b:NoExecute".parse().unwrap());
        for (effect, by_one) in [("NoSchedule", false), ("NoExecute", true), ("", false)] {
            assert!(any.matches(&taint("a/b", effect)));
            assert_eq!(one.matches(&taint("a/b", effect)), by_one, "{effect}");
        }
        assert!(!any.matches(&taint("a/c", "NoExecute")) && !one.matches(&taint("a", "NoExecute")));
    }

    #[test]
    fn drain_taints_survive_being_written_and_read() {
        for text in ["a", "a.b/c-d_e", "a/b:NoSchedule", "a/b:PreferNoSchedule", "a/b:NoExecute"] {
            let taint: DrainTaint = serde_json::from_value(text.into()).unwrap();
            assert_eq!(serde_json::to_value(&taint).unwrap(), text);
        }
        for text in ["", ":NoSchedule", "a:", "a:noschedule", "a b", "a=b:NoSchedule", "a:NoSchedule:b"] {
            let error = text.parse::<DrainTaint>().unwrap_err();
            assert_eq!(
                (error.violations()[0].field.as_str(), error.violations()[0].value.as_str()),
                ("drainTaints", text)
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_taint_that_is_printed_as_it_was_read_or_refused(
            text in "[a-z./]{0,4}(:(No|Prefer|no)?(NoSchedule|Schedule|Execute)?)?|.{0,20}"
        ) {
            match text.parse::<DrainTaint>() {
                Ok(taint) => proptest::prop_assert_eq!(taint.to_string(), text),
                Err(error) => proptest::prop_assert_eq!(error.violations().len(), 1),
            }
        }
    }
}
