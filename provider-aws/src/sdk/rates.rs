//! Rates of calls on our side (AWS-236).

use std::num::NonZeroU32;
use std::time::Duration;

use cloud_lb_core::call::{Access, Calls};
use cloud_lb_core::rate::RateLimit;

use crate::classify::Service;
use crate::config::Throttle;

/// Whether an operation only reads, by its name.
pub(super) fn access(operation: &str) -> Access {
    if operation.starts_with("Describe") { Access::Read } else { Access::Write }
}

/// Calls limited by what the configuration says of this API.
pub(super) fn limited(calls: Calls, service: Service, throttles: &[Throttle]) -> Calls {
    let name = match service {
        Service::Elbv2 => "elbv2",
        Service::Ec2 => "ec2",
        // One list, asked for once, needs no entry.
        Service::Acm => "acm",
    };
    throttles.iter().filter(|throttle| throttle.service == name).fold(calls, |calls, throttle| {
        let limit = limit(throttle);
        match throttle.actions.as_slice() {
            [] => calls.with_limit(Access::Read, limit).with_limit(Access::Write, limit),
            actions => calls.with_limit_of(actions.to_vec(), limit),
        }
    })
}

fn limit(throttle: &Throttle) -> RateLimit {
    let interval = Duration::try_from_secs_f64(1.0 / throttle.rate).unwrap_or(Duration::from_secs(1));
    RateLimit { interval, burst: NonZeroU32::new(throttle.burst).unwrap_or(NonZeroU32::MIN) }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::Config;

    fn calls(service: Service) -> Calls {
        let throttles = Config::for_cluster("c").aws_api_throttle;
        limited(Calls::new(Duration::from_secs(30)), service, &throttles)
    }

    async fn time_of(calls: &Calls, operation: &'static str, times: u32) -> Duration {
        let start = Instant::now();
        for _ in 0..times {
            calls.make(operation, access(operation), async { Ok(()) }).await.unwrap();
        }
        start.elapsed()
    }

    /// Three a second is no whole number of milliseconds, and the timer rounds up to one.
    fn about_a_second(time: Duration) -> bool {
        (999..=1003).contains(&time.as_millis())
    }

    #[tokio::test(start_paused = true)]
    async fn aws_236_each_family_has_its_rate_and_burst() {
        let (elbv2, ec2) = (calls(Service::Elbv2), calls(Service::Ec2));
        assert_eq!(time_of(&elbv2, "DescribeTags", 38).await, Duration::from_secs(1));
        assert_eq!(time_of(&elbv2, "RegisterTargets", 12).await, Duration::ZERO);
        assert_eq!(time_of(&elbv2, "DeregisterTargets", 12).await, Duration::from_secs(1));
        assert!(about_a_second(time_of(&elbv2, "CreateListener", 13).await));
        assert_eq!(time_of(&ec2, "DescribeSubnets", 60).await, Duration::from_secs(1));
        assert!(about_a_second(time_of(&ec2, "CreateTags", 13).await));
    }

    #[tokio::test(start_paused = true)]
    async fn aws_236_throttling_halves_the_rate_of_its_family_only() {
        let elbv2 = calls(Service::Elbv2);
        assert_eq!(time_of(&elbv2, "RegisterTargets", 1).await, Duration::ZERO);
        elbv2.throttled("RegisterTargets", access("RegisterTargets"));
        assert_eq!(time_of(&elbv2, "CreateListener", 10).await, Duration::ZERO);
        assert_eq!(time_of(&elbv2, "DescribeTags", 30).await, Duration::ZERO);
        let registrations = time_of(&elbv2, "RegisterTargets", 14).await;
        assert!(registrations >= Duration::from_secs(2), "{registrations:?}: 2 a second instead of 4");
    }
}
