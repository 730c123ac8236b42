//! What there is of many Services: one listing of the account, then the details of each.

use cloud_lb_core::backend::Everything;
use cloud_lb_core::error::Result;
use cloud_lb_core::model::LoadBalancer;
use cloud_lb_core::plan::Observed;
use futures::{StreamExt, stream};

use super::Reading;
use crate::api::Api;
use crate::backend::Aws;
use crate::kinds::Spec;

/// Services whose details are read at the same time.
const AT_ONCE: usize = 8;

impl<A: Api> Aws<A> {
    pub(crate) async fn observe_services(&self, services: &[&LoadBalancer]) -> Result<Everything<Spec>> {
        self.inventory.doubt();
        let owned = self.owned().await?;
        // Which security groups the nodes have tells what is open for a Service.
        self.instances(services.iter().flat_map(|lb| &lb.nodes)).await?;
        let each: Vec<_> = services.iter().map(|lb| self.observe_anew(lb)).collect();
        Ok(Everything { observed: stream::iter(each).buffered(AT_ONCE).collect().await, owned })
    }

    async fn observe_anew(&self, lb: &LoadBalancer) -> Result<Observed<Spec>> {
        self.note_wishes(lb);
        let (view, stack) = self.stack(&lb.service, Reading::Anew).await?;
        Ok(self.observed(&lb.service, &view, &stack, Reading::Anew))
    }
}
