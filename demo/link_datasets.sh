#!/usr/bin/env bash
# Links the team's datasets into the home.
set -eu
cd
if [ -e datasets ] && [ ! -L datasets ]; then
  echo "datasets is in the way in this home; move it." >&2
  exit 1
fi
if [ -e .datasets.lock ]; then
  echo "Waiting for the lock .datasets.lock ..."
  while [ -e .datasets.lock ]; do sleep 0.2; done
fi
ln -sfn /mnt/datasets datasets
echo "datasets -> $(readlink datasets)"
