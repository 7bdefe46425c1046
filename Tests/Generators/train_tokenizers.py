# SPDX-License-Identifier: Apache-2.0
"""Trains small tokenizers and writes what Hugging Face's `tokenizers` makes of hostile texts.

    pip install tokenizers==0.23.3 sentencepiece protobuf
    python Tests/Generators/train_tokenizers.py Tests/Fixtures/tokenizers/trained [NAME ...]

Training depends on the order of hash tables, so every run gives other tokenizers (and a fresh test).
Writes texts.json and, per tokenizer, NAME/tokenizer.json and NAME/expected.json: the ids of every
text with special tokens, and the decoded form of the first texts. Characters that are newer than
Unicode 14 do not occur: pattern libraries differ in the Unicode version of their tables.
"""

import io
import json
import random
import sys
import tempfile
from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import (
    AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers,
)

CORPUS = [
    "The old lighthouse keeper walked down to the harbour every morning, and in 1987 he stopped.",
    "It's true that they're late; we've said so, I'm sure you'd agree, and she'll know it isn't.",
    "Prices rose 3.5% in 2024, from $100 to $103.50 (about 95 euros), said the U.S. report.",
    "def f(x):\n    return x ** 2 + 1\n\nfor i in range(10):\n\tprint(f(i))\n",
    "Le café déjà vu à Zürich coûte très cher, señor; naïve façade, Ångström, Straße.",
    "Привет мир, это просто текст. Γειά σου κόσμε. שלום עולם. مرحبا بالعالم.",
    "你好，世界。今天天气很好。 こんにちは世界。 안녕하세요 세계.",
    "THE QUICK BROWN FOX jumps over the lazy dog. the quick brown fox. The The the the.",
] * 4

WRITTEN = [
    "", " ", "  ", "\n", "\r\n", "\r", "\t", "\u00a0", "\u3000", "\u2028", "\u2029", "\u0085", "\u180e",
    "\u200b", "\ufeff", "a\u00a0b", "a\u3000b", "a\u2009b\u202fc", "a\u180eb", "a\u200bb", "a\u200cb\u200dc",
    "hello", "Hello World", " hello", "hello ", "  hello  ", "\n\nhello\r\n\r\nworld\n", "a\tb\x0bc\x0cd",
    "it's IT'S it\u2019s 'S 'll 'LL '\u017f", "don't  can't\twon't", "x=1;y=2", "1234567890123456789012345",
    "1,234.56", "\u00bd \u00b2\u00b3 \u2167 \u2460 \u0663\u0664 \u0967\u0968 \uff11\uff12",
    "e\u0301 \u00e9 E\u0301 A\u030a \u212b \u00c5", "q\u0307\u0323 q\u0323\u0307", "\u0301start", "a\u0300\u0301\u0302\u0303b",
    "\u1100\u1161\u11a8 \uac01 \uac00\u11a8", "\ufb01\ufb02 \u00df \u1e9e \u0130 \u0131 \u01c5 \u03a3\u03c2",
    "\U000e0075\u030a \u1113\u1167 \u1100\u1176", "\u0390 \u1fd3 \u0958 \u2adc \u0f73 \u0344", "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
    "\U0001f44d\U0001f3fd\U0001f44d", "\U0001f1eb\U0001f1f7\U0001f1e9\U0001f1ea", "\u2764\ufe0f\u2764", "1\ufe0f\u20e3",
    "\U0001d54f\U0001d556 \U00010348 \U0001f600", "\u4f60\u597d world\u4e16\u754c", "\u3400\U00020000\uf900",
    "\u3053\u3093\u306b\u3061\u306f\u30ab\u30bf\u30ab\u30ca", "\uff76\uff9e\uff8a\uff9f", "\uff21\uff22\uff43\uff01\uff1f",
    "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35", "\u0928\u092e\u0938\u094d\u0924\u0947 \u0915\u094d\u0937", "\u0bb7\u0bc8 \u0c15\u0c4d",
    "\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd", "\u0645\u064e\u0631\u0652\u062d\u064e\u0628\u064b\u0627", "\u200fRTL\u200e \u202aLRE\u202c",
    "\x00", "a\x00b", "\x01\x02\x1b[0m", "\x7f\x80\x9f", "\ufffd", "\ufffe\uffff", "\ue000\U000f0000", "\u00ad soft\u00adhyphen",
    "<s>", "</s>", "a<s>b", "<unk> [UNK] [CLS] [SEP] [MASK]", " [MASK] a", "the[MASK]", "<0x41> <0xE2>", "##ing ##",
    "<x> a<x>b <x>", "  <left>  b", "a  <right>  b", "word words sword word. WORD", "NORM norm Norm", "\u2581\u2581a\u2581b \u2581",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "the" * 60, "ab" * 40, "!?" * 20, "\U0001f600" * 12, "   \n   \n\n  \t \r\n ", "a  b   c    d     e", "...---...___===",
    "$5 \u20ac6 \u00a37 a+b<c>d|e~f^g`h", "http://a.b/c?d=e&f=g#h", "C:\\x\\y", "snake_case camelCase kebab-case",
    "\u00abquoted\u00bb \u201cx\u201d \u2018y\u2019 \u2014 \u2013 \u2026", "a.b,c;d:e!f?g(h)i[j]k{l}m", "do not \u0327c n't 'm .", "\uff0e\u3002\u300c\u300d",
    "\u1680ogham\u205f\u2000", "\u0600\u06dd\u070f", "x\u20d0\u20e3y", "\u2126 \u212a \u2163", "I\u0307 i\u0307", "\u1e9b\u0323",
]
ALPHABETS = [
    "abc ABC 012 ,.'", " \t\n\r\u00a0\u3000\u2003ab1.", "e\u0301\u0300\u0323a\u0327\u00e9 \u1100\u1161\u11a8",
    "\u4f60\u597d\u4e16ab 1\u3042\u30a2\uac00", "\U0001f468\u200d\U0001f469\ufe0f\U0001f3fd\U0001f1eb a", "\u05d0\u0628\u064e\u0915\u094d\u0e01\u0e31 x",
    "\x00\x01\x1f\x7f\x85\u200b\u200d\ufeff\ufffda ", "the ing er'sdon 'll're\u2019", "0123456789.,$% ab", "\u2581_-#<>[]s/ \u2581x",
]


