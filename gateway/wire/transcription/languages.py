"""OpenAI names languages in full; other vendors give codes."""

from __future__ import annotations

_LIST = (
    "af:afrikaans ar:arabic az:azerbaijani be:belarusian bg:bulgarian bn:bengali bs:bosnian ca:catalan cs:czech"
    " cy:welsh da:danish de:german el:greek en:english es:spanish et:estonian fa:persian fi:finnish fr:french"
    " gl:galician he:hebrew hi:hindi hr:croatian hu:hungarian hy:armenian id:indonesian is:icelandic it:italian"
    " ja:japanese kk:kazakh kn:kannada ko:korean lt:lithuanian lv:latvian mi:maori mk:macedonian mr:marathi"
    " ms:malay ne:nepali nl:dutch no:norwegian pl:polish pt:portuguese ro:romanian ru:russian sk:slovak"
    " sl:slovenian sr:serbian sv:swedish sw:swahili ta:tamil th:thai tl:tagalog tr:turkish uk:ukrainian ur:urdu"
    " vi:vietnamese zh:chinese"
)
_NAMES = dict(pair.split(":") for pair in _LIST.split())


def name_of(code: str) -> str:
    """`english` for `en`, `en-US` and `en_us`; what is not known stays as it is."""
    return _NAMES.get(code.replace("_", "-").partition("-")[0].lower(), code)
