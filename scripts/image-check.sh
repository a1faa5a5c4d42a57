#!/usr/bin/env bash
# Builds the CPU image and asks it something, without a container engine: a minimal Debian made by debootstrap stands
# in for the base image, and buildah builds and runs in a chroot. Needs root on Debian; cleans up after itself.
#   scripts/image-check.sh [PORT]
set -euo pipefail
cd "$(dirname "$0")/.."

port=${1:-8123}
base=docker.io/library/python:3.11-slim-bookworm # ARG PYTHON_IMAGE of the Dockerfile
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
work=$(mktemp -d "${TMPDIR:-/tmp}/sightline-image.XXXXXX")
server=

[ "$(id -u)" = 0 ] || { echo "error: image-check builds a root file system: run it as root" >&2; exit 2; }

buildah() { command buildah --storage-driver vfs --root "$work/storage" --runroot "$work/run" "$@"; }
in_image() { buildah run --isolation=chroot "$container" -- "$@"; }
step() { printf '== %s\n' "$*"; }

clean_up() {
    if [ -n "$server" ]; then
        kill -- "-$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    # buildah's chroot leaves nothing mounted once its command has ended.
    buildah rm --all >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap clean_up EXIT

install_tools() {
    local missing=() tool
    # On the path only: the function above has the name of a tool.
    for tool in debootstrap buildah curl; do type -P "$tool" >/dev/null || missing+=("$tool"); done
    [ ${#missing[@]} = 0 ] && return
    type -P apt-get >/dev/null || { echo "error: image-check needs ${missing[*]}: install them" >&2; return 2; }
    echo "Installing the Debian packages ${missing[*]} ..."
    apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends "${missing[@]}"
}

make_base_image() {
    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$work/root" "$mirror" \
        >"$work/debootstrap.log" || { tail -20 "$work/debootstrap.log" >&2; return 1; }
    local scratch
    scratch=$(buildah from scratch)
    buildah add --quiet "$scratch" "$work/root" / >/dev/null
    buildah commit --quiet --rm "$scratch" "$base" >/dev/null
    rm -rf "$work/root"
}

# What this machine tells pip by its environment holds in the build too: index, folder of wheels, certificates.
build_image() {
    local options name
    options=(--build-arg "TORCH_INDEX_URL=$(python3 scripts/cpu_torch_index.py)")
    for name in PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_FIND_LINKS PIP_CERT; do
        [ -n "${!name:-}" ] || continue
        options+=(--build-arg "$name=${!name}")
        [ -e "${!name}" ] && options+=(--volume "${!name}:${!name}:ro")
    done
    buildah bud --quiet --isolation=chroot --pull-never --network=host --format docker --layers=false \
        "${options[@]}" --target cpu --tag sightline:cpu . >/dev/null
}

look_inside() {
    [ "$(in_image id -u)" != 0 ] || { echo "error: the image runs as root" >&2; return 1; }
    if in_image python3 -m pip list 2>/dev/null | grep -iE '^(nvidia|cuda|triton)'; then
        echo "error: the CPU image contains CUDA packages" >&2
        return 1
    fi
    du -sh "$(buildah mount "$container")/opt/sightline" | cut -f1 | xargs echo "size of the installed packages:"
    buildah umount "$container" >/dev/null
}

wait_for_server() {
    local _
    for _ in $(seq 120); do
        curl -fsS "http://127.0.0.1:$port/livez" >/dev/null 2>&1 && return
        kill -0 "$server" 2>/dev/null || break
        sleep 1
    done
    echo "error: the server in the image does not answer; its last lines:" >&2
    tail -20 "$work/server.log" >&2
    return 1
}

status_of() { curl -s -o /dev/null -w '%{http_code}' "$@"; }

ask_server() {
    local url=http://127.0.0.1:$port/v1/cameras without with
    without=$(status_of "$url")
    with=$(status_of --header "X-API-Key: $1" "$url")
    [ "$without" = 401 ] && [ "$with" = 200 ] && return
    echo "error: /v1/cameras answered $without without a key (401 expected) and $with with one (200 expected)" >&2
    return 1
}

install_tools
step "making the base image"
make_base_image
step "building the CPU image"
build_image
container=$(buildah from --pull-never sightline:cpu)
step "looking inside"
look_inside
step "migrating, making a key"
in_image sightline migrate
secret=$(in_image sightline keys create image-check --json | sed -n 's/.*"secret": "\(.*\)".*/\1/p')
step "serving on 127.0.0.1:$port"
set -m # a process group of its own, so that everything under it can be ended
in_image sightline serve --host 127.0.0.1 --port "$port" >"$work/server.log" 2>&1 &
server=$!
set +m
wait_for_server
ask_server "$secret"
step "the image is built, runs without root, and answers"
