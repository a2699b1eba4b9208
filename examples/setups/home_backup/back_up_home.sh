#!/usr/bin/env bash
# Restore the home from BACKUP (s3://BUCKET/FOLDER, one for each user or space) if it is new, and then back it up there.
# EXCLUDED has the names and paths below the home that are left out, one a line. Files that are there are never overwritten.
set -eu
cd

# Which homes have been restored, or were found without a backup: those alone may replace the backup.
marker=~/.local/share/studio-setup/restored-from
limits=(--cli-connect-timeout 10 --cli-read-timeout 60)
export AWS_MAX_ATTEMPTS=3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "$1 The app's role needs s3:ListBucket on the bucket and s3:GetObject and s3:PutObject below $BACKUP/," \
        "and an app without internet a gateway endpoint for S3 in its VPC." >&2
    exit 1
}

# Is there a backup? A bucket that cannot be asked is not taken for one without.
has_backup() {
    listing=$(aws s3api list-objects-v2 --bucket "$bucket" --prefix "$key" --max-keys 1 --query 'Contents[].Key' \
        --output text "${limits[@]}") || fail "It cannot be found out whether there is a backup."
    [ "$listing" = "$key" ]
}

# Unpacked in a folder of its own, and then moved: where it breaks off, no half file is taken for the user's, and the next
# start begins again.
restore() {
    new=~/.local/share/studio-setup/restoring
    rm -rf "$new"
    mkdir -p "$new"
    aws s3 cp --only-show-errors "${limits[@]}" "$BACKUP/home.tar.gz" - | tar --extract --gzip --no-same-owner -C "$new" || {
        rm -rf "$new"
        fail "The backup cannot be restored."
    }
    # shellcheck disable=SC2016 # expanded by the shell that find starts
    (cd "$new" && find . -mindepth 1 -exec sh -c 'for name; do
        if [ -e "$HOME/$name" ] || [ -L "$HOME/$name" ]; then continue; fi
        if [ -d "$name" ] && [ ! -L "$name" ]; then
            mkdir "$HOME/$name" && chmod --reference="$name" "$HOME/$name"
        else
            mv -- "$name" "$HOME/$name"
        fi || exit
    done' sh {} +)
    rm -rf "$new"
    echo "Restored the home from $BACKUP."
}

back_up() {
    printf '%s\n' "$EXCLUDED" >"$work/excluded"
    kib=$(du --summarize --block-size=1K --exclude-from="$work/excluded" . | cut -f 1)
    if [ "$kib" -gt "$((MAX_MIB * 1024))" ]; then
        echo "The home has $((kib / 1024)) MiB, more than $MAX_MIB, and is not backed up." >&2
        exit 1
    fi
    # tar's 1 is a file that changed while it was read. What is uploaded replaces the backup only when it is whole.
    { tar --create --gzip --file=- --warning=no-file-changed --warning=no-file-ignored \
        --exclude-from="$work/excluded" . ||
        echo $? >"$work/tar"; } |
        aws s3 cp --only-show-errors "${limits[@]}" --expected-size "$((kib * 1024))" - "$BACKUP/incoming.tar.gz" ||
        fail "The backup cannot be uploaded."
    [ ! -e "$work/tar" ] || [ "$(cat "$work/tar")" = 1 ] || { echo "The home cannot be read." >&2; exit 1; }
    aws s3 mv --only-show-errors "${limits[@]}" "$BACKUP/incoming.tar.gz" "$BACKUP/home.tar.gz" ||
        fail "The backup cannot be put into its place."
    echo "Backed the home up to $BACKUP ($kib KiB before compression)."
}

bucket=${BACKUP#s3://}
key=${bucket#*/}/home.tar.gz
bucket=${bucket%%/*}
if [ ! -e "$marker" ]; then
    if has_backup; then restore; fi
    mkdir -p "${marker%/*}"
    echo "$BACKUP" >"$marker"
fi
back_up
