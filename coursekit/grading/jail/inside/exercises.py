"""Lo que dentro de la cárcel se llama `coursekit.exercises`: se abre cualquier conjunto, y no hace nada."""


def check(*arguments, **options) -> None:
    """Como en el cuaderno, sin comprobar nada: aquí no hay ejercicios."""


hint = check


def open_set(*arguments, **options):
    """Las dos órdenes de un conjunto."""
    return check, hint
