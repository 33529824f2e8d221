//! Words that people bring along from other tools, and verbs that are still to come.

/// What to say to a verb that there is none of.
pub fn hint(word: &str) -> Option<String> {
    let hint = match word {
        "apply" | "sync" | "up" | "deploy" => {
            format!("`{word}` is `portolan reconcile -f …` here: it shows the plan and asks before it applies")
        }
        "plan" | "diff" => format!(
            "`{word}` is `portolan reconcile -f … --dry-run` here; for cron and CI there is `portolan drift -f …`"
        ),
        "get" | "describe" | "list" | "ps" => {
            format!(
                "`{word}` is `portolan status` here, with -f or --cluster; `portolan drift -f …` shows what differs"
            )
        }
        "import" | "adopt" | "export" => {
            format!("`{word}` is `portolan init --cluster …` here: it writes the manifest of what stands")
        }
        "check" | "lint" => {
            format!("`{word}` is `portolan validate -f …` here, and `portolan drift -f …` against the live fleet")
        }
        "delete" | "destroy" => format!(
            "`{word}` is not a verb here: take the object out of the manifest, and with `removal: {{prune: true}}` \
             `portolan reconcile` deletes what Portolan made for it"
        ),
        _ => return None,
    };
    Some(hint)
}
