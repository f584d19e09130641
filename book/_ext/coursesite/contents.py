"""El índice del sitio: de cada lección cuelgan sus ejercicios y sus soluciones."""

from pathlib import Path, PurePosixPath

import yaml

from coursekit.files import write_whole

SHEETS = {"exercises": "Ejercicios", "solutions": "Soluciones"}


def contents(root: Path) -> dict:
    """El índice de `_toc.yml` con las hojas de cada lección, que llevan su mismo nombre."""
    toc = yaml.safe_load(Path(root, "_toc.yml").read_text("utf-8"))
    for part in toc.get("parts", [toc]):
        for chapter in part["chapters"]:
            name = PurePosixPath(chapter["file"]).name
            if Path(root, "solutions", f"{name}.md").is_file():
                chapter["sections"] = [
                    {"file": f"{folder}/{name}", "title": title} for folder, title in SHEETS.items()
                ]
    return toc


def before_reading_the_contents(app, config):
    """Escribe el índice entero y lo da a leer."""
    path = Path(app.outdir).parent / "indice.yml"
    write_whole(path, yaml.safe_dump(contents(app.srcdir), allow_unicode=True, sort_keys=False))
    config.external_toc_path = str(path)
