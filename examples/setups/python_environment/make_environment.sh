#!/usr/bin/env bash
# Make the Python environment NAME from REQUIREMENTS (the text of a pip requirements file with hashes), and a Jupyter kernel
# of that name for it. The packages come from WHEELHOUSE, an S3 folder (s3://…) or a folder of the app, or, if that is empty,
# from the package index that pip is configured for.
set -eu

# Another Python (a new image) or other requirements are another environment: none is ever changed in place.
digest=$({ echo "$REQUIREMENTS"; python3 -VV; } | sha256sum | cut -c 1-12)
root=~/.local/share/studio-setup/environments/$NAME
environment=$root/$digest

# Nothing in here stops at a failure by itself: it is called in a condition.
make_environment() {
    rm -rf "$environment" && # one that was not finished
        python3 -m venv "$environment" &&
        printf '%s\n' "$REQUIREMENTS" >"$environment/requirements.txt" &&
        install_packages &&
        touch "$environment/complete"
}

install_packages() {
    case $WHEELHOUSE in
    s3://*)
        folder=$(mktemp -d)
        trap 'rm -rf "$folder"' EXIT
        AWS_MAX_ATTEMPTS=2 timeout 600 aws s3 cp --recursive --only-show-errors --cli-connect-timeout 10 \
            "$WHEELHOUSE" "$folder" || {
            echo "The wheels cannot be fetched from $WHEELHOUSE. The app's role needs s3:GetObject and s3:ListBucket" \
                "there, and an app without internet a gateway endpoint for S3 in its VPC." >&2
            return 1
        }
        ;;
    *) folder=$WHEELHOUSE ;;
    esac
    source=(--timeout 15 --retries 1)
    [ -z "$folder" ] || source=(--no-index --find-links "$folder")
    # Only wheels, and only those whose hashes are in the requirements: nothing is built, nothing else gets in.
    "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
        "${source[@]}" --requirement "$environment/requirements.txt"
}

if [ -e "$environment/complete" ]; then
    echo "The environment $NAME ($digest) is there."
elif make_environment; then
    echo "Made the environment $NAME ($digest)."
else
    echo "The environment $NAME cannot be made; the one before, if any, stays." >&2
    rm -rf "$environment"
    exit 1
fi

"$environment/bin/python" -m ipykernel install --user --name "$NAME" --display-name "$DISPLAY_NAME" >/dev/null
echo "The kernel $DISPLAY_NAME runs in it."

for old in "$root"/*; do
    [ "$old" != "$environment" ] || continue
    if grep --quiet --no-messages --fixed-strings "$old/" /proc/[0-9]*/cmdline; then
        echo "An earlier one is still in use: $old"
    else
        rm -rf "$old"
    fi
done
