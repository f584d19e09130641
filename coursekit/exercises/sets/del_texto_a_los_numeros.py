"""Conjunto «Del texto a los números»: partir, limpiar, contar y volver a partir."""

import re
import unicodedata
from collections import Counter

from coursekit.exercises.exercise import MODELS, ExerciseSet, variants

SET = ExerciseSet(
    "del-texto-a-los-numeros", "Del texto a los números", imports=("numpy", "coursekit.data")
)

# Las veces a, b, c y d de la tabla en cada variante; a y d son distintas: no hay empates.
VARIANTS = [(6, 3, 2, 4), (2, 3, 4, 5), (7, 2, 3, 1), (1, 4, 2, 6), (5, 2, 4, 3)]
VARIANTS += [(3, 2, 2, 7), (8, 1, 2, 3), (2, 6, 1, 4), (4, 3, 3, 1), (3, 5, 2, 8)]


@SET.exercise(
    "uniones_a_mano", "Dos uniones con lápiz y papel", name="merge_values", points=1.5, cases=variants,
    tolerance=1e-6,
    parts={
        "veces de la primera unión": "¿en cuántas de las cuatro palabras va seguido ese par, y "
        "cuántas veces se "
        "lee cada una?",
        "veces de la segunda": "¿contaste con el par ya unido en uno?",
        "trozos del texto": "¿contaste la marca de final y cada palabra las veces que aparece?",
        "trozos de «olas»": "¿qué uniones se pueden aplicar a una palabra que no estaba?",
    },
    hints=(
        "Escribe cada palabra letra a letra con su marca: s o l _, s o l a _, s o l a s _ y o l a _. Un par "
        "suma las veces de todas las palabras que lo tienen.",
        "El par o l está en las cuatro. Unido, quedan s ol _, s ol a _, s ol a s _ y ol a _: compara "
        "las veces "
        "de «s ol» con las de «ol a».",
        "Cada unión quita un trozo por cada vez que aparece su par. En la variante 0, las letras con "
        "sus marcas "
        "son 4·6 + 5·3 + 6·2 + 4·4.",
    ),
)  # fmt: skip
def merges_by_hand(variant):
    a, b, c, d = VARIANTS[variant]
    every, s_ol, ol_a = a + b + c + d, a + b + c, b + c + d
    second = max(s_ol, ol_a)
    pieces = 4 * a + 5 * b + 6 * c + 4 * d - every - second
    return [every, second, pieces, 4 if second == s_ol else 3]


merges_by_hand.mistaken(
    ("4 if second == s_ol else 3", "3 if second == s_ol else 4",
     "los tres primeros números están bien; falla «olas»: se escribe en letras y se le aplican las dos "
     "uniones, por orden, y la segunda solo cambia algo si su par aparece en la palabra."),
    ("a, b, c, d = VARIANTS[variant]", "a, b, c, d = 1, 1, 1, 1",
     "contaste cada palabra una vez. Un par suma las veces que se lee cada palabra que lo tiene."),
    ("4 * a + 5 * b + 6 * c + 4 * d", "3 * a + 4 * b + 5 * c + 3 * d",
     "olvidaste la marca de final en el recuento de trozos: es uno más por palabra."),
    (" - every - second", " - every",
     "restaste solo la primera unión: la segunda quita un trozo más cada vez que aparece su par."),
    ("max(s_ol, ol_a)", "every",
     "la segunda unión no puede ser otra vez el mismo par: ya está unido y no queda ninguno."),
)  # fmt: skip


_PEOPLE = "Íñigo Lucía Núñez Begoña Ángel Úrsula Muñoz Sofía".split()
_SAYINGS = "dámelo vámonos mañana quizá pingüino niño jamás corazón así lección".split()


def _pick(rng, some, number):
    """Palabras distintas."""
    return [str(word) for word in rng.choice(some, number, replace=False)]


def _number(rng, *signs):
    return "".join(f"{sign}{rng.integers(100, 1000)}" for sign in ("", *signs))


