"""Whole labels that read like non-response, in eight languages; and labels that only look a little like it."""

from __future__ import annotations

import time

import pytest

from survey_kit.codebook import MissingRule, Variable
from survey_kit.recode import looks_like_nonresponse

NONRESPONSE = """
Don't know|Don’t know|DON'T KNOW|Do not know|\xa0Don't know|Dont know|DK|DK/NA|DK / Ref|Refused|REFUSED
Refused to answer
Refuse to answer|Refusal|No answer|No response|Not applicable|N/A|NA|Hard to say|Difficult to answer|Difficult to say
Interviewer error|Legal skip|Break off|Not asked|Skipped|Inapplicable|-9. Refused|98 Don't know|99 = Refused|Not stated
Don't know / Refused|Don't know or no answer|Don't know, refused|Don't know/Refused (VOL.)|(DO NOT READ) Don't know
(Refused)|[Don't know]|Prefer not to say|Prefer not to say/ Don't know|Can't choose|Can't say|Not sure|Unknown|Missing
Does not apply|I do not remember|*Refused*|Don't know!|Not applicable (did not vote)|No opinion|Don't know.
Затрудняюсь ответить|ЗАТРУДНЯЮСЬ ОТВЕТИТЬ|Затрудняюсь ответить / Отказ|Затруднились ответить|Трудно сказать|Не знаю
Нет ответа|Отказ|Отказ от ответа|Отказался от ответа|Отказываюсь отвечать|Не применимо|Неприменимо|Ошибка интервьюера
Затрудняюсь|Не знаю или отказ|Сложно сказать|99. Отказ от ответа
Важко відповісти|Важко сказати|Не знаю|Відмова від відповіді|Відмова|Немає відповіді|Не застосовується
Складно відповісти
Помилка інтерв'юера|Помилка інтерв’юера|Відмовляюся відповідати
Білмеймін|Жауап беру қиын|Жауап беруге қиналамын|Жауап беруден бас тарту|Бас тарту|Жауап жоқ|Айту қиын|Қолданылмайды
არ ვიცი|უარი პასუხზე|უარი|მიჭირს პასუხის გაცემა|პასუხი არ არის|არ ეხება|ინტერვიუერის შეცდომა|ძნელია თქმა
Weiß nicht|Weiss nicht|WEISS NICHT|Keine Angabe|k.A.|k. A.|Verweigert|Antwort verweigert|Keine Antwort|Schwer zu sagen
Weiß nicht / keine Angabe|Nicht zutreffend|Entfällt|Weiß nicht oder verweigert
Ne sait pas|Je ne sais pas|NSP|Refus|Refus de répondre|Refuse de répondre|Sans réponse|Non réponse
Non concerné|Non applicable
Ne sait pas ou refus|Difficile à dire|Ne se prononce pas|Sans objet|NSP/NR
No sabe|No contesta|NS/NC|No sabe / No contesta|No sé|No responde|Sin respuesta|No aplica|Difícil de decir
Rechaza responder
Refused | Отказ|No sabe o no contesta
"""
ANSWERS = """
No|Yes|Нет|Ні|Жоқ|არა|Nein|Non|None|Other|Undecided|Neither agree nor disagree|Don't know him|Don't know the candidate
I don't know enough about it|Refused to vote|Refused entry at the border|Not at all|No change|No trust|No difference
Know well|Not important|Applicable|Skip school|Missing persons|Unknown Soldier|Answer|Error|Declined
Trifft nicht zu|Unsicher
Trifft eher nicht zu|Scottish National Party (SNP)|Other/Don't know/Refused (VOL.)|Difficult|Hard
Отказ от НАТО|Не знаю его
Трудно|Знаю|Не доверяю|Не буду голосовать|Против всех|Ошибка|Благо|Weder noch|Sans appartenance|Sin partido|Nada|N|NC|RF
0|1|98|/|()|
"""


def split(text: str) -> list[str]:
    return [label for line in text.strip("\n").split("\n") for label in line.split("|")]


@pytest.mark.parametrize("label", split(NONRESPONSE))
def test_reads_like_nonresponse(label: str) -> None:
    assert looks_like_nonresponse(Variable("q", labels={1: "Yes", 7: label})) == [7]


@pytest.mark.parametrize("label", split(ANSWERS))
def test_is_an_answer(label: str) -> None:
    assert looks_like_nonresponse(Variable("q", labels={1: "Yes", 7: label})) == []


def test_both_languages_in_one_label() -> None:
    assert looks_like_nonresponse(Variable("q", labels={7: "Refused | Отказ", 8: "Oppose | Отказ"})) == [7]


def test_declared_codes_are_not_named() -> None:
    labels = {1: "Yes", 97: "Not asked", 98: "Don't know", 99: "Refused", "z": "No answer"}
    assert looks_like_nonresponse(Variable("q", labels=labels)) == [97, 98, 99, "z"]
    assert looks_like_nonresponse(Variable("q", labels=labels, missing=MissingRule((99,), ((97, 97),)))) == [98, "z"]


def test_hostile_labels_take_no_time() -> None:
    started = time.perf_counter()
    hostile = ["(" * 50_000, "don't know / " * 20_000, " " * 100_000, "не знаю " * 20_000, "უარი" + " პასუხზე" * 10_000]
    assert looks_like_nonresponse(Variable("q", labels=dict(enumerate(hostile)))) in ([], [1])
    assert time.perf_counter() - started < 20  # a hang, not a speed
