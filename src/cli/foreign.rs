//! Words that people bring along from other tools, and verbs that are still to come.

/// What to say to a verb that there is none of.
pub fn hint(word: &str) -> Option<String> {
    let hint = match word {
        "apply" | "sync" | "up" | "deploy" => {
            format!("use `portolan reconcile -f …` instead of `{word}`: it shows the plan and asks before it applies")
        }
        "plan" | "diff" => format!(
            "use `portolan reconcile -f … --dry-run` instead of `{word}`, or `portolan drift -f …` in cron and CI"
        ),
        "get" | "describe" | "list" | "ps" => {
            format!(
                "use `portolan status` with -f or --cluster instead of `{word}`; `portolan drift -f …` shows differences"
            )
        }
        "import" | "adopt" | "export" => {
            format!("use `portolan init --cluster …` instead of `{word}`: it writes a manifest of the live state")
        }
        "check" | "lint" => {
            format!(
                "use `portolan validate -f …` instead of `{word}`, or `portolan drift -f …` to compare with the live state"
            )
        }
        "delete" | "destroy" => format!(
            "there is no command `{word}`: remove the object from the manifest; with `removal: {{prune: true}}`, \
             `portolan reconcile` deletes what Portolan created for it"
        ),
        _ => return None,
    };
    Some(hint)
}
