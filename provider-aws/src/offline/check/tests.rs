use super::*;
use crate::facts::{Instance, SubnetFacts, VpcFacts};

fn account() -> Account {
    let vpc = VpcFacts { vpc_id: "vpc-1".into(), ..VpcFacts::default() };
    Account { vpc_id: "vpc-1".into(), vpcs: vec![vpc], ..Account::default() }
}

fn refused(account: &Account) -> Vec<String> {
    check(account).unwrap_err().violations().iter().map(ToString::to_string).collect()
}

#[test]
fn a_network_is_all_that_is_needed() {
    check(&account()).unwrap();
    let none = Account::default();
    assert_eq!(
        refused(&none),
        ["VpcId: \"\" is not valid, expected the id of the cluster's network, one of Vpcs, which is empty"]
    );
}

#[test]
fn everything_that_leads_nowhere_is_named_at_once() {
    let subnet: SubnetFacts = serde_json::from_value(serde_json::json!({
        "SubnetId": "subnet-1", "VpcId": "vpc-2", "AvailabilityZone": "eu-west-1a",
    }))
    .unwrap();
    let instance = Instance { instance_id: "i-1".into(), ..Instance::default() };
    let lost = Instance { security_groups: ["sg-1".to_owned()].into(), ..instance.clone() };
    let account = Account { subnets: vec![subnet], instances: vec![instance, lost], ..account() };
    assert_eq!(
        refused(&account),
        [
            "Instances[1].InstanceId: \"i-1\" is not valid, expected an id of its own: Instances[0] has it",
            "Subnets[0].VpcId: \"vpc-2\" is not valid, expected one of Vpcs: vpc-1",
            "Instances[1].SecurityGroups: \"sg-1\" is not valid, expected one of SecurityGroups, which is empty",
        ]
    );
}
