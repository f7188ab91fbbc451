"""Numbers for people: percentages, millimetres, counts."""

from ctsieve.types.volume import Window

MINUS = "\N{MINUS SIGN}"
THIN_SPACE = "\N{NARROW NO-BREAK SPACE}"


def percent(share: float) -> str:
    """A share in per cent with one decimal; never 0 or 100 for what is neither.

    Example:
        >>> percent(0.934).replace(THIN_SPACE, " "), percent(0.0001).replace(THIN_SPACE, " ")
        ('93.4 %', '<0.1 %')
    """
    if 0.0 < share < 0.0005:
        return f"<0.1{THIN_SPACE}%"
    if 0.9995 <= share < 1.0:
        return f">99.9{THIN_SPACE}%"
    return f"{share * 100:.1f}{THIN_SPACE}%"


def percent_beside(share: float, threshold: float) -> str:
    """Like `percent`, with as many decimals as it takes to look different from the threshold.

    A probability just below its threshold must not be printed as equal to it.

    Example:
        >>> percent_beside(0.54999, 0.55).replace(THIN_SPACE, " ")
        '54.999 %'
    """
    if share == threshold or percent(share) != percent(threshold):
        return percent(share)
    for digits in range(2, 9):
        shown = f"{share * 100:.{digits}f}"
        if shown != f"{threshold * 100:.{digits}f}":
            return f"{shown}{THIN_SPACE}%"
    return percent(share)


def millimetres(value: float) -> str:
    """A place in mm with one decimal and a true minus sign.

    Example:
        >>> millimetres(-52.1).replace(THIN_SPACE, " ").replace(MINUS, "-")
        '-52.1 mm'
    """
    sign = MINUS if value < -0.05 else ""
    return f"{sign}{abs(value):.1f}{THIN_SPACE}mm"


def quantity(value: float, unit: str) -> str:
    """A number of four digits with its unit and a true minus sign.

    Example:
        >>> quantity(6264.873, "ml").replace(THIN_SPACE, " ")
        '6,265 ml'
    """
    sign = MINUS if value < 0 else ""
    number = abs(value)
    shown = f"{number:,.0f}" if number >= 1000 else f"{number:.4g}"
    return f"{sign}{shown}{THIN_SPACE}{unit}".rstrip()


def hu_window(window: Window) -> str:
    """A window as radiologists write it.

    Example:
        >>> hu_window(Window(centre=40.0, width=400.0))
        'W 400 L 40 HU'
    """
    sign = MINUS if window.centre < 0 else ""
    return f"W {window.width:g} L {sign}{abs(window.centre):g} HU"


def counted(number: int, noun: str) -> str:
    """A number with its noun.

    Example:
        >>> counted(1, "case"), counted(1200, "case")
        ('1 case', '1,200 cases')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
