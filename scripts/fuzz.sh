#!/bin/sh
# Runs the fuzz targets of tests/fuzz, each for a number of seconds: fuzz.sh [SECONDS] [TARGET...].
# Needs a nightly compiler and cargo-fuzz; scripts/test.sh runs property tests of the same parts.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib.sh

seconds=${1:-60}
[ $# -gt 0 ] && shift
cargo +nightly fuzz --version >/dev/null 2>&1 ||
  die "needs a nightly toolchain (rustup toolchain install nightly) and cargo install cargo-fuzz"
# The versions that are shipped.
cp Cargo.lock tests/fuzz/Cargo.lock
fuzz() {
  command=$1
  shift
  # No sanitizer: the code under test is safe Rust, and this is several times as fast.
  cargo +nightly fuzz "$command" --fuzz-dir tests/fuzz --target-dir target/fuzz --sanitizer none "$@"
}
[ $# -gt 0 ] || set -- $(cargo +nightly fuzz list --fuzz-dir tests/fuzz)
for target in "$@"; do
  say "$target: $seconds s ..."
  # One seed a line is kept in the tree; the corpus that grows from them is not.
  corpus=tests/fuzz/corpus/$target
  mkdir -p "$corpus"
  if [ -f "tests/fuzz/seeds/$target" ]; then
    split -l 1 "tests/fuzz/seeds/$target" "$corpus/seed-"
  fi
  fuzz run "$target" "$corpus" -- \
    -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1
done
