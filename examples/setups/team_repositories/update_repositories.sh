#!/usr/bin/env bash
# Clone each repository in REPOSITORIES (lines of FOLDER BRANCH URL) into the home, or bring its clone up to date.
# A clone with changes of the user's, of whatever kind, is left exactly as it is, and the output says why. Fails if a
# source cannot be reached.
set -eu
failed=0

# git, which gives up on a host that does not answer, runs nobody's hooks and asks nobody.
quiet_git() {
    GIT_TERMINAL_PROMPT=0 timeout "${LIMIT_SECONDS:-300}" git -c core.hooksPath=/dev/null \
        -c http.lowSpeedLimit=1000 -c http.lowSpeedTime=30 "$@"
}

clone() {
    # Beside the place and then into it: a clone that is interrupted leaves nothing that looks like one.
    mkdir -p "$(dirname "$folder")"
    rm -rf "$folder.cloning"
    if quiet_git clone --quiet --branch "$branch" -- "$url" "$folder.cloning" && mv -T "$folder.cloning" "$folder"; then
        echo "$folder: cloned, $branch is at $(git -C "$folder" rev-parse --short HEAD)"
    else
        rm -rf "$folder.cloning"
        echo "$folder: NOT CLONED from $url" >&2
        failed=1
    fi
}

# Why a clone must be left alone; nothing if it may be updated.
reason_to_leave() {
    if [ "$(git -C "$folder" rev-parse --show-toplevel 2>/dev/null)" != "$(cd "$folder" && pwd -P)" ]; then
        echo "it is no git repository"
    elif [ "$(git -C "$folder" config remote.origin.url)" != "$url" ]; then
        echo "its origin is another"
    elif [ "$(git -C "$folder" symbolic-ref --quiet HEAD)" != "refs/heads/$branch" ]; then
        echo "it is not on branch $branch"
    elif [ -n "$(git -C "$folder" status --porcelain --untracked-files=no)" ]; then
        echo "it has changes that are not committed"
    fi
}

update() {
    reason=$(reason_to_leave)
    if [ -n "$reason" ]; then
        echo "$folder: left as it is, $reason"
    elif ! quiet_git -C "$folder" fetch --quiet origin "+refs/heads/$branch:refs/remotes/origin/$branch"; then
        echo "$folder: NOT UPDATED, $url cannot be fetched from" >&2
        failed=1
    elif [ -n "$(git -C "$folder" rev-list -1 "origin/$branch..HEAD")" ]; then
        echo "$folder: left as it is, it has commits that origin has not"
    # Without --no-overwrite-ignore, a file that the user keeps under an ignored name would be lost to a new one.
    elif quiet_git -C "$folder" merge --quiet --ff-only --no-overwrite-ignore "origin/$branch"; then
        echo "$folder: $branch is at $(git -C "$folder" rev-parse --short HEAD)"
    else
        echo "$folder: left as it is, a file is in the way, or another git is at work"
    fi
}

cd
while read -r folder branch url; do
    [ -n "$folder" ] || continue
    folder=$PWD/$folder
    if [ -e "$folder" ] || [ -L "$folder" ]; then update; else clone; fi </dev/null
done <<<"$REPOSITORIES"
exit "$failed"
