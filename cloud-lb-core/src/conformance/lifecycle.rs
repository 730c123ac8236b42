//! Being, being found, and not being any more.

use super::fixtures::{load_balancer, number, service};
use super::harness::{Pace, World, Worlds};
use super::report::{Report, Verdict, check, equal};
use crate::model::{LoadBalancer, ServiceId};
use crate::provider::{Outcome, State};

pub(super) async fn run(worlds: &dyn Worlds, report: &mut Report) {
    report.add("nothing is there at first", nothing_is_there_at_first(worlds).await);
    report.add("slow clouds are waited for", slow_clouds_are_waited_for(worlds).await);
    report.add("what is being made can be deleted", what_is_being_made_can_be_deleted(worlds).await);
    report.add("services come and go at once", services_come_and_go_at_once(worlds).await);
    report.add("services do not touch each other", services_do_not_touch_each_other(worlds).await);
    let renewed = a_new_service_of_the_same_name_is_another(worlds).await;
    report.add("a new service of the same name is another", renewed);
}

/// "Does not exist" is no error (T-1), and deleting it succeeds without a write (T-5).
pub async fn nothing_is_there_at_first(worlds: &dyn Worlds) -> Verdict {
    let world = World::new(worlds);
    let provider = world.0.provider();
    equal("state", &provider.get(&service("web")).await?, &State::Absent)?;
    equal("delete", &provider.delete(&service("web")).await?, &Outcome::Done(()))?;
    equal("owned", &provider.survey(&[]).await?.owned, &Vec::new())?;
    let name = provider.load_balancer_name(&service("web"));
    equal("name, asked again", &provider.load_balancer_name(&service("web")), &name)?;
    check(provider.load_balancer_name(&service("api")) != name, "two Services have one name (T-2)")?;
    equal("writes", &world.0.calls().writes, &0)
}

/// While the cloud is at work, the provider answers that it waits; what it says then is what it is.
pub async fn slow_clouds_are_waited_for(worlds: &dyn Worlds) -> Verdict {
    let world = World(worlds.make(Pace::Slow));
    let provider = world.0.provider();
    let lb = load_balancer("web", provider.capabilities());
    let first = provider.ensure(&lb).await?;
    check(matches!(first, Outcome::Pending(_)), format_args!("the first answer is {first:?}"))?;
    let early = provider.get(&lb.service).await?;
    check(!matches!(early, State::Ready(_)), format_args!("{early:?} too early"))?;
    let status = world.ensured(&lb).await?;
    check(!status.ingress.is_empty(), "a ready load balancer has no address")?;
    equal("state", &provider.get(&lb.service).await?, &State::Ready(status))?;
    world.is_settled(&lb.service, Some(&lb)).await?;
    world.deletes_all(&lb.service).await?;
    equal("state", &provider.get(&lb.service).await?, &State::Absent)
}

/// A Service may go before its load balancer is ready, and come back before it is gone.
pub async fn what_is_being_made_can_be_deleted(worlds: &dyn Worlds) -> Verdict {
    let world = World(worlds.make(Pace::Slow));
    let provider = world.0.provider();
    let lb = load_balancer("web", provider.capabilities());
    provider.ensure(&lb).await?;
    world.deletes_all(&lb.service).await?;
    world.ensured(&lb).await?;
    provider.delete(&lb.service).await?;
    world.ensured(&lb).await?;
    world.is_settled(&lb.service, Some(&lb)).await?;
    world.deletes_all(&lb.service).await
}

/// Calls for different Services overlap: none fails, and what they share does not outlive them.
pub async fn services_come_and_go_at_once(worlds: &dyn Worlds) -> Verdict {
    let world = World::new(worlds);
    let [one, two, three] = trio(&world);
    let (a, b, c) = tokio::join!(world.ensured(&one), world.ensured(&two), world.ensured(&three));
    let _ready = (a?, b?, c?);
    for lb in [&one, &two, &three] {
        world.is_settled(&lb.service, Some(lb)).await?;
    }
    let (a, b, c) =
        tokio::join!(world.deleted(&one.service), world.ensured(&two), world.deleted(&three.service));
    a.and(b.map(|_| ())).and(c)?;
    world.is_settled(&two.service, Some(&two)).await?;
    world.ensured(&one).await?;
    let (a, b) = tokio::join!(world.deleted(&one.service), world.deleted(&two.service));
    a.and(b)?;
    world.is_empty()
}

/// Several Services: a change or delete of one leaves the others as they are; the last leaves nothing.
pub async fn services_do_not_touch_each_other(worlds: &dyn Worlds) -> Verdict {
    let world = World::new(worlds);
    let [mut one, two, three] = trio(&world);
    for lb in [&one, &two, &three] {
        world.ensured(lb).await?;
    }
    one.ports.iter_mut().for_each(|port| port.port = number(8080));
    world.ensured(&one).await?;
    for lb in [&one, &two, &three] {
        world.is_settled(&lb.service, Some(lb)).await?;
    }
    world.deleted(&one.service).await?;
    for lb in [&two, &three] {
        world.is_settled(&lb.service, Some(lb)).await?;
    }
    equal("state", &world.0.provider().get(&one.service).await?, &State::Absent)?;
    world.deleted(&two.service).await?;
    world.is_settled(&three.service, Some(&three)).await?;
    world.deletes_all(&three.service).await
}

/// A Service that is made again has another UID: it gets a load balancer of its own, and the old one can
/// still be deleted.
pub async fn a_new_service_of_the_same_name_is_another(worlds: &dyn Worlds) -> Verdict {
    let world = World::new(worlds);
    let old = load_balancer("web", world.0.provider().capabilities());
    let renewed = ServiceId { uid: "another-uid".to_owned(), ..old.service.clone() };
    let mut new = LoadBalancer { service: renewed, ..old.clone() };
    new.ports.iter_mut().for_each(|port| port.node_port = Some(number(30_090)));
    world.ensured(&old).await?;
    world.ensured(&new).await?;
    world.deleted(&old.service).await?;
    world.is_settled(&new.service, Some(&new)).await?;
    world.deletes_all(&new.service).await
}

pub(super) fn trio(world: &World) -> [LoadBalancer; 3] {
    let mut node_port = 30_200;
    ["one", "two", "three"].map(|name| {
        let mut lb = load_balancer(name, world.0.provider().capabilities());
        node_port += 1;
        lb.ports.iter_mut().for_each(|port| port.node_port = Some(number(node_port)));
        lb
    })
}
