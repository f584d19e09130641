"""Pruebas que se pasan dos veces: lo nuestro las supera y lo defectuoso tiene que fallarlas.

Así ninguna pasa por descuido: unas líneas con el defecto, que alguna vez estuvo en material
publicado, demuestran que la comprobación lo ve.
"""

import pytest

FAILED = (AssertionError, pytest.fail.Exception)


def regression(*, ours, defective, raises=FAILED):
    """Hace de `check(candidato)` una prueba por candidato.

    Lo nuestro tiene que pasarla; lo defectuoso, fallarla, y con el error `raises`: si lo
    que falla es otra cosa, la prueba no vale.
    """
    ours, defective = (x if isinstance(x, list) else [x] for x in (ours, defective))

    def decorate(check):
        cases = [(candidate, None) for candidate in ours]
        cases += [(candidate, raises) for candidate in defective]
        names = [f"{'defecto' if error else 'nuestro'}-{name(c)}" for c, error in cases]

        @pytest.mark.parametrize("candidate, error", cases, ids=names)
        def test(candidate, error):
            if error is None:
                check(candidate)
            else:
                with pytest.raises(error):
                    check(candidate)

        test.__name__, test.__doc__ = check.__name__, check.__doc__
        return test

    return decorate


def name(candidate):
    return getattr(candidate, "__name__", type(candidate).__name__)
