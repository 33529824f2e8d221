//! Answers find their places: what belongs to another thing stands with that.

use std::collections::{BTreeMap, BTreeSet};

use super::id::{LoadBalancerArn, RuleArn, ServiceId, TaskArn};
use super::listener_rule::Rule;
use super::network::LoadBalancerKind;
use super::observed::Observed;
use super::owner::Tags;
use super::query::Answer;
use super::seen::Seen;
use super::target::Task;
use super::target_group::TargetGroup;

impl Observed {
    /// Takes in an answer. A newer one takes the place of an older one.
    pub fn take(&mut self, mut answer: Answer) {
        if let Answer::TargetGroups(Seen::Present(groups)) = &mut answer {
            groups.iter_mut().for_each(|group| self.tag(group.arn.as_str(), &mut group.tags));
        }
        if let Answer::Rules(_, Seen::Present(rules)) = &mut answer {
            rules.iter_mut().for_each(|rule| self.tag(rule.arn.as_str(), &mut rule.tags));
        }
        if let Answer::Listeners(balancer, Seen::Present(listeners)) = &answer
            && self.has_default_actions_alone(balancer)
        {
            let known = listeners.iter().map(|listener| (listener.arn.clone(), Seen::Present(Vec::new())));
            self.rules.extend(known);
        }
        if let Answer::StoppingTasks(cluster, stopping) = &answer {
            self.take_stopping(cluster, stopping);
        }
        if let Answer::TaskPlacements(cluster, Seen::Present(())) = &answer
            && self.task_placements.get(cluster).is_some_and(|known| known.gap().is_some())
        {
            // This answer came with another list of the same cluster's tasks; what the first list lacks is still unknown.
            return;
        }
        if let Answer::Tags(arn, seen) = answer {
            self.take_tags(arn, seen);
        } else {
            self.store(answer);
        }
    }

    /// Whether a load balancer is known to be of a kind whose listeners have default actions and no rules.
    fn has_default_actions_alone(&self, balancer: &LoadBalancerArn) -> bool {
        let mut all = self.load_balancers.as_ref().present().into_iter().flatten();
        all.any(|one| one.arn == *balancer && one.kind != LoadBalancerKind::Application)
    }

    /// Gives a thing the tags that have arrived before it.
    fn tag(&mut self, arn: &str, tags: &mut Seen<Tags>) {
        match self.tags.get(arn) {
            None => {}
            Some(Seen::Present(_)) => *tags = self.tags.remove(arn).unwrap_or(Seen::Absent),
            Some(seen) => *tags = seen.clone(),
        }
    }

    fn take_tags(&mut self, arn: String, seen: Seen<Tags>) {
        let place = self.group_of(&arn).map(|group| &mut group.tags);
        let place = match place {
            Some(place) => Some(place),
            None => self.rule_of(&arn).map(|rule| &mut rule.tags),
        };
        match place {
            Some(place) if seen.gap().is_none() => {
                *place = seen;
                self.tags.remove(&arn);
            }
            Some(place) => {
                place.clone_from(&seen);
                self.tags.insert(arn, seen);
            }
            None => _ = self.tags.insert(arn, seen),
        }
    }

    fn group_of(&mut self, arn: &str) -> Option<&mut TargetGroup> {
        let Seen::Present(groups) = &mut self.target_groups else { return None };
        // The reader sorts them.
        let at = groups.binary_search_by(|group| group.arn.as_str().cmp(arn)).ok()?;
        groups.get_mut(at)
    }

    fn rule_of(&mut self, arn: &str) -> Option<&mut Rule> {
        let arn = RuleArn::from(arn);
        let listener = arn.listener().filter(|listener| self.rules.contains_key(listener));
        let lists = self.rules.iter_mut().filter(|(key, _)| listener.as_ref().is_none_or(|listener| listener == *key));
        let lists = lists.filter_map(|(_, seen)| match seen {
            Seen::Present(rules) => Some(rules),
            Seen::Absent | Seen::Unknown(_) => None,
        });
        lists.flatten().find(|rule| rule.arn == arn)
    }

    /// Adds tasks to those that are known. Where they could not be read, a complete list is not known any more.
    fn take_stopping(&mut self, cluster: &str, stopping: &Seen<BTreeMap<ServiceId, Vec<Task>>>) {
        for (id, seen) in self.tasks.iter_mut().filter(|(id, _)| id.cluster == cluster) {
            match (stopping, &mut *seen) {
                (Seen::Unknown(gap), Seen::Present(_)) => *seen = Seen::Unknown(gap.clone()),
                (Seen::Present(found), Seen::Present(tasks)) => {
                    let known: BTreeSet<TaskArn> = tasks.iter().map(|task| task.arn.clone()).collect();
                    let found = found.get(id).into_iter().flatten();
                    tasks.extend(found.filter(|task| !known.contains(&task.arn)).cloned());
                    tasks.sort_by(|a, b| a.arn.cmp(&b.arn));
                }
                (Seen::Absent, _) | (_, Seen::Absent | Seen::Unknown(_)) => {}
            }
        }
    }
}
