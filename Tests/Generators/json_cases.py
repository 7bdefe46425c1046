#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes Tests/Fixtures/json/cases.tsv: JSON texts, sound ones and damaged ones, and what Python's json reads there.

    python3 Tests/Generators/json_cases.py

A line is the text in base64, a tab, and its value: - where Python refuses the text (with its constants NaN, Infinity
and -Infinity refused too), else z, t, f; i and a decimal number that fits 64 bits; d and the 16 hexadecimal digits of
a double; s, the bytes of the string in hexadecimal and ;  [ values ]; { names and values as they come }. A value is ?
where it holds what Python allows and Unicode or doubles do not: half of a surrogate pair, a number beyond all doubles.
"""
import base64
import json
import math
import random
import struct
from pathlib import Path

OUT = Path(__file__).resolve().parent.parent / "Fixtures" / "json" / "cases.tsv"

SOUND = [
    r'{"a":[1,2.5e3,"x\u00e9",{"b":null,"c":[true,false]}],"d":""}',
    r' { "k" : [ ] , "k" : { } , "\u006b" : -0.0 } ',
    r'["\"\\\/\b\f\n\r\t", "\ud83d\ude00", "\u0000", "é😀", "e\u0301", "\u007f"]',
    r'[0, -0, 1, -1, 10, 0.1, 1.0, 1e0, 1E+2, 1e-2, 123456789012345678, 0.30000000000000004]',
    r'[9223372036854775807, 9223372036854775808, -9223372036854775808, -9223372036854775809]',
    r'[1e308, 1.7976931348623157e308, 4.9e-324, 1e-400, 2.2250738585072011e-308, 1e23, 8.41e21]',
    r'[9007199254740993, 9007199254740993.0, 179769313486231580793e289, 0.000000000000000000001]',
    '[' * 60 + '"deep"' + ']' * 60,
    'null', ' true\n', '"x"', '-1.5', '{}', '[]', '\t[\r\n]',
]
DAMAGED = [
    '', ' ', '{', '[', '"', '{"a"', '{"a":', '{"a":1', '{"a":1,', '[1', '[1,', '[1,]', '{"a":1,}', '{,}', '[,]',
    '{"a" 1}', '{"a":}', '{a:1}', "{'a':1}", '{1:2}', '[1 2]', '[1,,2]', '[1]]', '{}}', '1 2', 'tru', 'truee', 'nul',
    'True', '01', '-01', '-', '+1', '.5', '1.', '1.e5', '1e', '1e+', '0x10', '1_000', 'NaN', 'Infinity', '-Infinity',
    '"\t"', '"\n"', '"\x00"', r'"\x"', r'"\u12"', r'"\u12g4"', r'"\U0041"', r'"\ud83d"', r'"\ude00"', r'"\ud83d\u0041"',
    r'"\ud83dx"', r'"\ud83d\ud83d\ude00"', '"\\', '"\\"', '[1e400]', '/* */1', '1//', '\ufeff1', '\u00a01', '[1\u20282]',
]
PIECES = ['{', '}', '[', ']', ':', ',', '"', '\\', '\\u', '0', '-', '.', 'e', 't', ' ', 'null', '\x1f', '\xe9', '1']


def constant(name):
    raise ValueError(name)


def written(value):
    if value is None or isinstance(value, bool):
        return {None: "z", True: "t", False: "f"}[value]
    if isinstance(value, (int, float)):
        if isinstance(value, int) and -(2**63) <= value < 2**63:
            return f"i{value}"
        number = float(value)  # OverflowError beyond all doubles
        if math.isinf(number):
            raise OverflowError
        if number.is_integer() and -(2**63) <= number < 2**63:
            return f"i{int(number)}"
        return "d" + struct.pack(">d", number).hex()
    if isinstance(value, str):
        return f"s{value.encode('utf-8').hex()};"  # UnicodeEncodeError for half of a pair
    if isinstance(value, list):
        return "[" + "".join(map(written, value)) + "]"
    return "{" + "".join(written(key) + written(member) for key, member in value) + "}"


def expected(text):
    try:
        value = json.loads(text, object_pairs_hook=tuple, parse_constant=constant)
    except (ValueError, UnicodeDecodeError):
        return "-"
    try:
        return written(value)
    except (OverflowError, UnicodeEncodeError):
        return "?"


def sound(depth, source):
    kind = source.randrange(8 if depth else 6)
    if kind < 2:
        return source.choice([0, 1e-7, -1.5, 2.0, 3e100, -(2**62), 2**64]) * source.choice([1, 7, source.random()])
    if kind < 4:
        return "".join(source.choice('ab"\\/\n\x01\x7f\xe9\u0301\u4e2d\U0001f600') for _ in range(source.randrange(6)))
    if kind < 6:
        return source.choice([None, True, False])
    if kind == 6:
        return [sound(depth - 1, source) for _ in range(source.randrange(4))]
    return {str(sound(0, source)): sound(depth - 1, source) for _ in range(source.randrange(4))}


def dumped(source):
    separators = source.choice([(",", ":"), (" , ", " : "), (",\n\t", ":\r")])
    return json.dumps(sound(5, source), ensure_ascii=source.random() < 0.5, separators=separators)


def damaged(text, source):
    for _ in range(source.choice([1, 1, 1, 2])):
        place = source.randrange(len(text) + 1)
        end = min(len(text), place + source.randint(0, 2))
        text = text[:place] + source.choice(PIECES) + text[end:]
    return text


source = random.Random(5)
texts = SOUND + DAMAGED + [dumped(source) for _ in range(300)]
texts += [damaged(source.choice(texts), source) for _ in range(1200)]
OUT.parent.mkdir(exist_ok=True)
with OUT.open("w") as file:
    for text in texts:
        file.write(base64.b64encode(text.encode()).decode() + "\t" + expected(text) + "\n")
