#!/bin/sh
# Installs a release of ctxaudit: downloads the archive for this machine, compares it with the release's checksums, and
# puts the binary into a directory.
#
#   curl -fsSL https://raw.githubusercontent.com/ctxaudit/ctxaudit/main/install.sh | sh
#
# CTXAUDIT_VERSION   release to install, such as v1.2.3 (default: the latest)
# CTXAUDIT_DIR       directory to install to (default: ~/.local/bin)
# CTXAUDIT_RELEASES  where releases lie (default: the project's on GitHub), for mirrors
set -eu

fail() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }

main() {
    releases=${CTXAUDIT_RELEASES:-https://github.com/ctxaudit/ctxaudit/releases}
    version=${CTXAUDIT_VERSION:-latest}
    dir=${CTXAUDIT_DIR:-$HOME/.local/bin}

    # GitHub has a release under download/TAG, the latest under latest/download.
    case $version in
    *[!A-Za-z0-9.+-]*) fail "CTXAUDIT_VERSION must be latest or as in v1.2.3" ;;
    latest) from=$releases/latest/download ;;
    v[0-9]*) from=$releases/download/$version ;;
    [0-9]*) from=$releases/download/v$version ;;
    *) fail "CTXAUDIT_VERSION must be latest or as in v1.2.3, not $version" ;;
    esac

    exe='' ext=tar.gz
    case $(uname -s) in
    Linux) os=linux ;;
    Darwin) os=darwin ;;
    MINGW* | MSYS* | CYGWIN*) os=windows exe=.exe ext=zip ;;
    *) fail "there is no release for $(uname -s); with Go: go install github.com/ctxaudit/ctxaudit/cmd/ctxaudit@latest" ;;
    esac
    case $(uname -m) in
    x86_64 | amd64) arch=amd64 ;;
    aarch64 | arm64) arch=arm64 ;;
    *) fail "there is no release for $(uname -m); with Go: go install github.com/ctxaudit/ctxaudit/cmd/ctxaudit@latest" ;;
    esac
    archive=ctxaudit_${os}_$arch.$ext

    work=$(mktemp -d)
    new=
    trap 'rm -rf "$work" ${new:+"$new"}' EXIT
    trap 'exit 1' HUP INT TERM
    fetch "$from/checksums.txt" "$work/checksums.txt"
    fetch "$from/$archive" "$work/$archive"
    verify "$work" "$archive"

    case $ext in
    zip) unzip -q "$work/$archive" "ctxaudit$exe" -d "$work" ;;
    *) tar -xzf "$work/$archive" -C "$work" "ctxaudit$exe" ;;
    esac
    mkdir -p "$dir"
    # A program that runs cannot be written to, but its name can be given to another.
    new=$(mktemp "$dir/.ctxaudit.XXXXXX")
    cp "$work/ctxaudit$exe" "$new"
    chmod 755 "$new"
    mv -f "$new" "$dir/ctxaudit$exe"
    new=
    echo "$dir/ctxaudit$exe: $("$dir/ctxaudit$exe" version)"
}

fetch() {
    if command -v curl >/dev/null; then
        # What was asked for over https comes over https, wherever it is redirected to.
        case $1 in
        https:*) curl -fsSL --proto '=https' --tlsv1.2 --retry 3 -o "$2" "$1" || fail "downloading $1" ;;
        *) curl -fsSL --retry 3 -o "$2" "$1" || fail "downloading $1" ;;
        esac
    elif command -v wget >/dev/null; then
        wget -q -O "$2" "$1" || fail "downloading $1"
    else
        fail "neither curl nor wget is installed"
    fi
}

# verify compares an archive with the line that the checksums have for it. No line is as bad as a wrong one.
verify() {
    want=$(awk -v name="$2" '$2 == name || $2 == "*" name { print $1 }' "$1/checksums.txt")
    [ -n "$want" ] || fail "checksums.txt does not have $2"
    if command -v sha256sum >/dev/null; then
        have=$(sha256sum "$1/$2")
    elif command -v shasum >/dev/null; then
        have=$(shasum -a 256 "$1/$2")
    else
        fail "neither sha256sum nor shasum is installed: the download cannot be verified"
    fi
    [ "${have%% *}" = "$want" ] || fail "$2 is not what the release has: its checksum is ${have%% *}, not $want"
}

# Nothing is run before all of this has arrived.
main
