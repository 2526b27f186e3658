#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Says what this machine lacks, together with the command that installs it.
#
#   doctor.sh build    what building needs; fails if something is missing
#   doctor.sh fuzz     the same for fuzzing
#   doctor.sh all      also what some tests and filters want, which is never a failure
#   doctor.sh python   prints the Python that is used: the first that is new enough
set -u

missing=0

lacks() {
    printf 'missing: %-34s install it with: %s\n' "$1" "$2" >&2
    missing=1
}

wants() {
    command -v "$1" >/dev/null 2>&1 ||
        printf 'optional: %-33s install it with: %s\n' "$1 ($2)" "$3" >&2
}

find_python() {
    local name
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return 0
        fi
    done
    return 1
}

rust_is_new_enough() {
    local version
    version=$(cargo --version 2>/dev/null | cut -d ' ' -f 2)
    [ -n "$version" ] && [ "$(printf '%s\n' 1.88 "$version" | sort -V | head -n 1)" = 1.88 ]
}

check_build() {
    local python
    if python=$(find_python); then
        "$python" -c 'import ensurepip, venv' 2>/dev/null ||
            lacks "Python's venv" "sudo apt-get install python3-venv"
    else
        lacks "Python 3.11 or later" "sudo apt-get install python3 python3-venv"
    fi
    rust_is_new_enough ||
        lacks "Rust 1.88 or later (cargo)" "curl --proto '=https' -sSf https://sh.rustup.rs | sh"
    command -v cc >/dev/null 2>&1 || lacks "a C compiler (cc)" "sudo apt-get install gcc libc6-dev"
    command -v make >/dev/null 2>&1 || lacks "make" "sudo apt-get install make"
    if rust_is_new_enough; then
        cargo fmt --version >/dev/null 2>&1 || lacks "rustfmt" "rustup component add rustfmt"
        cargo clippy --version >/dev/null 2>&1 || lacks "clippy" "rustup component add clippy"
    fi
}

check_fuzz() {
    cargo fuzz --version >/dev/null 2>&1 ||
        lacks "cargo-fuzz" "cargo install cargo-fuzz --locked"
    command -v c++ >/dev/null 2>&1 || lacks "a C++ compiler (c++)" "sudo apt-get install g++"
}

check_optional() {
    wants tshark "tests compare with it" "sudo apt-get install tshark"
    wants tcpdump "tests compare with it" "sudo apt-get install tcpdump"
    wants softflowd "benchmarks compare with it" "sudo apt-get install softflowd"
    wants nfpcapd "benchmarks compare with it" "sudo apt-get install nfdump"
    ldconfig -p 2>/dev/null | grep -q 'libpcap\.so' ||
        printf 'optional: %-33s install it with: %s\n' "libpcap (--filter)" \
            "sudo apt-get install libpcap0.8" >&2
}

case "${1:-all}" in
python) find_python || echo python3 ;;
build) check_build ;;
fuzz) check_fuzz ;;
all)
    check_build
    check_optional
    [ "$missing" -eq 0 ] && echo "this machine has what building needs"
    ;;
*)
    echo "doctor.sh: build, fuzz, all or python?" >&2
    exit 2
    ;;
esac
exit "$missing"
