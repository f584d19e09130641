#!/usr/bin/env bash
# Prepara la imagen en que Gradescope califica: se ejecuta una sola vez, al subir el zip.
set -euo pipefail
apt-get update
apt-get install -y --no-install-recommends bubblewrap python3 python3-venv
python3 -m venv /autograder/entorno
# PyTorch sin GPU ocupa la décima parte.
/autograder/entorno/bin/pip install --no-cache-dir \
    --extra-index-url https://download.pytorch.org/whl/cpu -r /autograder/source/requirements.txt
# La semilla y las referencias son del juez: quien ejecuta la entrega es otro usuario.
chmod -R go-rwx /autograder/source/ajustes.json
