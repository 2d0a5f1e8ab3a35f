#!/usr/bin/env bash
#
# Runs every test against the real parts: the real claude, tmux, a Python and a Node WebSocket
# client, AsyncAPI's parser, and TypeScript. Whatever is missing is installed first, into one
# cache folder; the system itself only gains packages for commands it lacks. It does not install
# Rust, and it never touches a claude configuration: the tests give claude a home of their own.
#
#   tests/run.sh                          everything, and the table of transparency by the portable way too
#   tests/run.sh --test real_claude       arguments go to `cargo test`
#   tests/run.sh --install-only           only install
#   tests/run.sh --fuzz 60                the fuzz targets in place of the tests: arguments go to fuzz/run.sh
#   tests/run.sh --test hello -- --nocapture
#
# Environment: CLAUDE_MPM_TEST_CLAUDE, CLAUDE_MPM_TEST_PYTHON, CLAUDE_MPM_TEST_NODE_PATH,
# CLAUDE_MPM_TEST_ASYNCAPI_PATH and CLAUDE_MPM_TEST_TYPESCRIPT name a part to use as it is instead
# of installing one; RUST_TEST_THREADS is the number of tests at a time (default: the processors,
# at most 4).

set -euo pipefail

readonly CLAUDE_VERSION=2.1.197
readonly WEBSOCKETS_VERSION=15.0.1
readonly WS_VERSION=8.18.3
readonly ASYNCAPI_VERSION=3.6.3
readonly TYPESCRIPT_VERSION=5.9.3

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly repository
readonly cache=${XDG_CACHE_HOME:-${HOME:?must name a folder, or set XDG_CACHE_HOME}/.cache}/claude-mpm-tests
readonly log=$cache/install.log
staging=