def _token_cases(rng):
    one, two, three = _pick(rng, _SAYINGS, 3)
    who, other = _pick(rng, _PEOPLE, 2)
    yield (f"—¡{one.capitalize()}! —gritó {who}—. ¿{two.capitalize()} o {three}?",)  # rayas de diálogo
    thousand, mixed = _number(rng, "."), _number(rng, ",", ".")
    yield (f"{who} pagó {thousand} pesos; {other}, {mixed}.",)  # el punto final no es del número
    first, second = rng.integers(2, 100, 2)
    yield (f"Son {first},{second}, {_number(rng)} y X1; y {one}.",)  # una coma que pega y otra que no
    yield (unicodedata.normalize("NFD", f"{who} y el {one}, {two}…"),)  # descompuesto
    yield (f"«{one}_{two}» [{three}] {rng.integers(2, 10)}%  \n {who}-{other}",)  # signos, y «_»
    side = rng.integers(2, 10)
    yield (f"De Curaçao, {side}x{side}; y {two}",)  # cifras que empiezan palabra, y una ç
    yield (rng.choice(["", " ", "\n"]).item(),)  # nada


@SET.exercise(
    "tokens", "Rayas, cifras y eñes", points=1.5, cases=_token_cases,
    forbids=(*MODELS, "coursekit.text.tokenizers"),
    hints=(
        "Primero la forma NFC y las minúsculas; después, una sola expresión con tres alternativas "
        "separadas por "
        "«|»: un número con puntos o comas por dentro, una palabra, un signo.",
        "El orden importa: si la alternativa de la palabra va antes, se lleva las primeras cifras "
        "del número.",
        "En un número, cada punto o coma ha de llevar cifras detrás: \\d+(?:[.,]\\d+)+. Y \\w también acepta "
        "el guion bajo: [^\\W_] es «de palabra, y no un guion bajo».",
    ),
)  # fmt: skip
def tokens(text):
    text = unicodedata.normalize("NFC", text).lower()
    return re.findall(r"\d+(?:[.,]\d+)+|[^\W_]+|\S", text)


tokens.mistaken(
    (r"[^\W_]+", "[a-z0-9]+",
     "tu expresión solo conoce el alfabeto inglés: rompe las palabras por las tildes y las eñes."),
    (r"\d+(?:[.,]\d+)+|", "",
     "rompes los números en cifras y signos. 1.500,75 es un solo token."),
    (r"(?:[.,]\d+)+", r"[.,\d]*",
     "el punto o la coma que sigue a un número se queda pegado a él: dentro del número, cada signo lleva "
     "cifras detrás."),
    (r"(?:[.,]\d+)+", r"(?:[.,]\d+)*",
     "la alternativa del número se lleva las cifras de «4x4»: pide por lo menos un punto o una coma (+, y no "
     "*)."),
    (r"|\S", "", "pierdes los signos: las rayas, los de abrir y los de cerrar también son tokens."),
    (r"|\S", r"|[^\w\s]", "pierdes el guion bajo: no está en tus palabras, y tampoco lo cuentas como signo."),
    (r"[^\W_]+", r"\w+",
     "\\w acepta el guion bajo y te pega dos palabras. Aquí es un signo como los demás."),
    ('unicodedata.normalize("NFC", text)', "text",
     "no pasas el texto a NFC: una eñe descompuesta son dos caracteres, y el segundo no es una letra."),
    (".lower()", "", "te faltan las minúsculas."),
    (r"\S", r"\S+", "pegas los signos que van seguidos: «—¡» son dos tokens."),
)  # fmt: skip


def _accent_cases(rng):
    one, two, three = _pick(rng, _SAYINGS, 3)
    who = rng.choice(["Íñigo", "Lucía", "Núñez", "Ángel", "Úrsula", "Sofía"]).item()
    yield (f"{one} {two} {three}",)
    yield (f"{who.upper()} y {_pick(rng, ['señor', 'montaña', 'España', 'ñandú'], 1)[0]}",)
    yield (unicodedata.normalize("NFD", f"el {_pick(rng, ['niño', 'año', 'CAMPAÑA'], 1)[0]} de {one}"),)
    word = rng.choice(["pingüino", "AGÜERO", "cigüeña"]).item()
    yield (f"¿{word} n.º {_number(rng)}?",)  # diéresis, y un º que no es una o
    yield (f"façade à la {who}",)  # marcas que no son ni agudas ni diéresis
    yield ("",)


@SET.exercise(
    "tildes", "Quitar las tildes y salvar la eñe", name="fold", points=1.5, cases=_accent_cases,
    forbids=(*MODELS, "coursekit.text.tokenizers"),
    hints=(
        "En la forma NFD, cada tilde es un carácter aparte, que se puede quitar. La de la ñ también lo es.",
        "Las marcas son distintas: la tilde aguda es \\u0301; la diéresis, \\u0308; la de la ñ, \\u0303.",
        "Descompón con NFD, quita solo \\u0301 y \\u0308, y vuelve a componer con NFC.",
    ),
)  # fmt: skip
def fold(text):
    decomposed = unicodedata.normalize("NFD", text)
    kept = "".join(char for char in decomposed if char not in "\u0301\u0308")
    return unicodedata.normalize("NFC", kept)


