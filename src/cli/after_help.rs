//! What follows the options in the help of each verb. A paragraph is one line here: clap wraps it at the width of the
//! terminal, and a second break by hand would leave ragged lines.

pub const OF_ALL: &str = "\
Exit codes:
  0         in sync, or every step was applied, or no traced path is broken
  1         a difference (pending, drift, blocked) or a broken path
  2         an error: usage, manifest, credentials, a rejected call, a failed step
  3         incomplete: a read failed (only with --strict)
  130, 143  interrupted, terminated

Examples:
  portolan validate -f manifests/
  portolan reconcile -f manifests/ --dry-run
  portolan reconcile -f manifests/ --yes --wait
  kustomize build . | portolan drift -f - -o json";

pub const OF_VALIDATE: &str = "\
Examples:
  portolan validate -f fleet.yaml
  portolan validate -f manifests/ -R -o json
  portolan validate -f manifests/ -o github -o junit=validate.xml";

pub const OF_RECONCILE: &str = "\
Without --yes, Portolan shows the plan and asks for confirmation; without a terminal it applies nothing.

Examples:
  portolan reconcile -f manifests/ --dry-run
  portolan reconcile -f manifests/ --yes --wait --timeout 15m
  portolan reconcile -f manifests/ --only service/checkout
  portolan reconcile -f manifests/ --image checkout=shop:1.5 --yes --wait";

pub const OF_ROLLBACK: &str = "\
A deployment that is in progress is stopped, and ECS rolls it back. Otherwise the service gets what its last successful deployment \
before the current one ran. Portolan tags the service with a fingerprint of what it rolled back from \
(portolan.dev/rolled-back), and does not deploy that again until the manifest changes.

Examples:
  portolan rollback checkout -f manifests/ --dry-run
  portolan rollback checkout -f manifests/ --yes --wait";

pub const OF_RESTART: &str = "\
The task definition stays the same. Use it after a secret was rotated.

Examples:
  portolan restart checkout -f manifests/
  portolan restart checkout -f manifests/ --yes --wait --timeout 15m";

pub const OF_DRIFT: &str = "\
Every format except text has the line of the manifest. FORMAT=FILE writes a format to a file in the same pass. \
--notify-url posts the document of `-o json` if the exit code is not 0; set PORTOLAN_NOTIFY_URL instead to keep its \
secret out of the process list.

Examples:
  portolan drift -f manifests/
  portolan drift -f manifests/ -o json --strict
  portolan drift -f manifests/ -o github -o sarif=drift.sarif
  portolan drift -f manifests/ -o markdown >> \"$GITHUB_STEP_SUMMARY\"
  portolan drift -f manifests/ -q --notify-url https://hooks.example.com/a";

pub const OF_INIT: &str = "\
A dry run of the new manifest shows no difference until something changes. Settings that the manifest format does not \
support are written as comments.

Examples:
  portolan init --cluster prod > fleet.yaml
  portolan init --cluster prod --service checkout --service cart > fleet.yaml
  portolan init --cluster prod --name payments-prod --split manifests/prod
  portolan init --cluster prod --definitions files --images --split manifests
  portolan init --cluster prod --definitions inline > fleet.yaml
  portolan init --ecspresso ecspresso.yml > portolan.yaml";

pub const OF_STATUS: &str = "\
Examples:
  portolan status --cluster prod         # without a manifest
  portolan status checkout cart -f manifests/
  portolan status -f manifests/ -o json";

pub const OF_TRACE: &str = "\
Codes such as M01 are explained in docs/trace.md.

Examples:
  portolan trace -f manifests/
  portolan trace checkout/http -f manifests/ --client 203.0.113.7/32
  portolan trace -f manifests/ --request 'GET https://shop.example.com/cart/1'
  portolan trace --cluster prod
  portolan trace --broken -f manifests/
  portolan trace -f manifests/ --planned";

pub const OF_RUN: &str = "\
Portolan re-reads the manifest when its files change, and on SIGHUP. On SIGTERM it waits for calls in flight and starts \
no new ones. HTTP endpoints (read-only): /healthz, /readyz, /metrics, /api/v1/status.

Examples:
  portolan run -f manifests/
  portolan run -f manifests/ --observe --interval 5m
  portolan run -f manifests/ \\
    --events-queue https://sqs.eu-west-1.amazonaws.com/123456789012/events
  portolan run -f manifests/ --listen 0.0.0.0:9797 --log-format json";

#[cfg(feature = "sandbox")]
pub const OF_DEMO: &str = "\
Runs an in-memory AWS inside this process: it installs nothing and sends nothing.

Examples:
  portolan demo
  portolan demo --chapter rollout        # create, deploy, roll back
  portolan demo --port 4566              # then try it on the same broken fleet
  portolan demo --print manifest > fleet.yaml";

#[cfg(feature = "sandbox")]
pub const OF_SANDBOX: &str = "\
It rejects what AWS rejects, starts tasks, and derives target health from the path that a request would take.

Calls of its own:
  POST /_sandbox/advance?seconds=60
  POST /_sandbox/reset
  GET  /_sandbox/trace
  GET  /_sandbox/request?host=shop.example.com&path=/cart

Examples:
  portolan sandbox
  portolan sandbox --port 4566 --world world.yaml --speed 10
  AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_ACCESS_KEY_ID=test \\
    AWS_SECRET_ACCESS_KEY=test aws ecs list-clusters";

pub const OF_SCHEMA: &str = "\
Example:
  portolan schema > portolan.schema.json";

pub const OF_COMPLETIONS: &str = "\
Examples:
  portolan completions bash > ~/.portolan.bash
  portolan completions zsh > ~/.zfunc/_portolan";
