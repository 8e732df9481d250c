"""Widths of strings as the wcwidth package has them: pip install wcwidth==0.9.4, then
python make_columns.py > columns.json"""

import json

import wcwidth

TEXTS = [
    "", "epoch 3/10", "T-shirt/top", "café", "cafe\u0301", "n\u0303and\u00fa", "猫", "犬と猫", "ねこ", "ﾈｺ",
    "한국어", "\u1112\u1161\u11ab", "数字：３", "（括弧）", "Ελληνικά", "кошка", "חתול", "قطة",
    "नमस्ते", "नीला", "ไทย", "🎉", "👍🏽", "👩‍🔬", "🇩🇪", "✔", "✔\ufe0f", "☃", "⌚", "─█░", "…", "–",
    "a\u200bb", "x\u0308\u0304", "𠀀", "〒", "㍿", "①", "Å", "ﬁ",
]

print(json.dumps([{"text": t, "columns": wcwidth.wcswidth(t)} for t in TEXTS], ensure_ascii=False, indent=0))
