"""Las marcas que en `solutions/` rodean lo que el estudiante escribirá."""

OPENING = "# SOLUCIÓN"
CLOSING = "# FIN DE LA SOLUCIÓN"
TAG = "solucion"  # de las celdas que la hoja del estudiante no lleva
