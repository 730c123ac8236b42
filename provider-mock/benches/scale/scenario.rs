//! What happens to each cluster: everything is made at once, nodes report, one joins, the controller restarts.

use std::fmt;
use std::time::Duration;

use provider_mock::Shape;

use crate::measure;
use crate::report::Row;
use crate::world::World;

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

pub(crate) async fn run(shape: Shape, size: Size) -> Row {
    let mut world = World::new(shape);
    for number in 0..size.nodes {
        world.add_node(number);
    }
    world.start();
    world.rest().await;
    for number in 0..size.services {
        world.add_service(number);
    }
    let create = world.rest().await;
    assert_eq!(world.served(), size.services, "{shape:?} {size}: every Service has an address");
    let (beats, beat_cpu) = beat(&world, size.nodes).await;
    assert_eq!(beats, 0, "{shape:?} {size}: a report that changes nothing makes no calls");
    world.add_node(size.nodes);
    let join = world.rest().await;
    world.stop().await;
    let before = measure::memory();
    world.start();
    let restart = world.rest().await;
    let memory = measure::memory().saturating_sub(before);
    world.stop().await;
    Row { shape, size, create, beat_cpu, join, restart, memory }
}

/// Calls made and CPU used for the reports of nodes, each taken in before the next comes.
async fn beat(world: &World, nodes: usize) -> (u64, Option<Duration>) {
    let mut used = Duration::ZERO;
    for beat in 0..BEATS {
        world.heartbeat(beat % nodes, beat);
        let before = measure::cpu();
        // Time moves on only when everybody has done what there was to do.
        tokio::time::sleep(Duration::from_millis(1)).await;
        used += measure::cpu().zip(before).map_or(Duration::ZERO, |(now, before)| now.saturating_sub(before));
    }
    let rest = world.rest().await;
    let beats = u32::try_from(BEATS).unwrap_or(u32::MAX);
    (rest.total(), measure::cpu().map(|_| used / beats))
}