fold.mistaken(
    ('char not in "\\u0301\\u0308"', "not unicodedata.combining(char)",
     "quitas todas las marcas, también la de la ñ: el año se queda en «ano»."),
    ('char not in "\\u0301\\u0308"', 'not unicodedata.combining(char) or char == "\\u0303"',
     "quitas todas las marcas menos la de la ñ, y también las tienen «ç» y «à», que se quedan como están."),
    ('unicodedata.normalize("NFD", text)', "text",
     "sin descomponer antes no hay marcas que quitar: «á» es un solo carácter."),
    ('unicodedata.normalize("NFC", kept)', "kept",
     "devuelves la forma descompuesta. Se ve igual, pero la ñ son dos caracteres y no será igual a otra ñ."),
    ('"\\u0301\\u0308"', '"\\u0301"', "te dejas la diéresis: «pingüino» la conserva."),
    ('unicodedata.normalize("NFD", text)', 'unicodedata.normalize("NFD", text.lower())',
     "pasas a minúsculas, y no se pedía."),
    ('unicodedata.normalize("NFD", text)', 'unicodedata.normalize("NFKD", text)',
     "NFKD cambia más que las tildes: «º» pasa a ser una «o»."),
)  # fmt: skip


_GERUNDS = {"á": ["d", "cont", "mir", "lav", "habl"], "é": ["dici", "pidi", "ley", "tray", "sigui"]}
_CLITICS = ["me", "te", "se", "nos", "os", "lo", "la", "le", "los", "las", "les"]


def _clitic_cases(rng):
    def gerund(vowel):
        return rng.choice(_GERUNDS[vowel]).item() + vowel + "ndo"

    def some(*clitics):
        return rng.choice(clitics).item()

    yield (gerund("á") + some("me", "lo", "la", "le"),)
    yield (gerund("é") + some("los", "las", "les"),)  # una s que es del pronombre
    yield (gerund("á") + some("nos", "os"),)
    yield (gerund("é") + some("selo", "mela", "oslo"),)
    yield (gerund("á") + some("telos", "noslas", "seles"),)  # dos, y el plural detrás
    yield (some("riñéndole", "ciñéndose", "tiñéndola"),)  # tras ñ, que es una letra y no una n con tilde
    yield (some("bulléndose", "engulléndola", "zambulléndolo"),)  # tras ll
    yield ("oléndole",)  # una errata de «oliéndole»: una sola ele
    yield (gerund("é") + some("selole", "melolas"),)  # tres
    yield (fold(gerund("é")),)  # sin pronombre no lleva tilde
    yield (fold(gerund("á")) + some(*_CLITICS),)  # con pronombre y sin tilde: una errata
    yield ("cuándo",)
    yield (some("cuando", "mando", "mundo", "fondos", "venda"),)
    yield ("péndola",)  # con tilde y «la», y no es un gerundio
    yield (some("góndola", "góndolas"),)
    yield ("del",)
    yield ("al",)
    yield (some("delta", "algo", "alto", "dela"),)  # empiezan por del o al
    yield (some("íñigo", "mamá", "solos", "dime"),)


@SET.exercise(
    "encliticos", "Del, al y diciéndomelo", name="expand", points=2, cases=_clitic_cases,
    hints=(
        "Un gerundio con pronombres lleva tilde en la vocal de antes de «ndo»: «ándo» o «éndo», y "
        "detrás, uno o "
        "dos pronombres hasta el final de la palabra. La é va detrás de i, y, ñ o ll.",
        "re.fullmatch(r\"(.+)(á|(?<=[iyñ])é|(?<=ll)é)ndo(…)\", word) da las tres partes; (?<=…) mira lo de "
        "antes sin llevárselo. Para separar los pronombres, "
        "re.findall con "
        "los once separados por «|»: prueba antes los largos, o «los» te saldrá como «lo» y una s suelta.",
        "El gerundio que devuelves ya no lleva tilde: cambia á por a y é por e. Ojo con «cuándo»: no "
        "tiene nada "
        "detrás de «ndo», y se queda como está.",
    ),
)  # fmt: skip
def expand(word):
    if word in ("del", "al"):
        return ["de" if word == "del" else "a", "el"]
    clitic = "nos|los|las|les|os|me|te|se|lo|la|le"
    found = re.fullmatch(f"(.+)(á|(?<=[iyñ])é|(?<=ll)é)ndo((?:{clitic}){{1,2}})", word)
    if not found:
        return [word]
    stem, vowel, clitics = found.groups()
    return [stem + {"á": "a", "é": "e"}[vowel] + "ndo", *re.findall(clitic, clitics)]


