"""Short texts by which two tokenizers are compared: English, program code and Korean."""

from __future__ import annotations

_ENGLISH = """\
The harbour was quiet when the ferry left at half past six. A few gulls followed it for a while, \
then turned back towards the fish market, where the first stalls were being opened. Nobody on \
deck spoke much. An old woman had wrapped herself in a grey blanket and read a letter that she \
seemed to know by heart; two students compared their timetables and agreed, at last, that they \
didn't need to hurry. By 1987 the crossing took forty minutes. It used to take twice as long, as \
the captain liked to tell anyone who asked, "and in winter nobody could say."

Further out the wind freshened. The independent observers whom the ministry had sent in \
September were expected to report on the condition of the lighthouse, its foundations and its \
electrical installation, but the weather had kept them ashore for most of the week."""

_CODE = '''\
from collections import Counter


def most_common_words(path: str, limit: int = 10) -> list[tuple[str, int]]:
    """Return the words that occur most often in a file."""
    counts = Counter()
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.startswith("#") or not line.strip():
                continue
            counts.update(word.lower() for word in line.split())
    return counts.most_common(limit)


for (int i = 0; i < items.length; ++i) {
    total += items[i].price * 1.19;
    if (total > 1000) { return null; }
}
'''

_KOREAN = """\
배는 여섯 시 반에 항구를 떠났다. 갈매기 몇 마리가 한동안 뒤를 따르다가 \
막 문을 열기 시작한 어시장 쪽으로 돌아갔다. 갑판에서는 아무도 말을 많이 하지 않았다. \
회색 담요를 두른 할머니는 이미 외우고 있는 듯한 편지를 읽었고, \
학생 두 명은 시간표를 맞춰 보더니 서두를 필요가 없다는 데 마침내 의견을 모았다.

1987년에는 바다를 건너는 데 사십 분이 걸렸다. 예전에는 그 두 배가 걸렸으며 \
"겨울에는 아무도 장담할 수 없었지요"라고 선장은 묻는 사람마다 이야기하곤 했다."""

ENGLISH, CODE, KOREAN = "English", "code", "Korean"
SAMPLE_TEXTS = {ENGLISH: _ENGLISH, CODE: _CODE, KOREAN: _KOREAN}
"""Each text by what it is."""
