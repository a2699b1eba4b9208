#!/usr/bin/env bash
# Give the Jupyter server, and so every terminal, kernel and extension that it starts, the proxy PROXY_URL (empty: none), the
# hosts NO_PROXY_HOSTS that are reached without it, and the authority in CA_PEM beside those that the image trusts.
set -eu
folder=~/.local/share/studio-setup
bundle=$folder/authorities.pem
mkdir -p "$folder" ~/.jupyter

# A tool that is given a bundle uses that alone, so it has to have the public authorities too.
public=
for file in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt; do
    if [ -s "$file" ]; then public=$file && break; fi
done
[ -n "$public" ] || { echo "The image's own certificate authorities are not where they are looked for." >&2; exit 1; }
{
    cat "$public"
    printf '\n%s\n' "$CA_PEM"
} >"$bundle.new"
mv "$bundle.new" "$bundle"

# The Jupyter server reads this file when it starts. The user's own lines in it stay.
config=~/.jupyter/jupyter_server_config.py
touch "$config"
before=$(sha256sum <"$config")
python3 - "$config" "$bundle" <<'END'
import os, pathlib, re, sys

path, bundle = pathlib.Path(sys.argv[1]), sys.argv[2]
variables = {}
for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE", "GIT_SSL_CAINFO", "PIP_CERT",
             "NODE_EXTRA_CA_CERTS"):
    variables[name] = bundle
if os.environ["PROXY_URL"]:
    for name, value in (("http_proxy", "PROXY_URL"), ("https_proxy", "PROXY_URL"), ("no_proxy", "NO_PROXY_HOSTS")):
        variables[name] = variables[name.upper()] = os.environ[value]
begin, end = "# >>> studio-setup: proxy and authorities\n", "# <<< studio-setup: proxy and authorities\n"
text = re.sub(f"(?s){begin}.*?{end}", "", path.read_text())
if text and not text.endswith("\n"):
    text += "\n"
new = pathlib.Path(f"{path}.new")
new.write_text(f"{text}{begin}import os\n\nos.environ.update({variables!r})\n{end}")
new.replace(path)
END
if [ "$(sha256sum <"$config")" = "$before" ]; then
    echo "Proxy and authorities are set already."
else
    touch "$folder/restart-jupyter"
    echo "Proxy and authorities are set; the Jupyter server has to be restarted once for them."
fi
