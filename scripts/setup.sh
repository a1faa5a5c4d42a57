#!/usr/bin/env bash
# Makes .venv ready: `setup.sh run` for what the program needs, `setup.sh dev` for what its tests need too.
# Called by the Makefile, which keeps a stamp so that a second call costs nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

profile=${1:?usage: setup.sh run|dev}
venv_python=.venv/bin/python
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

find_python() {
    local candidate
    for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "error: Python 3.11 or newer is needed; install it or name it with PYTHON=/path/to/python3" >&2
    return 1
}

# Debian packages are installed when that is possible without asking; otherwise the line says what to install.
need_debian_package() {
    local package=$1 purpose=$2
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing the Debian package $package ($purpose) ..."
        export DEBIAN_FRONTEND=noninteractive
        local apt=(apt-get -qq -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0) log
        if log=$("${apt[@]}" update 2>&1 && "${apt[@]}" install --yes --no-install-recommends "$package" 2>&1); then
            return
        fi
        tail -5 <<<"$log" >&2
    fi
    echo "The Debian package $package is missing ($purpose): sudo apt-get install $package" >&2
    return 1
}

has_library() {
    local known
    known=$(PATH=$PATH:/usr/sbin:/sbin ldconfig -p 2>/dev/null) || return 0 # no Linux: its wheels bring theirs
    grep -q "$1" <<<"$known"
}

make_venv() {
    local python
    python=$(find_python)
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        need_debian_package python3-venv "virtual environments"
    fi
    echo "Making the virtual environment .venv ($("$python" --version)) ..."
    "$python" -m venv .venv
    # An old pip downloads a whole wheel to read its metadata.
    "$venv_python" -m pip install -qq --upgrade pip
}

# What is imported is compiled then (--no-compile): most of torch never is.

# On a machine without a GPU the CUDA build would only cost gigabytes.
install_cpu_torch() {
    local index
    index=$("$venv_python" scripts/cpu_torch_index.py)
    if [ -n "$index" ]; then
        "$venv_python" -m pip install -qq --no-compile -c constraints.txt --index-url "$index" torch torchvision
    fi
}

# The generator of clients wants an older typer than the program, and what it makes needs nothing of ours.
make_client_venv() {
    "$venv_python" -m venv --without-pip .venv/client
    "$venv_python" -m pip --python .venv/client/bin/python install -qq --no-compile -c constraints.txt openapi-python-client
}

[ -x "$venv_python" ] && "$venv_python" -m pip --version >/dev/null 2>&1 || make_venv

if command -v nvidia-smi >/dev/null && nvidia-smi >/dev/null 2>&1; then
    extras=gpu
    echo "Installing packages for a machine with a GPU (several GB the first time) ..."
else
    extras=cpu
    echo "Installing packages for a machine without a GPU (about 1 GB the first time) ..."
    install_cpu_torch
fi
extras+=,postgres
if [ "$profile" = dev ]; then
    [ "$extras" = gpu,postgres ] || extras+=,milvus-lite
    extras+=,dev,simulation,train
    command -v chromium >/dev/null || need_debian_package chromium "tests of the web page" || true
    # A minimal Debian lacks these. Playwright's driver does not start without the first.
    for library in libatomic1:libatomic.so.1 libegl1:libEGL.so.1 libgl1-mesa-dri:libEGL_mesa.so.0; do
        has_library "${library#*:}" || need_debian_package "${library%:*}" "tests of the page, simulated people" || true
    done
fi
"$venv_python" -m pip install -qq --no-compile -c constraints.txt --editable ".[$extras]"
if [ "$profile" = dev ]; then
    make_client_venv
fi
if [ "$profile" = dev ] && ! "$venv_python" scripts/references.py; then
    echo "torchreid and fast-reid could not be fetched: the tests that compare with them will not run" >&2
fi
touch ".venv/.ready-$profile"
