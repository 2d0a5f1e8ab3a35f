#!/usr/bin/env bash
#
# Builds the fuzz targets and runs each of them for a while, as many at a time as there are processors, at most two. What
# it finds is kept and told with the command that plays it again; the status is 1 then.
#
#   fuzz/run.sh                       every target, 60 seconds each
#   fuzz/run.sh 300 terminal event    these targets, 300 seconds each
#   fuzz/run.sh 0 event INPUT...      plays these inputs once
#
# Built with a nightly Rust where there is one, and else with the one at hand, which is told to take its unstable flags.
# What a run learns is kept in target/fuzz/corpus, and the next one begins with it. A run takes the same seed each time, so
# that it tells of a change whether that broke something; CLAUDE_MPM_FUZZ_SEED=0 takes another one, to search. No target
# reaches unsafe code of ours; CLAUDE_MPM_FUZZ_SANITIZER=address looks at that of others as well, for half the runs and
# twice the time to build.

set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly repository
readonly output=$repository/target/fuzz
host=$(rustc -vV | sed -n 's/^host: //p')
readonly host
readonly limits=(-max_len=8192 -rss_limit_mb=1024 -timeout=5 -print_final_stats=1 -verbosity=0)
# Edges that are counted guide libFuzzer.
readonly flags=(
    --cfg fuzzing -Cpasses=sancov-module
    -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-simplifycfg-branch-fold-threshold=0
    ${CLAUDE_MPM_FUZZ_SANITIZER:+"-Zsanitizer=$CLAUDE_MPM_FUZZ_SANITIZER"}
)

main() {
    local seconds=60
    if [[ ${1:-} =~ ^[0-9]+$ ]]; then
        seconds=$1
        shift
    fi
    cd "$repository"
    build
    if [ "$seconds" -eq 0 ]; then
        replay "$@"
        return
    fi
    local targets=("$@")
    if [ ${#targets[@]} -eq 0 ]; then
        mapfile -t targets < <(all_targets)
    fi
    fuzz_all "$seconds" "${targets[@]}"
}

all_targets() {
    local file
    for file in fuzz/fuzz_targets/*.rs; do
        basename "$file" .rs
    done
}

# Flags in the environment would take the place of these.
build() {
    command -v c++ >/dev/null || install_compiler
    if rustup run nightly rustc --version >/dev/null 2>&1; then
        export RUSTUP_TOOLCHAIN=nightly
    else
        export RUSTC_BOOTSTRAP=1
    fi
    RUSTFLAGS="${flags[*]}" CARGO_INCREMENTAL=0 cargo build --quiet --locked --release --target "$host" \
        --manifest-path fuzz/Cargo.toml --target-dir "$output"
}

# libFuzzer is written in C++.
install_compiler() {
    local as_root=()
    command -v apt-get >/dev/null || fail "cannot build libFuzzer: there is no C++ compiler; install one"
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || fail "cannot install g++: neither root nor sudo"
        as_root=(sudo)
    fi
    local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends g++)
    mkdir -p "$output"
    say "installing g++"
    # The lists may be absent or old: refresh them only when the first try fails.
    "${as_root[@]}" "${install[@]}" >"$output/install.log" 2>&1 && return
    "${as_root[@]}" apt-get update >>"$output/install.log" 2>&1 || fail "cannot install g++: see $output/install.log"
    "${as_root[@]}" "${install[@]}" >>"$output/install.log" 2>&1 || fail "cannot install g++: see $output/install.log"
}

fuzz_all() {
    local seconds=$1 at_a_time target job status=0
    shift
    at_a_time=$(getconf _NPROCESSORS_ONLN)
    at_a_time=$((at_a_time < 2 ? 1 : 2))
    while [ $# -gt 0 ]; do
        local started=()
        for target in "${@:1:at_a_time}"; do
            fuzz "$target" "$seconds" &
            started+=("$!")
            shift
        done
        for job in "${started[@]}"; do
            wait "$job" || status=1
        done
    done
    return "$status"
}

fuzz() {
    local target=$1 seconds=$2 log=$output/$1.log learnt=$output/corpus/$1 found=$output/found/$1
    mkdir -p "$learnt" "$found"
    local run=("$(program "$target")" "${limits[@]}" "-max_total_time=$seconds" "-seed=${CLAUDE_MPM_FUZZ_SEED:-1}" "-artifact_prefix=$found/")
    if [ -e "fuzz/dictionaries/$target.dict" ]; then
        run+=("-dict=fuzz/dictionaries/$target.dict")
    fi
    if "${run[@]}" "$learnt" "fuzz/corpus/$target" >"$log" 2>&1; then
        say "$target: $(final executed_units) runs in $seconds s, nothing found, $(final rss_mb) MB"
        return
    fi
    # What broke stands above libFuzzer's stack, which can be longer than the tail.
    grep -A 5 -m 1 "panicked at" "$log" | cut -c -2000 >&2 || true
    tail -n 25 "$log" >&2
    say "$target: found $(newest "$found"); play it again with"
    say "    fuzz/run.sh 0 $target $(newest "$found")"
    return 1
}

replay() {
    local target=${1:?names the target}
    shift
    mkdir -p "$output/found/$target"
    RUST_BACKTRACE=1 "$(program "$target")" "${limits[@]}" "-artifact_prefix=$output/found/$target/" "$@"
}

program() {
    echo "$output/$host/release/$1"
}

# One of libFuzzer's figures at the end of the log.
final() {
    sed -n "s/^stat::[a-z_]*$1[a-z_]*: *//p" "$log" | tail -n 1
}

newest() {
    ls -t "$1"/* 2>/dev/null | head -n 1
}

say() {
    echo "fuzz/run.sh: $*" >&2
}

fail() {
    say "$*"
    exit 1
}

main "$@"