expand.mistaken(
    ("(á|(?<=[iyñ])é|(?<=ll)é)", "([áé])",
     "«péndola» no es un gerundio: la é de los gerundios va detrás de i, y, ñ o ll."),
    ('{"á": "a", "é": "e"}[vowel]', "vowel",
     "el gerundio conserva la tilde que le dieron los pronombres: «diciendo» se escribe sin ella."),
    ('"nos|los|las|les|os|me|te|se|lo|la|le"', '"me|te|se|lo|la|le|nos|os|los|las|les"',
     "pruebas antes los pronombres cortos, y de «los» te sale «lo»: la s se pierde. Primero los largos."),
    ("(?<=[iyñ])é|(?<=ll)é", "(?<=[iy])é",
     "solo admites «éndo» detrás de i o de y: en «riñéndole» va detrás de ñ, y en «bulléndose», de ll."),
    ('stem + {"á": "a", "é": "e"}[vowel]',
     'unicodedata.normalize("NFD", stem + vowel).encode("ascii", "ignore").decode()',
     "le quitas al gerundio todas las marcas, y la de la ñ no es una tilde: de «riñéndole» sale «riñendo»."),
    ("{{1,2}}", "{{1,3}}", "admites tres pronombres, y se piden uno o dos."),
    ("{{1,2}}", "", "solo admites un pronombre: «diciéndomelo» lleva dos."),
    ("{{1,2}}", "*", "«cuándo» no lleva pronombres y te sale cambiada: hace falta al menos uno."),
    ("{{1,2}})\", word)", "{{1,2}})\", word.replace(\"ando\", \"ándo\").replace(\"endo\", \"éndo\"))",
     "cortas también sin la tilde. La tilde es la señal: sin ella la palabra se queda como está."),
    ("*re.findall(clitic, clitics)", "clitics",
     "los pronombres te salen pegados: en «diciéndomelo», «me» y «lo» son dos."),
    ('word in ("del", "al")', 'word[:3] == "del" or word[:2] == "al"',
     "miras solo cómo empieza la palabra, y «algo» o «delta» no son contracciones."),
    ('else "a", "el"]', 'else "a", "l"]',
     "cortas las letras de «del» y «al», y la palabra que esconden es «el», con su e."),
)  # fmt: skip


def _longest_cases(rng):
    a, b, c, d = _pick(rng, list("abdeilmnoprst"), 4)
    inventory = [a, b, c, a + b, b + c, a + b + c, c + a]
    yield a + b + c + a + b, inventory  # el más largo primero
    yield b + a + b + c + c, inventory[::-1]  # la lista no está ordenada por largo
    yield a + b + c, [a, a + b, b + c]  # voraz: se queda con a + b y lo que sigue no tiene trozo
    yield a + d + b, [a, b, a + b]  # una letra sin trozo en medio
    yield d + d, [a]  # ninguna
    yield a + b + a + b, [a + b + a + b, a, b]  # la palabra entera
    yield a + b + c, [b, c, a + b + c + d]  # un trozo más largo que la palabra
    yield a + b + c + a, [a + b, b + c + a, a, b, c]  # el más largo de todos no está al principio
    yield (a + b + c) * 2 + d, [(a + b + c) * 2 + d, a, b, c, d]  # un trozo de siete letras
    yield "", [a]


def _longest_anywhere(word, inventory):
    """El método de quien busca el trozo más largo en toda la palabra y corta a los dos lados."""
    fits = [piece for piece in inventory if piece in word]
    if not fits:
        return ["<unk>"] * len(word)
    before, piece, after = word.partition(max(fits, key=len))
    return [*_longest_anywhere(before, inventory), piece, *_longest_anywhere(after, inventory)]