def texts():
    chooser = random.Random(20)
    made = ["".join(chooser.choice(alphabet) for _ in range(chooser.randint(1, 40))) for alphabet in ALPHABETS for _ in range(9)]
    lines = [line[chooser.randint(0, 20):] for line in CORPUS[:8]]
    return WRITTEN + made + lines + ["  ".join(CORPUS[:2])]


def template(tokenizer, single, *tokens):
    ids = [(token, tokenizer.token_to_id(token)) for token in tokens]
    return processors.TemplateProcessing(single=single, pair=single + " $B", special_tokens=ids)


def bpe(pre, normalizer=None, decoder=None, size=420, alphabet=None, **options):
    tokenizer = Tokenizer(models.BPE(**options))
    tokenizer.pre_tokenizer = pre
    if normalizer:
        tokenizer.normalizer = normalizer
    if decoder:
        tokenizer.decoder = decoder
    unknown = [options["unk_token"]] if "unk_token" in options else []
    affixes = {key: options[key] for key in ("continuing_subword_prefix", "end_of_word_suffix") if key in options}
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(
        vocab_size=size, special_tokens=unknown, show_progress=False, initial_alphabet=alphabet or [], **affixes))
    return tokenizer


def with_model(tokenizer, change):
    """The tokenizer after `change` has edited the model in its tokenizer.json."""
    data = json.loads(tokenizer.to_str())
    change(data["model"])
    return Tokenizer.from_str(json.dumps(data))


def unigram(normalizer, pre, decoder, byte_fallback):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer, tokenizer.pre_tokenizer, tokenizer.decoder = normalizer, pre, decoder
    tokenizer.train_from_iterator(CORPUS, trainers.UnigramTrainer(
        vocab_size=300, special_tokens=["<unk>", "<s>", "</s>"], unk_token="<unk>", show_progress=False))

    def add_bytes(model):
        model["vocab"] += [[f"<0x{byte:02X}>", -20.0] for byte in range(256)]
        model["byte_fallback"] = True
    return with_model(tokenizer, add_bytes) if byte_fallback else tokenizer


def character_map():
    """A small precompiled map, as SentencePiece writes it into its models."""
    rules = {"A": "a", "\u00c9": "e", "e\u0301": "E", "\u00df": "ss", "\u4f60": "\u6211\u4eec", "\u00a0": " ", "\u200b": "",
             "\r\n": "\n", "\ufb01": "fi", "\u0300": "", "\u1100\u1161": "\uac00", "\U0001f468": "man", "\u0915\u094d": "k"}
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
        for source, target in rules.items():
            file.write("\t".join(" ".join(f"{ord(c):X}" for c in part) for part in (source, target)) + "\n")
        file.flush()
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(CORPUS), model_writer=model, vocab_size=200, hard_vocab_limit=False, minloglevel=2,
            normalization_rule_tsv=file.name)
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(model.getvalue())
    return proto.normalizer_spec.precompiled_charsmap


def word_piece(normalizer, pre):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=50))
    tokenizer.normalizer, tokenizer.pre_tokenizer, tokenizer.decoder = normalizer, pre, decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=400, special_tokens=special, show_progress=False))
    tokenizer.post_processor = template(tokenizer, "[CLS] $A [SEP]", "[CLS]", "[SEP]")
    tokenizer.add_special_tokens([AddedToken("[MASK]", lstrip=True)])
    return tokenizer


