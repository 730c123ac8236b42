//! What goes wrong between the controllers, the API server and the cloud.

use std::time::Duration;

use cloud_lb_core::ErrorKind;
use provider_mock::Fault as CloudFault;
use provider_mock::apiserver::Fault as ApiFault;

use crate::world::World;

impl World {
    /// One thing that happens.
    pub(crate) async fn something_happens(&mut self) {
        match self.rng.u8(..24) {
            0..=8 => self.use_cluster(),
            9..=11 => self.change_some_node(),
            12 => self.add_node(),
            13 | 14 => self.break_connection(),
            15 | 16 => self.trouble_api(),
            17 | 18 => self.trouble_cloud(),
            19 => self.calm_down(),
            22 | 23 => self.tamper_with_cloud().await,
            _ => self.end_some_replica().await,
        }
        self.revive_some();
        self.notice_leaders();
    }

    fn some_replica(&mut self) -> usize {
        self.rng.usize(..self.replicas.len())
    }

    /// Watches and connections break.
    fn break_connection(&mut self) {
        let some = self.some_replica();
        let what = match self.rng.u8(..5) {
            0 => {
                self.api.compact();
                self.replicas.iter().for_each(|replica| replica.api.faults().drop_watches());
                "history compacted (410 Gone)"
            }
            1 => {
                self.replicas[some].api.faults().drop_watches();
                "watches dropped"
            }
            2 => {
                let lag = self.pick(&[0, 50, 2000, 20_000]);
                self.replicas[some].api.faults().set_lag(Duration::from_millis(lag));
                "watches lag"
            }
            3 => {
                self.replicas[some].api.faults().cut();
                "partition from the API server"
            }
            _ => {
                self.replicas[some].api.faults().mend();
                return;
            }
        };
        tracing::info!(target: "simulation", replica = some, what, "the connection breaks");
        self.count(what);
    }

    fn trouble_api(&mut self) {
        let some = self.some_replica();
        let mut faults: Vec<ApiFault> = [20, 20, 300, 3000, 30_000]
            .into_iter()
            .map(|millis| ApiFault::Delay(Duration::from_millis(millis)))
            .collect();
        faults.extend([100, 5000].map(|millis| ApiFault::DelayAfterwards(Duration::from_millis(millis))));
        faults.extend([409, 429, 500, 503, 504].map(ApiFault::Fail));
        faults.extend([ApiFault::FailAfterwards(500), ApiFault::FailAfterwards(504)]);
        faults.extend([ApiFault::Drop, ApiFault::DropAfterwards]);
        let (seed, probability) = (self.rng.u64(..), self.pick(&[0.05, 0.2, 0.5]));
        tracing::info!(target: "simulation", replica = some, probability, "the API server is troubled");
        self.replicas[some].api.faults().randomly(seed, probability, faults);
    }

    fn trouble_cloud(&mut self) {
        let some = self.some_replica();
        let kinds = [
            ErrorKind::Throttled,
            ErrorKind::Unavailable,
            ErrorKind::Timeout,
            ErrorKind::Quota,
            ErrorKind::Conflict,
        ];
        let mut faults: Vec<CloudFault> = kinds.into_iter().map(CloudFault::Fail).collect();
        faults.extend([ErrorKind::Unavailable, ErrorKind::Timeout].map(CloudFault::FailAfterWork));
        faults.extend([CloudFault::Drop, CloudFault::DropAfterWork, CloudFault::DropAfterWork]);
        let (seed, mut probability) = (self.rng.u64(..), self.pick(&[0.02, 0.1, 0.3]));
        if self.once_in(5) {
            (faults, probability) = (vec![CloudFault::Drop], 1.0);
            self.count("partition from the cloud");
        }
        tracing::info!(target: "simulation", replica = some, probability, "the cloud is troubled");
        self.replicas[some].cloud.faults().randomly(seed, probability, faults);
    }

    fn calm_down(&mut self) {
        let some = self.some_replica();
        tracing::info!(target: "simulation", replica = some, "calm returns");
        self.heal(some);
    }

    /// Ends all faults of a replica's connections.
    pub(crate) fn heal(&mut self, replica: usize) {
        let replica = &self.replicas[replica];
        let (api, cloud) = (replica.api.faults(), replica.cloud.faults());
        api.clear();
        cloud.clear();
    }

    async fn end_some_replica(&mut self) {
        let some = self.some_replica();
        if !self.replicas[some].is_alive() {
            return;
        }
        if self.rng.bool() {
            tracing::info!(target: "simulation", replica = some, "is killed");
            self.count("crashes");
            self.replicas[some].kill().await;
        } else {
            tracing::info!(target: "simulation", replica = some, "is asked to stop");
            self.count("graceful stops");
            self.replicas[some].stop().await;
        }
        self.forget();
    }

    fn revive_some(&mut self) {
        for number in 0..self.replicas.len() {
            if !self.replicas[number].is_alive() && self.once_in(3) {
                self.forget();
                let fatal = if self.once_in(3) { Some(self.rng.u64(1..20)) } else { None };
                self.replicas[number].start(fatal);
            }
        }
    }
}