@SET.exercise(
    "trozo_mas_largo", "Cortar por el trozo más largo", name="longest_first", points=1.5,
    cases=_longest_cases, forbids=(*MODELS, "coursekit.text.pieces"),
    hints=(
        "Lleva la cuenta de dónde empieza lo que falta por cortar, y avanza hasta el final de la palabra.",
        "En cada posición prueba todos los finales, del más lejano al más cercano: el primero que esté en el "
        "inventario es el trozo más largo.",
        "Si ningún final sirve, ni siquiera una letra sola, pon \"<unk>\" y avanza una letra. Si la celda no "
        "termina, interrúmpela: en alguna rama no avanzas.",
    ),
)  # fmt: skip
def longest_first(word, inventory):
    pieces, start = [], 0
    while start < len(word):
        ends = range(len(word), start, -1)
        end = next((end for end in ends if word[start:end] in inventory), None)
        pieces.append("<unk>" if end is None else word[start:end])
        start = end or start + 1
    return pieces


longest_first.mistaken(
    ("range(len(word), start, -1)", "range(start + 1, len(word) + 1)",
     "tomas el trozo más corto. Prueba los finales del más lejano al más cercano."),
    ("pieces, start = [], 0", "return _longest_anywhere(word, inventory)",
     "buscas el trozo más largo en toda la palabra y cortas a los lados. Se empieza por la izquierda: el más "
     "largo de los que encajan en esa posición."),
    ("range(len(word), start, -1)", "range(len(word) - 1, start, -1)",
     "no llegas al final de la palabra: el último trozo, o la palabra entera, no se prueba nunca."),
    ('pieces.append("<unk>" if end is None else word[start:end])',
     "pieces += [word[start:end]] if end else []",
     "borras las letras sin trozo: si no se pone <unk>, el texto pierde algo y nadie lo sabe."),
    ('"<unk>" if end is None else word[start:end]', "word[start:end or start + 1]",
     "dejas tal cual una letra que no está en el inventario: no tendría fila. Ahí va <unk>."),
    ("start = end or start + 1", "start = end or len(word)",
     "al encontrar una letra sin trozo abandonas el resto de la palabra."),
    ("return pieces", 'return ["<unk>"] if "<unk>" in pieces else pieces',
     "das por desconocida la palabra entera porque le falta una letra; aquí solo lo es esa letra."),
)  # fmt: skip


def _detective_cases(rng):
    one, two, three, four, five = sorted(_pick(rng, _SAYINGS, 5))
    yield [four] * 3 + [two] * 2 + [three], [four, one, two], 2  # el mínimo justo; una nueva
    yield [two, five, five, three] * 2, [one] * 3 + [two, five, three], 2  # nueva, y muy repetida
    yield [four, two], [three, two, four, five], 1  # empate: por alfabeto
    yield [four, two, four], [two, two, two, four], 2  # la prueba no ayuda a llegar al mínimo
    yield [one], [two, three], 3  # nadie llega


@SET.exercise(
    "detective", "Detective: tres fallos en seis líneas", name="to_ids", points=2, cases=_detective_cases,
    hints=(
        "Son tres fallos: de qué texto salen las cuentas, quién llega al mínimo y qué pasa con quien "
        "no está.",
        "Prueba con train = [\"pan\", \"pan\"], test = [\"pan\", \"sal\"] y min_freq = 2. ¿Qué "
        "debería salir? ¿Cuántos "
        "números?",
        "La salida tiene un número por token de test, y el 0 es de <unk>. «Al menos min_freq» "
        "incluye a quien "
        "aparece justo min_freq veces.",
    ),
)  # fmt: skip
def to_ids(train, test, min_freq):
    counts = Counter(train)
    kept = [word for word in counts if counts[word] >= min_freq]
    kept.sort(key=lambda word: (-counts[word], word))
    rows = {word: number for number, word in enumerate(["<unk>", *kept])}
    return [rows.get(word, 0) for word in test]


to_ids.planted(
    ("Counter(train)", "Counter(train + test)",
     "las cuentas incluyen la prueba: palabras que el entrenamiento no tiene reciben fila."),
    (">= min_freq", "> min_freq",
     "quien aparece justo min_freq veces se queda fuera: el mínimo es «al menos»."),
    ("[rows.get(word, 0) for word in test]", "[rows[word] for word in test if word in rows]",
     "las palabras sin fila desaparecen: la frase se acorta y junta palabras que no iban juntas."),
)  # fmt: skip
to_ids.mistaken(
    ("(-counts[word], word)", "word",
     "ordenas solo por alfabeto: las filas van de la más frecuente a la menos, y el alfabeto decide "
     "los empates."),
    ("(-counts[word], word)", "-counts[word]",
     "los empates te salen en el orden del texto; se piden por alfabeto."),
)  # fmt: skip
