#!/usr/bin/env bash
# Makes what the Dockerfiles beside this file need where no image registry can be reached: the base images, out of
# Debian's packages and under the same names, and the Python wheels. Needs a Docker engine, a Debian package mirror (the one
# that apt is set up for, or $DEBIAN_MIRROR) and a Python package index (the one that pip is set up for).
#
#   offline.sh            makes what is not there yet
#   offline.sh --remove   takes away what it made
set -euo pipefail
cd "$(dirname "$0")"

label=portolan.dev/made-by=offline.sh
suite=trixie
images=(python:3.13-slim-trixie debian:trixie-slim busybox:1.37)

step() { printf 'offline: %s\n' "$*" >&2; }
fail() { printf 'offline: %s\n' "$*" >&2; exit 2; }

made_here() { [ -n "$(docker image ls --quiet --filter "label=$label" --filter "reference=$1")" ]; }

if [ "${1:-}" = --remove ]; then
    for image in "${images[@]}"; do
        if made_here "$image"; then docker image rm "$image" >&2; fi
    done
    rm -f wheels/*/*.whl
    exit
fi
[ $# -eq 0 ] || fail "only --remove is known, not $*"

docker version >/dev/null || fail "no Docker engine answers"
scratch=$(mktemp -d)

# debootstrap mounts these inside, and leaves them when it is interrupted.
clean() {
    umount --lazy "$scratch/root/proc" "$scratch/root/sys" 2>/dev/null || true
    rm -rf --one-file-system "$scratch"
}
trap clean EXIT

there() { docker image inspect "$1" >/dev/null 2>&1; }

# The mirror that this machine's apt uses for Debian itself.
mirror() {
    if [ -n "${DEBIAN_MIRROR:-}" ]; then echo "$DEBIAN_MIRROR"; return; fi
    # shellcheck disable=SC2016 # a name of apt's own
    apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | sed -n 1p
}

# Debian's own way to make a system from packages; unpacked here if it is not installed.
install_debian() {
    if ! command -v debootstrap >/dev/null; then
        (cd "$scratch" && apt-get download -qq -o APT::Sandbox::User=root debootstrap && dpkg -x debootstrap_*.deb unpacked)
        export DEBOOTSTRAP_DIR=$scratch/unpacked/usr/share/debootstrap
        PATH=$PATH:$scratch/unpacked/usr/sbin
    fi
    debootstrap "$@"
}

import() { # IMAGE COMMAND: from a tar archive on standard input
    docker import --change "LABEL $label" --change "CMD [\"$2\"]" - "$1" >/dev/null
    step "made $1"
}

bases() {
    local missing=() image
    for image in "${images[@]}"; do
        if there "$image"; then step "$image is there"; else missing+=("$image"); fi
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    [ "$(id -u)" = 0 ] || fail "debootstrap needs root to make ${missing[*]}"
    local site root=$scratch/root
    site=$(mirror)
    [ -n "$site" ] || fail "apt knows no Debian mirror; run apt-get update, or set DEBIAN_MIRROR"
    step "installing Debian $suite into a folder"
    install_debian --variant=minbase --include=ca-certificates,python3,python3-venv,busybox-static \
        "$suite" "$root" "$site" >"$scratch/log" || { tail -5 "$scratch/log" >&2; fail "debootstrap failed"; }
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale}
    for image in "${missing[@]}"; do
        case $image in
        python:*) tar -C "$root" -c . | import "$image" python3 ;;
        debian:*) tar -C "$root" -c . | import "$image" bash ;;
        busybox:*)
            mkdir -p "$scratch"/small/{bin,tmp,etc}
            cp "$root/bin/busybox" "$scratch/small/bin/"
            ln -s busybox "$scratch/small/bin/sh"
            tar -C "$scratch/small" -c . | import "$image" sh
            ;;
        esac
    done
}

# With the Python that will run them, for some of them are built from source.
wheels() {
    local emulator pass=() name bundle=${PIP_CERT:-/etc/ssl/certs/ca-certificates.crt}
    for name in PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_TRUSTED_HOST HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy; do
        if [ -n "${!name:-}" ]; then pass+=(--env "$name"); fi
    done
    if [ -f "$bundle" ]; then pass+=(--env PIP_CERT=/bundle.crt --volume "$(realpath "$bundle"):/bundle.crt:ro"); fi
    for emulator in ministack localemu; do
        if cmp -s "requirements/$emulator.txt" "wheels/$emulator/made-for.txt"; then
            step "the wheels of $emulator are there"
            continue
        fi
        rm -f "wheels/$emulator"/*.whl
        docker run --rm --network host "${pass[@]}" \
            --volume "$PWD/requirements/$emulator.txt:/requirements.txt:ro" --volume "$PWD/wheels/$emulator:/wheels" \
            python:3.13-slim-trixie sh -euc "
                python3 -m venv /tmp/pip
                /tmp/pip/bin/pip wheel --quiet --disable-pip-version-check --no-cache-dir --no-deps -r /requirements.txt -w /wheels
                chown -R $(id -u):$(id -g) /wheels" >&2
        cp "requirements/$emulator.txt" "wheels/$emulator/made-for.txt"
        step "fetched the wheels of $emulator"
    done
}

bases
wheels
step "done; build with PIP_NO_INDEX=1, which keeps pip from asking an index"
