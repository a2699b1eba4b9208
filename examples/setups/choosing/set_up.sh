#!/usr/bin/env bash
# Stands for the commands of the other examples: says what it would set up (WHAT).
set -eu
echo "Setting up what $WHAT gets."
