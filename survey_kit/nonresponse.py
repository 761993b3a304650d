"""Codes that must not enter a mean unnoticed: labelled "don't know" or "refused", or set apart as -9 and 99 are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

from survey_kit.codebook import Code, Variable

_ENGLISH = (
    r"(i )?(do not|don'?t|does not|doesn'?t|did not|didn'?t) (know|remember|recall)",
    r"(can'?t|cannot|can not|could not|couldn'?t) (say|choose|answer|remember|recall|decide)",
    r"dk|d\.k\.?|d/k|dnk|iap|dk/?ref|dk/?na|dk/?rf|n/?a|n\.a\.?|unknown|(not|un) ?sure|no opinion",
    r"(very )?(hard|difficult) to (say|answer|tell)|specified as (don'?t know|refused)",
    r"ref|((the )?respondent )?refus(ed|al|es|e)( to (answer|say|respond|tell|state|reply))?",
    r"(prefer|want|wish|would rather)s? not (to )?(say|answer|respond)",
    r"(do not|don'?t|did not|didn'?t) (want|wish) to (answer|say|respond)|decline[sd]? to (answer|say|respond|state)",
    r"no (answer|response|reply|data)|non[- ]?response|(did not|didn'?t|not) (answer|answered|respond|reply)",
    r"(item )?(missing|not (stated|ascertained|available|reported|recorded))( data| value)?|system missing",
    r"not applicable|inapplicable|inap|does(n'?t| not) apply|not asked|question not asked|was not asked",
    r"(legal|legitimate|valid|logical)? ?skip(ped)?|(interview(er)?|technical|coding) (error|mistake)",
    r"(interview )?break[- ]?off",
)
_RUSSIAN = (
    r"затрудня(юсь|ется|лся|лась)( с ответом| ответить| сказать| оценить)?",
    r"затруднил(ся|ась|ись)( с ответом| ответить)?",
    r"не мог(у|ут|ла?) (ответить|сказать|оценить)",
    r"(трудно|сложно) (сказать|ответить|оценить)|не (знаю|знает|знают|помню|помнит)|з/?о",
    r"н/?о|нет (ответа|данных|мнения)|без ответа|не (ответил|ответила|ответили|указал|указала|указано)",
    r"отказ(ался|алась|ались|ываюсь|ывается)?( от ответа| ответить| отвечать)?|не (хочу|хочет) отвечать",
    r"не ?применимо|не относится|вопрос не задавался|не (задавался|задавали)|(законный |логический )?пропуск",
    r"ошибка интервьюера|техническая ошибка|прерванное интервью",
)
_UKRAINIAN = (
    r"(важко|складно) (відповісти|сказати|оцінити)|не (знаю|знає|знають|пам'?ятаю|пам'?ятає)",
    r"відмов(а|ився|илася|илась|илися|ляюсь|ляюся|ляється)( від відповіді| відповідати| відповісти)?",
    r"(немає|нема) (відповіді|даних)|без відповіді|не (відповів|відповіла|відповіли|вказано)|не хочу відповідати",
    r"не ?застосовується|не ?застосовно|не стосується|не запитувал(и|ося|ось)|помилка інтерв'?юера",
)
_KAZAKH = (
    r"білмеймін|білмейді|есімде жоқ",
    r"(жауап беру|айту)(ге|ға)? (қиын|қиналамын|қиналады|қиналды)|қиналамын|жауап беруге қиналдым",
    r"(жауап беруден |жауаптан )?бас (тарту|тартамын|тартты|тарттым|тартады)|жауап бер(гісі келмейді|гім келмейді|мейді|меді)",
    r"жауа(п|бы) жоқ|қолданылмайды|сұрақ қойылған жоқ|интервьюер(дің)? қатесі",
)
_GEORGIAN = (
    r"არ (ვიცი|იცის|მახსოვს|ახსოვს)|(მიჭირს|უჭირს)( პასუხის გაცემა| პასუხი| თქმა)?|ძნელია (თქმა|პასუხის გაცემა)",
    r"ძნელი სათქმელია|უარი( პასუხზე| პასუხის გაცემაზე| მაქვს| თქვა| განაცხადა)*|უარი თქვა( პასუხზე| პასუხის გაცემაზე)",
    r"პასუხი (არ არის|არაა)|უპასუხოდ|არ (უპასუხა|მიპასუხა|ეხება|შეესაბამება|აქვს პასუხი)|ინტერვიუერის შეცდომა",
    r"(ლეგალური )?გამოტოვება|შეკითხვა არ დასმულა",
)
_GERMAN = (
    r"weiss (ich )?(es )?nicht|(ich )?weiss (es )?nicht|kann (ich )?nicht sagen|schwer zu sagen",
    r"keine (angaben?|antwort|meinung|aussage)|k\. ?a\.?|(antwort )?verweiger(t|ung)",
    r"möchte (ich )?nicht (sagen|antworten)",
    r"nicht (zutreffend|anwendbar|erhoben|gefragt|beantwortet)|entfällt|interviewer(fehler| fehler)|fehlend",
)
_FRENCH = (
    r"(je )?(ne|n')? ?sai[st] pas|nsp|nsp ?[/-] ?nr|(il )?(est )?difficile [aà] dire|ne se prononce pas",
    r"refus(e|é)?( de r[eé]pondre)?",
    r"(ne )?(souhaite|veut|préfère) (pas|ne pas) r[eé]pondre|(sans|pas de|non) r[eé]ponse",
    r"sans (avis|opinion|objet)|non (concern[eé](\(?e\)?)?|applicable|pos[eé]e?)|erreur d(e l'|')enqu[eê]teur",
)
_SPANISH = (
    r"no (lo )?(sabe|s[eé]|recuerd[ao])|ns ?[/-] ?nc|(es )?dif[ií]cil (de )?decir|no sabr[ií]a decir",
    r"no (contesta|contest[oó]|responde|respondi[oó])|sin (respuesta|datos|opini[oó]n)",
    r"rechaz[aoó]( responder| contestar)?",
    r"(se )?(niega|neg[oó]) a (responder|contestar)",
    r"prefiere no (responder|contestar|decir)|no (aplica|procede|corresponde)",
    r"no preguntad[oa]|error del? (entrevistador|encuestador)[a]?",
)
_WHOLE = re.compile("|".join((*_ENGLISH, *_RUSSIAN, *_UKRAINIAN, *_KAZAKH, *_GEORGIAN, *_GERMAN, *_FRENCH, *_SPANISH)))
_LEADING_CODE = re.compile(r"^-?\d+\s*[.):=-]\s*|^-?\d+\s+")
_ASIDE = re.compile(
    r"^(vol(unteered)?\.?\s*[:.-]\s*)|\s*[-–—,(]*\s*do not read( out)?\)?$"
)  # instructions to interviewers
_NOTE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_BETWEEN = re.compile(r"\s*[/|;,]\s*|\s+(?:or|and|или|и|або|чи|немесе|ან|oder|und|ou|et|o|y)\s+")
_LONGEST = 200
_NINES = frozenset(float(n) for digits in (100, 1000, 10_000, 100_000) for n in range(digits - 3, digits))
_GAP = 5  # a code of nines closer than this to the other labels continues them
_NO_REASON = re.compile(r"other|друг|ин(ое|ые|ой)|інш|басқа|სხვა|ander|sonstig|autre|otr[oa]|.*\d")


def looks_like_nonresponse(variable: Variable) -> list[Code]:
    """Labelled codes that are not declared missing but look like "don't know", "refused", "not applicable" and so on.

    A label counts when the whole of it is such a phrase, or several of them ("Don't know / Refused"), after a leading
    code ("-9. Refused"), notes in brackets and punctuation are set aside. "No" alone is not one, nor is "Don't know
    him" or "Undecided". Wordings: English, Russian, Ukrainian, Kazakh, Georgian, German, French, Spanish.

    A labelled code counts by its number, whatever its label, when it is negative on a scale that is not symmetric about
    zero, or 97 to 99 (997 to 999 ...) beyond all other labels; unless its label says "other" or a number ("97 or more").

    A variable that states an empty missing rule (`declare_missing(book, name, [])`) says that every code is an answer;
    nothing is returned for it.

    >>> looks_like_nonresponse(Variable("q", labels={1: "Yes", 2: "No", 98: "Don't know", 99: "Отказ"}))
    [98, 99]
    >>> looks_like_nonresponse(Variable("q", labels={-7: "Split sample", 1: "Yes", 2: "No"}))
    [-7]
    """
    rule = variable.missing
    if rule is not None and not rule.values and not rule.ranges:
        return []
    labels = variable.valid_labels()
    by_text = [code for code, label in labels.items() if reads_like_nonresponse(label)]
    by_number = _set_apart({code: label for code, label in labels.items() if code not in by_text})
    return [code for code in labels if code in by_text or code in by_number]


def _set_apart(labels: Mapping[Code, str]) -> set[Code]:
    """Codes that are negative or all nines where the others are not."""
    numbers = {float(code): code for code in labels if not isinstance(code, str)}
    tops = {n for n in numbers if n in _NINES}
    rest = [n for n in numbers if n >= 0 and n not in tops]
    symmetric = min(numbers, default=0.0) == -max(rest, default=0.0)  # -2 to 2
    apart = {n for n in numbers if n < 0 and not symmetric} | {n for n in tops if rest and n > max(rest) + _GAP}
    return {numbers[n] for n in apart if not _NO_REASON.match(labels[numbers[n]].strip().casefold())}


@lru_cache(maxsize=50_000)
def reads_like_nonresponse(label: str) -> bool:
    """Whether the whole of a label is such a phrase.

    >>> reads_like_nonresponse("Don't know"), reads_like_nonresponse("No")
    (True, False)
    """
    text = re.sub(r"[’‘ʼ`´]", "'", label[:_LONGEST])  # before NFKC, which takes ´ apart
    text = _ASIDE.sub("", unicodedata.normalize("NFKC", text).casefold().strip())
    text = _LEADING_CODE.sub("", text)
    bare = _NOTE.sub(" ", text)
    text = _trimmed(bare if _trimmed(bare) else text)
    if _WHOLE.fullmatch(text):
        return True
    parts = [_trimmed(part) for part in _BETWEEN.split(text)]
    return bool(text) and all(_WHOLE.fullmatch(part) for part in parts)


def _trimmed(text: str) -> str:
    return " ".join(text.split()).strip(" .,:;!?*-–—\"'()[]<>«»“”")
