"""El lado del docente: calificar entregas ajenas sin que hagan daño a nadie."""
