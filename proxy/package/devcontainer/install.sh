#!/bin/sh
# The dev container feature: runs as root while the image is built, with the options as variables. No proxy runs then, so
# the environment is set in shells, not in the image, where it would break what is built later.
#   PUBLISHED   the directory that the proxy publishes, as this container sees it
#   PACKAGE     a release's .tar.gz, an https URL or a file; empty: none
#   SHA256      its digest; may be empty for a file
set -eu
die() { echo "gitlatch feature: $*" >&2; exit 1; }

published=${PUBLISHED:-/run/gitlatch/public}
case $published in
/*) ;;
*) die "published must be an absolute path, not $published" ;;
esac
case $published in
*[!A-Za-z0-9/._-]*) die "published may hold letters, digits and /._- only, not $published" ;;
esac

if [ "${PACKAGE-}" ]; then
    file=$PACKAGE
    case $PACKAGE in
    https://*.tar.gz)
        [ "${SHA256-}" ] || die "package is a URL: give its sha256, from the release's SHA256SUMS"
        file=$(mktemp)
        trap 'rm -f "$file"' EXIT
        curl --fail --silent --show-error --location --proto =https --output "$file" "$PACKAGE" || die "$PACKAGE cannot be had"
        ;;
    *://*) die "package must be a file or an https URL of a .tar.gz, not $PACKAGE" ;;
    *.tar.gz) [ -r "$file" ] || die "$file cannot be read" ;;
    *) die "package must end in .tar.gz, not as $PACKAGE" ;;
    esac
    if [ "${SHA256-}" ]; then
        echo "$SHA256  $file" | sha256sum -c - >/dev/null || die "$PACKAGE does not have the digest $SHA256"
    fi
    tar -C / -xzf "$file"
    gitlatch --version
fi

mkdir -p /etc/profile.d
cat >/etc/profile.d/gitlatch.sh <<SHELL
if [ -r $published/env ]; then
    . $published/env
elif [ -t 2 ]; then
    echo "gitlatch: $published/env is not there: the proxy does not run, or its directory is not mounted" >&2
fi
SHELL
line='. /etc/profile.d/gitlatch.sh'
for file in /etc/bash.bashrc /etc/zsh/zshrc; do # shells that are no login shells
    [ ! -f "$file" ] || grep -qxF "$line" "$file" || echo "$line" >>"$file"
done
# For git that no shell has started. A file that is not there yet is no error.
grep -qxF "	path = $published/gitconfig" /etc/gitconfig 2>/dev/null ||
    printf '[include]\n\tpath = %s/gitconfig\n' "$published" >>/etc/gitconfig
