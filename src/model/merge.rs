//! Two readings of AWS become one.

use std::collections::BTreeMap;

use super::observed::{NOT_ASKED, Observed};
use super::seen::Seen;

/// Replaces an answer, unless the newer reading did not ask.
fn take_asked<T>(known: &mut Seen<T>, newer: Seen<T>) {
    if newer.gap().is_none_or(|gap| gap.why != NOT_ASKED) {
        *known = newer;
    }
}

impl Observed {
    /// Adds the answers of another reading; they are the newer ones.
    pub fn merge(&mut self, newer: Self) {
        let Self {
            account,
            clusters,
            services,
            task_definitions,
            tasks,
            other_tasks,
            revisions,
            past_deployments,
            under_way,
            stopped_tasks,
            scalable_targets,
            container_instances,
            hosts,
            address_owners,
            interfaces,
            vpcs,
            routes,
            route_tables,
            network_acls,
            subnets,
            nodes,
            endpoint_services,
            security_groups,
            ingress,
            egress,
            prefix_lists,
            marked_ingress,
            load_balancers,
            balancer_attributes,
            listeners,
            rules,
            target_groups,
            attributes,
            targets,
            group_addresses,
            named_target_groups,
            limits,
            gaps,
            gaps_around,
            region: _,
        } = newer;
        take_asked(&mut self.account, account);
        take_asked(&mut self.vpcs, vpcs);
        take_asked(&mut self.subnets, subnets);
        take_asked(&mut self.endpoint_services, endpoint_services);
        take_asked(&mut self.security_groups, security_groups);
        take_asked(&mut self.marked_ingress, marked_ingress);
        take_asked(&mut self.load_balancers, load_balancers);
        take_asked(&mut self.target_groups, target_groups);
        take_asked(&mut self.limits, limits);
        self.clusters.extend(clusters);
        self.services.extend(services);
        self.task_definitions.extend(task_definitions);
        self.tasks.extend(tasks);
        self.revisions.extend(revisions);
        self.past_deployments.extend(past_deployments);
        self.under_way.extend(under_way);
        self.stopped_tasks.extend(stopped_tasks);
        self.scalable_targets.extend(scalable_targets);
        self.container_instances.extend(container_instances);
        self.hosts.extend(hosts);
        self.address_owners.extend(address_owners);
        self.interfaces.extend(interfaces);
        self.routes.extend(routes);
        self.route_tables.extend(route_tables);
        self.network_acls.extend(network_acls);
        self.nodes.extend(nodes);
        self.ingress.extend(ingress);
        self.egress.extend(egress);
        self.prefix_lists.extend(prefix_lists);
        self.balancer_attributes.extend(balancer_attributes);
        self.listeners.extend(listeners);
        self.rules.extend(rules);
        self.attributes.extend(attributes);
        self.targets.extend(targets);
        self.group_addresses.extend(group_addresses);
        self.named_target_groups.extend(named_target_groups);
        self.other_tasks.extend(other_tasks);
        self.gaps.extend(gaps);
        self.gaps_around.extend(gaps_around);
    }

    /// Adds what an older reading of the network around paths has and this one has not, or does not know.
    pub fn fill(&mut self, older: &Self) {
        fn fill<K: Clone + Ord, T: Clone>(newer: &mut BTreeMap<K, Seen<T>>, older: &BTreeMap<K, Seen<T>>) {
            for (key, seen) in older {
                if newer.get(key).is_none_or(|known| known.gap().is_some()) {
                    newer.insert(key.clone(), seen.clone());
                }
            }
        }
        fill(&mut self.ingress, &older.ingress);
        fill(&mut self.egress, &older.egress);
        fill(&mut self.prefix_lists, &older.prefix_lists);
        fill(&mut self.network_acls, &older.network_acls);
        fill(&mut self.route_tables, &older.route_tables);
        fill(&mut self.interfaces, &older.interfaces);
        fill(&mut self.nodes, &older.nodes);
        fill(&mut self.container_instances, &older.container_instances);
        fill(&mut self.hosts, &older.hosts);
        fill(&mut self.named_target_groups, &older.named_target_groups);
        fill(&mut self.stopped_tasks, &older.stopped_tasks);
        fill(&mut self.balancer_attributes, &older.balancer_attributes);
        fill(&mut self.attributes, &older.attributes);
        take_asked(&mut self.endpoint_services, older.endpoint_services.clone());
    }
}
