#!/usr/bin/env bash
# A portable archive: the program with what must go along with it. `.github/package.sh PROGRAM NAME FOLDER` writes FOLDER/NAME.tar.gz, or
# FOLDER/NAME.zip of a program for Windows, and says which.
set -euo pipefail
program=$(realpath "$1") name=$2
mkdir -p "$3"
folder=$(realpath "$3")
cd "$(dirname "$0")/.."

content=$(mktemp -d)
trap 'rm -rf "$content"' EXIT
mkdir -p "$content/$name/licences"
cp "$program" README.md CHANGELOG.md "$content/$name/"
cp LICENSE-APACHE LICENSE-MIT assets/CREDITS.md assets/fonts/LICENSE-*.txt "$content/$name/licences/"
cp weights/yunet/LICENSE "$content/$name/licences/LICENSE-YuNet.txt"
# The weights inside the program have a licence of their own, and uses that they must not be put to.
cp weights/README.md "$content/$name/licences/WEIGHTS.md"

case $program in
  *.exe)
    archive="$folder/$name.zip"
    rm -f "$archive"
    (cd "$content" && 7z a -bso0 "$archive" "$name")
    ;;
  *)
    archive="$folder/$name.tar.gz"
    if [[ $name == *linux* ]]; then
      # For a desktop: `share` is laid out as below /usr/local.
      share="$content/$name/share"
      install -Dm644 assets/linux/stylebrush.desktop "$share/applications/stylebrush.desktop"
      install -Dm644 assets/linux/stylebrush.xml "$share/mime/packages/stylebrush.xml"
      install -Dm644 assets/icon.svg "$share/icons/hicolor/scalable/apps/stylebrush.svg"
    fi
    tar -C "$content" -czf "$archive" "$name"
    ;;
esac
echo "$archive"