main() {
    if [ "${1:-}" = --fuzz ]; then
        shift
        exec "$repository/fuzz/run.sh" "$@"
    fi
    mkdir -p "$cache"
    trap 'rm -rf "$staging"' EXIT
    install_all
    if [ "${1:-}" = --install-only ]; then
        return
    fi
    export RUST_TEST_THREADS=${RUST_TEST_THREADS:-$(bounded_threads)}
    cd "$repository"
    # Nothing is built twice in a run, and what another build could take up from it takes gigabytes.
    export CARGO_INCREMENTAL=${CARGO_INCREMENTAL:-0}
    as_from_a_shell cargo test --workspace --locked "$@"
    if [ $# -eq 0 ]; then
        test_portable_way
    fi
}

# What other systems are built with, as far as Linux can tell: no difference to a bare program. It has a target
# folder of its own, so that the ordinary build stays, and is slower, so that it gets half the tests at a time.
test_portable_way() {
    export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/portable
    as_from_a_shell cargo test --locked --features portable --test transparency -- --test-threads 2
}

# A run in the background of a script has signals ignored, and every program under test would inherit that.
as_from_a_shell() {
    local reset=(env --default-signal=HUP,INT,QUIT,PIPE)
    if "${reset[@]}" true 2>/dev/null; then
        "${reset[@]}" "$@"
    else
        "$@"
    fi
}

# One run installs at a time; the others wait here and then find everything in place.
install_all() {
    command -v flock >/dev/null || install_packages util-linux
    {
        flock 9
        install_commands
        use_claude
        use_python
        use_node
        use_asyncapi
        use_typescript
    } 9>"$cache/lock"
}

install_commands() {
    local missing=()
    command -v tmux >/dev/null || missing+=(tmux)
    command -v node >/dev/null || missing+=(nodejs)
    command -v npm >/dev/null || missing+=(npm)
    command -v python3 >/dev/null || missing+=(python3)
    if [ ${#missing[@]} -gt 0 ]; then
        install_packages "${missing[@]}"
    fi
}

install_packages() {
    local as_root=()
    command -v apt-get >/dev/null ||
        fail "cannot install $*: there is no apt-get; install them with your package manager"
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null ||
            fail "cannot install $*: neither root nor sudo; have them installed, then run this again"
        as_root=(sudo)
    fi
    local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@")
    say "installing packages: $*"
    # The lists may be absent or old: refresh them only when the first try fails.
    "${as_root[@]}" "${install[@]}" >>"$log" 2>&1 9>&- && return
    logged "the package lists" "${as_root[@]}" apt-get update
    logged "packages $*" "${as_root[@]}" "${install[@]}"
}

use_claude() {
    if [ -n "${CLAUDE_MPM_TEST_CLAUDE:-}" ]; then
        return
    fi
    local folder=$cache/claude-$CLAUDE_VERSION native
    native=@anthropic-ai/claude-code-linux-$(node_architecture)
    if [ ! -x "$folder/node_modules/$native/claude" ]; then
        install_claude "$folder" "$native"
    fi
    export CLAUDE_MPM_TEST_CLAUDE=$folder/node_modules/$native/claude
}

# The native program comes as an optional dependency, which npm may leave out without a word.
install_claude() {
    local folder=$1 native=$2
    say "installing claude $CLAUDE_VERSION (about 250 MB)"
    stage "$folder"
    npm_install "@anthropic-ai/claude-code@$CLAUDE_VERSION"
    if [ ! -f "$staging/node_modules/$native/claude" ]; then
        npm_install "$native@$CLAUDE_VERSION"
    fi
    chmod +x "$staging/node_modules/$native/claude"
    check_claude_version "$staging/node_modules/$native/claude"
    settle "$folder"
}

check_claude_version() {
    local home version
    home=$(mktemp -d "$staging/home.XXXXXX")
    version=$(env -i HOME="$home" PATH="$PATH" "$1" --version) || fail "cannot run $1"
    rm -rf "$home"
    [ "${version%% *}" = "$CLAUDE_VERSION" ] ||
        fail "cannot use $1: it is version $version, not $CLAUDE_VERSION"
}

use_python() {
    if [ -n "${CLAUDE_MPM_TEST_PYTHON:-}" ]; then
        return
    fi
    local folder=$cache/python-websockets-$WEBSOCKETS_VERSION
    if [ ! -e "$folder/complete" ]; then
        say "installing the Python WebSocket client"
        rm -rf "$folder"
        create_venv "$folder"
        logged "websockets" "$folder/bin/python" -m pip install "websockets==$WEBSOCKETS_VERSION"
        touch "$folder/complete"
    fi
    export CLAUDE_MPM_TEST_PYTHON=$folder/bin/python
}

# A venv holds its own path, so it is built in place; the file `complete` tells a whole one.
create_venv() {
    if python3 -m venv "$1" >>"$log" 2>&1 9>&-; then
        return
    fi
    install_packages python3-venv
    rm -rf "$1"
    logged "a Python environment" python3 -m venv "$1"
}

use_node() {
    if [ -n "${CLAUDE_MPM_TEST_NODE_PATH:-}" ]; then
        return
    fi
    local folder=$cache/node-ws-$WS_VERSION
    if [ ! -d "$folder/node_modules/ws" ]; then
        say "installing the Node WebSocket client"
        stage "$folder"
        npm_install "ws@$WS_VERSION"
        settle "$folder"
    fi
    export CLAUDE_MPM_TEST_NODE_PATH=$folder/node_modules
}

use_asyncapi() {
    if [ -n "${CLAUDE_MPM_TEST_ASYNCAPI_PATH:-}" ]; then
        return
    fi
    local folder=$cache/node-asyncapi-$ASYNCAPI_VERSION
    if [ ! -d "$folder/node_modules/@asyncapi/parser" ]; then
        say "installing the AsyncAPI parser"
        stage "$folder"
        npm_install "@asyncapi/parser@$ASYNCAPI_VERSION"
        settle "$folder"
    fi
    export CLAUDE_MPM_TEST_ASYNCAPI_PATH=$folder/node_modules
}

use_typescript() {
    if [ -n "${CLAUDE_MPM_TEST_TYPESCRIPT:-}" ]; then
        return
    fi
    local folder=$cache/node-typescript-$TYPESCRIPT_VERSION
    if [ ! -d "$folder/node_modules/typescript" ]; then
        say "installing the TypeScript compiler"
        stage "$folder"
        npm_install "typescript@$TYPESCRIPT_VERSION"
        settle "$folder"
    fi
    export CLAUDE_MPM_TEST_TYPESCRIPT=$folder/node_modules
}

# Packages are installed beside their place and moved there whole, so a broken installation is
# never mistaken for a finished one.
stage() {
    rm -rf "$1".staging.*
    staging=$(mktemp -d "$1.staging.XXXXXX")
}

settle() {
    rm -rf "$1"
    mv "$staging" "$1"
    staging=
}

npm_install() {
    logged "$1" npm install --prefix "$staging" "$1" --ignore-scripts --no-audit --no-fund
}

node_architecture() {
    case $(uname -m) in
    x86_64) echo x64 ;;
    aarch64 | arm64) echo arm64 ;;
    *) fail "cannot install claude: no program for $(uname -m)" ;;
    esac
}

bounded_threads() {
    local processors
    processors=$(getconf _NPROCESSORS_ONLN)
    echo $((processors < 4 ? processors : 4))
}

# Installers are noisy; what they say is kept in the log and only pointed at.
logged() {
    local what=$1
    shift
    "$@" >>"$log" 2>&1 9>&- || fail "cannot install $what: see $log"
}

say() {
    echo "tests/run.sh: $*" >&2
}

fail() {
    say "$*"
    exit 1
}

main "$@"
