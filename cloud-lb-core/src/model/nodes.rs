use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::Node;

/// Nodes, sorted by name. A clone is the same list again and costs nothing, so that thousands of load balancers
/// have their nodes in common.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeList(Arc<[Node]>);

impl NodeList {
    /// Adds a node, to a copy of one's own.
    pub fn push(&mut self, node: Node) {
        *self = self.iter().cloned().chain([node]).collect();
    }
}

impl Deref for NodeList {
    type Target = [Node];

    fn deref(&self) -> &[Node] {
        &self.0
    }
}

/// Changes a copy, if others have the list as well.
impl DerefMut for NodeList {
    fn deref_mut(&mut self) -> &mut [Node] {
        Arc::make_mut(&mut self.0)
    }
}

impl From<Vec<Node>> for NodeList {
    fn from(mut nodes: Vec<Node>) -> Self {
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        Self(nodes.into())
    }
}

impl From<&NodeList> for NodeList {
    fn from(nodes: &NodeList) -> Self {
        nodes.clone()
    }
}

impl FromIterator<Node> for NodeList {
    fn from_iter<I: IntoIterator<Item = Node>>(nodes: I) -> Self {
        Vec::from_iter(nodes).into()
    }
}

impl<'a> IntoIterator for &'a NodeList {
    type Item = &'a Node;
    type IntoIter = std::slice::Iter<'a, Node>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Serialize for NodeList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self)
    }
}
