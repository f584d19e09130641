"""Lo que dentro de la cárcel se llama `coursekit.exercises`: las órdenes existen y no hacen nada."""


def check(*arguments, **options) -> None:
    """Como en el cuaderno, sin comprobar nada: aquí no hay ejercicios."""


hint = check


def open_set(id: str):
    """Las dos órdenes de un conjunto."""
    return check, hint
