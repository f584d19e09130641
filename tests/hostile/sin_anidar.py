"""Ejecuta una orden que ya no puede anidar espacios de nombres: `python sin_anidar.py ORDEN…`.

Como en tantos contenedores y equipos endurecidos: se puede levantar la cárcel (que nace con red propia, y
por eso se distingue), pero no aislar dentro de ella una entrega de otra.
"""

import os
import sys

import pyseccomp

NEW_USER, NEW_NET = 0x10000000, 0x40000000

if __name__ == "__main__":
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    nested = pyseccomp.Arg(0, pyseccomp.MASKED_EQ, NEW_USER | NEW_NET, NEW_USER)
    rules.add_rule(pyseccomp.ERRNO(1), "clone", nested)
    rules.load()
    os.execvp(sys.argv[1], sys.argv[1:])