def build():
    N, P, D = normalizers, pre_tokenizers, decoders
    byte_alphabet = P.ByteLevel.alphabet()
    gpt4o = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
             r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
             r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
    deepseek = [r"\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+",
                r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"]

    yield "unigram-bytes", unigram(
        N.Sequence([N.NFKC(), N.Replace(Regex(" {2,}"), " ")]), P.Metaspace(prepend_scheme="first"),
        D.Sequence([D.ByteFallback(), D.Metaspace(prepend_scheme="first")]), True)
    yield "unigram", unigram(
        N.Sequence([N.Nmt(), N.NFKD(), N.Strip(), N.Lowercase()]),
        P.Sequence([P.WhitespaceSplit(), P.Metaspace(prepend_scheme="always")]), D.Metaspace(), False)
    t5 = unigram(
        N.Sequence([N.Precompiled(character_map()), N.Strip(left=False, right=True), N.Replace(Regex(" {2,}"), "▁")]),
        P.Metaspace(prepend_scheme="always"), D.Metaspace(prepend_scheme="always"), False)
    t5.post_processor = template(t5, "$A </s>", "</s>")
    yield "precompiled", t5
    yield "bert-uncased", word_piece(N.BertNormalizer(), P.BertPreTokenizer())
    yield "bert-cased", word_piece(
        N.BertNormalizer(lowercase=False, strip_accents=None, handle_chinese_chars=False), P.Sequence([P.Whitespace(), P.Digits(True)]))
    yield "accents", bpe(
        P.Sequence([P.Whitespace(), P.Digits(False)]), N.Sequence([N.NFD(), N.StripAccents(), N.Lowercase()]),
        unk_token="<unk>", fuse_unk=True, continuing_subword_prefix="##")
    yield "suffix", bpe(
        P.Split(Regex(r"\w+|[^\w\s]"), "removed", invert=True), N.NFC(), D.BPEDecoder("</w>"),
        unk_token="<unk>", end_of_word_suffix="</w>")
    for behavior in ["merged_with_previous", "merged_with_next", "contiguous", "isolated"]:
        yield "split-" + behavior.replace("_", "-"), bpe(
            P.Sequence([P.Split(Regex(r"\s"), behavior), P.Split("a", behavior), P.Punctuation(behavior)]),
            unk_token="<unk>", continuing_subword_prefix="#", size=300)
    yield "falcon", bpe(
        P.Sequence([P.Punctuation("contiguous"), P.ByteLevel(add_prefix_space=False), P.Digits(), P.Split(Regex("[0-9][0-9][0-9]"), "isolated")]),
        None, D.ByteLevel(), alphabet=byte_alphabet)

    roberta = bpe(P.ByteLevel(add_prefix_space=True), None, D.ByteLevel(), alphabet=byte_alphabet, unk_token="<unk>")
    roberta.add_special_tokens(["<s>", "</s>", AddedToken("<mask>", lstrip=True)])
    roberta.post_processor = processors.RobertaProcessing(("</s>", roberta.token_to_id("</s>")), ("<s>", roberta.token_to_id("<s>")))
    yield "roberta", roberta

    added = bpe(P.Sequence([P.Split(Regex(gpt4o), "isolated"), P.ByteLevel(add_prefix_space=False, use_regex=False)]),
                N.Sequence([N.NFKC(), N.Lowercase()]), D.ByteLevel(), alphabet=byte_alphabet)
    added.add_tokens([AddedToken("<x>", single_word=True), AddedToken("<left>", lstrip=True), AddedToken("<right>", rstrip=True),
                      AddedToken("word", single_word=True, normalized=False), AddedToken("NORM", normalized=True), AddedToken("words", normalized=False)])
    yield "added", added
    yield "gpt4o", bpe(
        P.Sequence([P.Split(Regex(gpt4o), "isolated"), P.ByteLevel(add_prefix_space=False, use_regex=False)]),
        None, D.ByteLevel(), alphabet=byte_alphabet, ignore_merges=True)
    yield "deepseek", bpe(
        P.Sequence([P.Split(Regex(pattern), "isolated") for pattern in deepseek] + [P.ByteLevel(add_prefix_space=False, use_regex=False)]),
        None, D.ByteLevel(), alphabet=byte_alphabet)

    def some_bytes(model):
        base = len(model["vocab"])
        model["vocab"].update({f"<0x{byte:02X}>": base + byte - 0x80 for byte in range(0x80, 0xF0)})
        model["byte_fallback"] = True
    yield "some-bytes", with_model(bpe(
        P.Metaspace(prepend_scheme="always", split=False), None, D.Sequence([D.Replace("▁", " "), D.ByteFallback(), D.Fuse(), D.Strip(" ", 1, 0)]),
        unk_token="<unk>", fuse_unk=False), some_bytes)


def main(folder, only):
    folder.mkdir(parents=True, exist_ok=True)
    cases = texts()
    (folder / "texts.json").write_text(json.dumps(cases))
    for name, tokenizer in build():
        if only and name not in only:
            continue
        (folder / name).mkdir(exist_ok=True)
        tokenizer.save(str(folder / name / "tokenizer.json"), pretty=False)
        ids = [tokenizer.encode(text).ids for text in cases]
        decoded = [tokenizer.decode(row, skip_special_tokens=False) for row in ids[:60]]
        expected = json.dumps({"ids": ids, "decoded": decoded}, separators=(",", ":"))
        (folder / name / "expected.json").write_text(expected)


main(Path(sys.argv[1]), sys.argv[2:])
