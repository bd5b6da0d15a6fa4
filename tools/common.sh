# Sourced by the shell scripts of this folder: strict mode, the root of the tree as working directory, and a few words
# to speak with. Nothing here runs anything.
# shellcheck shell=bash
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"

JOBS=${JOBS:-$(nproc)}

say() { printf '%s\n' "$*"; }
complain() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }
die() {
  complain "$@"
  exit 1
}

# Source files that the formatter and the checks look at, one a line.
source_files() {
  local folder folders=()
  for folder in "$@"; do
    if [[ -d $folder ]]; then
      folders+=("$folder")
    fi
  done
  if [[ ${#folders[@]} -gt 0 ]]; then
    find "${folders[@]}" -name node_modules -prune -o -type f \( -name '*.c' -o -name '*.h' \) -print | sort
  fi
}

# The Node that runs the tests: the one from npm, since Debian 12's own (18) is too old for the clients; else the system's.
# Found by its place, because Debian's npm makes no node_modules/.bin entry for an optional package.
find_node() {
  local node
  for node in "$ROOT"/node_modules/node-linux-*/bin/node; do
    if [[ -x $node ]]; then
      say "$node"
      return
    fi
  done
  command -v node
}
