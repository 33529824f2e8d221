//! What follows the options in the help of each verb. A paragraph is one line here: clap wraps it at the width of the
//! terminal, and a second break by hand would leave ragged lines.

pub const OF_ALL: &str = "\
Exit codes:
  0         in sync, or everything was applied, or no traced path is broken
  1         a difference: pending, drift, blocked, or a broken path
  2         an error: usage, manifest, credentials, AWS refused, apply failed
  3         incomplete: something could not be read (only with --strict)
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
Without --yes the plan is shown and you are asked; where there is no terminal to ask on, nothing is applied.

Examples:
  portolan reconcile -f manifests/ --dry-run
  portolan reconcile -f manifests/ --yes --wait --timeout 15m
  portolan reconcile -f manifests/ --only service/checkout";

pub const OF_DRIFT: &str = "\
Every form but text has the line of the manifest. FORM=FILE writes a form to a file in the same pass. --notify-url gets the document of `-o json` whenever the exit code is \
not 0; it may be given as PORTOLAN_NOTIFY_URL, so that its secret stays out of the list of processes.

Examples:
  portolan drift -f manifests/
  portolan drift -f manifests/ -o json --strict
  portolan drift -f manifests/ -o github -o sarif=drift.sarif
  portolan drift -f manifests/ -o markdown >> \"$GITHUB_STEP_SUMMARY\"
  portolan drift -f manifests/ -q --notify-url https://hooks.example.com/a";

pub const OF_INIT: &str = "\
A dry run of what it writes shows no difference as long as nobody changes anything. What the format cannot say is a \
comment at its place.

Examples:
  portolan init --cluster prod > fleet.yaml
  portolan init --cluster prod --service checkout --service cart > fleet.yaml
  portolan init --cluster prod --name payments-prod --split manifests/prod";

pub const OF_STATUS: &str = "\
Examples:
  portolan status --cluster prod         # without any file
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
The manifest is read again when its files change, and on SIGHUP. SIGTERM awaits what was sent and starts nothing new. \
Over HTTP: /healthz, /readyz, /metrics, /api/v1/status; nothing there changes anything.

Examples:
  portolan run -f manifests/
  portolan run -f manifests/ --observe --interval 5m
  portolan run -f manifests/ \\
    --events-queue https://sqs.eu-west-1.amazonaws.com/123456789012/events
  portolan run -f manifests/ --listen 0.0.0.0:9797 --log-format json";

#[cfg(feature = "sandbox")]
pub const OF_DEMO: &str = "\
Nothing is installed, nothing is sent anywhere: the AWS is in this process.

Examples:
  portolan demo
  portolan demo --port 4566              # then try it on the same broken fleet
  portolan demo --print manifest > fleet.yaml";

#[cfg(feature = "sandbox")]
pub const OF_SANDBOX: &str = "\
It rejects what AWS rejects, starts tasks, and works target health out from the path that a request would take.

Its own calls:
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
