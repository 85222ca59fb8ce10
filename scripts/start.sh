#!/bin/sh
# From a fresh machine to a working agent: installs what is missing, builds, sets up the embedded
# model, then runs mesoclaw with the arguments given here. With a pipe on stdin it answers it; on a
# terminal it opens the chat. Everything before that neither reads stdin nor writes to stdout.
set -eu
here=$(pwd)
cd "$(dirname "$0")/.."
. scripts/lib.sh

need_toolchain
binary=${CARGO_TARGET_DIR:-target}/release/mesoclaw
[ -x "$binary" ] || say "building (about ten minutes on two cores the first time)"
cargo build --release --locked -p mesoclaw-cli >&2 </dev/null
need_pip
"$binary" setup --local >&2 </dev/null
binary=$(cd "$(dirname "$binary")" && pwd)/mesoclaw
cd "$here"
exec "$binary" "$@"
