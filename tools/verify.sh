#!/usr/bin/env bash
# The developers' second command (`npm run verify`): checks that need Python or ffmpeg. Installs both where they are missing.
set -euo pipefail
cd "$(dirname "$0")/.."

npx tsx tools/audit.ts

python=.cache/python/bin/python
if ! $python -c 'import torch, pytest' 2>/dev/null; then
  echo "Making a Python environment in .cache/python (PyTorch is large: a few minutes, once)…"
  rm -rf .cache/python
  python3 -m venv .cache/python
  $python -m pip install --quiet --disable-pip-version-check -r training/requirements.txt pytest
fi

if ! command -v ffprobe >/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq && apt-get install -y -qq --no-install-recommends ffmpeg >/dev/null
  else
    echo "ffprobe is missing: install ffmpeg." >&2
    exit 1
  fi
fi

VERIFY_WITH_FFMPEG=1 npx tsx tools/with-browser.ts playwright test e2e/verify
$python -m pytest -q training/tests
