//! What happens to each cluster: everything is made at once, nodes report, one joins, the controller restarts.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::measure;
use crate::world::{Partner, Spent, World};

/// Reports of nodes that are measured.
const BEATS: usize = 1000;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) services: usize,
    pub(crate) nodes: usize,
}

impl Size {
    pub(crate) const fn new(services: usize, nodes: usize) -> Self {
        Self { services, nodes }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.services, self.nodes)
    }
}

impl FromStr for Size {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (services, nodes) = text.split_once('x').ok_or(())?;
        let number = |text: &str| text.parse().ok().filter(|number| *number > 0).ok_or(());
        Ok(Self::new(number(services)?, number(nodes)?))
    }
}

/// One cluster's numbers.
pub(crate) struct Row {
    pub(crate) partner: Partner,
    pub(crate) size: Size,
    pub(crate) create: Spent,
    pub(crate) beats: Spent,
    pub(crate) beat_cpu: Option<Duration>,
    pub(crate) join: Spent,
    pub(crate) join_cpu: Option<Duration>,
    pub(crate) restart: Spent,
    pub(crate) memory: usize,
    pub(crate) resident: Option<usize>,
}

pub(crate) async fn run(partner: Partner, size: Size) -> Row {
    let mut world = World::new(partner);
    for number in 0..size.nodes {
        world.add_node(number);
    }
    world.start();
    world.rest().await;
    for number in 0..size.services {
        world.add_service(number);
    }
    let create = world.rest().await;
    assert_eq!(world.served(), size.services, "{size}: every Service has an address");
    let (beats, beat_cpu) = beat(&world, size.nodes).await;
    world.add_node(size.nodes);
    let before = measure::cpu();
    let join = world.rest().await;
    let join_cpu = since(before);
    world.stop().await;
    let before = measure::memory();
    world.start();
    let restart = world.rest().await;
    let memory = measure::memory().saturating_sub(before);
    let resident = measure::resident();
    world.stop().await;
    Row { partner, size, create, beats, beat_cpu, join, join_cpu, restart, memory, resident }
}

/// Calls made and CPU used for the reports of nodes, each taken in before the next comes.
async fn beat(world: &World, nodes: usize) -> (Spent, Option<Duration>) {
    let mut used = Duration::ZERO;
    for beat in 0..BEATS {
        world.heartbeat(beat % nodes, beat);
        let before = measure::cpu();
        // Time moves on only when everybody has done what there was to do.
        tokio::time::sleep(Duration::from_millis(1)).await;
        used += since(before).unwrap_or_default();
    }
    let beats = u32::try_from(BEATS).unwrap_or(u32::MAX);
    (world.rest().await, measure::cpu().map(|_| used / beats))
}

fn since(before: Option<Duration>) -> Option<Duration> {
    measure::cpu().zip(before).map(|(now, before)| now.saturating_sub(before))
}
