"""Tells a usable name from what people write instead of one: greetings, answers, questions. Pure.

A bot takes somebody's first text for the name. When in doubt it is no name: a lead without one is
shown by the phone, but a wrong one is what staff would call the lead. Nothing is cut out of a
sentence: "Halo, saya Budi" is no name, and neither is "Halo Budi", which may greet the bot.
"""

import re
import unicodedata
from functools import lru_cache

MAX_WORDS = 7
WORD = re.compile(r"[^\W_]+")
APOSTROPHE = re.compile("['`\u00b4\u2018\u2019]")
REPEATED = re.compile(r"(.)\1+")
LAUGHTER = re.compile(r"(?:w?k(?:wk)+w?|(?:h[aei])+h?|(?:xi)+|lol)")
SALAM = re.compile(r"a?sh?y?alam[uo]?alai?k[ou]m|walaikum|aswr")
"""Assalamualaikum, its answer and "ass wr wb", after `_plain` and without spaces."""
MARKUP = re.compile(r"^\s*[/!#]|[@?{}<>\[\]¿]|://|\bwww\.|\.(?:com|id|net|org)\b", re.IGNORECASE)
"""Commands, questions, addresses and templates that were never filled in."""


def _plain(word: str) -> str:
    """Return a word as compared: without elongation ("haloooo") and final digits ("apa2")."""
    return REPEATED.sub(r"\1", word.rstrip("0123456789"))


def _listed(words: str) -> frozenset[str]:
    return frozenset(map(_plain, words.split()))


OPENERS = _listed("""
    halo hallo hello helo helow hellow hola hi hy hay hey hei
    aslm aslmkm askum asskum samlekum samlikum assalam assalamu shalom syalom swastiastu namaste
    pagi siang sore malam malem morning permisi permis punten misi spada
    makasih makasi mksh mksih mks trims thx tks tq thanks thank thankyou terimakasih trimakasih
    nuhun suwun test tes testing cek menu start stop help info mulai reset batal cancel unsubscribe
    slm
""")
"""Who begins with one of these greets, thanks or tries the bot: "Halo Budi", "Pagi Pak Andi"."""

SENTENCE = _listed("""
    saya aku gue gua gw mau pengen pingin pengin ingin minta mohon tolong nanya bertanya tertarik
    harga harganya hrg berapa berapaan brp infonya informasi informasinya bisa boleh bolehkah
    bisakah apakah gimana gmn bagaimana bgmn kenapa knp mengapa kapan dimana siapa
    order pesan pesen beli membeli daftar mendaftar konsultasi promo diskon katalog produk
    untuk utk yang yg tidak tdk enggak nggak ngga gak belum blm sudah udah sdh
    kalau kalo klo karena krn tapi tetapi
    want wanna interested pricing pricelist please pls what when where why
    your this that about because
""")
"""No name contains any of these: "Budi mau order"."""

SAID_ALONE = _listed("""
    hai p pp ya iya iy y yes yess yup yep yeah yoi ok oke okay okey okeh oks sip siap no nope not
    ga g tak bukan jangan betul benar bener baik baiklah bae mantap mantab lanjut gas gaskeun
    selamat slamat slmt met salam kenal sejahtera alo woy woi oi oy yo wr wb wrwb warahmatullahi
    warohmatullahi warahmatullah wabarakatuh wabarokatuh om
    terima kasih matur nuwun sama maaf maap sorry excuse me you welcome u
    good day night evening afternoon greetings nice to meet there
    kak kaka kakak ka min mimin admin gan sis sist bro bang abang mas mba mbak pak bapak pa bpk bu
    ibu ibuk bunda tante dek kang teh say sayang dear sir madam mam miss mr mrs ms guys semua
    team tim cs bos boss
    dong donk deh sih nih nya lah loh lho kok kah eh hm oh ah wah wow nah waduh alhamdulillah
    tanya coba check ping pong ada apa ane kita kami kamu anda ini itu sini situ mana mo sy
    i are do can could would need have has who how much price cost buy ask question
    lagi dulu nanti ntar bentar sebentar besok sekarang tadi dengan dgn usah perlu tau tahu
    apa kabar blum silakan silahkan maybe later sure mw tny service
    gpp gapapa mungkin cuma saja aja kan juga
    nama namanya name null none undefined unknown anonim anonymous user customer client pelanggan
    lead guest tamu bantu bantuan
""")
"""Names may contain these, but do not consist of them: "Pak Budi", "Yes Sutanto", "Hai Nguyen"."""

BOTS = _listed("sarah sara grok")
"""Names that are greeted as often as given: "Hai Sarah" speaks to the bot, "Sarah" is a lead."""

TITLES = _listed("pak bapak bpk bu ibu mas mbak mba haji")
TITLED = _listed("selamat salam")
"""Greetings that are names as well, when a title stands before them: "Pak Selamat"."""


@lru_cache(maxsize=1_000)
def is_usable_name(text: str) -> bool:
    """Whether a lead can be called by this text, which a bot took for the name.

    "Al", "Ibu Rina dari Bekasi" and "Rina88 🌸" are usable; a single letter, an emoji, a number or
    anything with a number in it ("5 orang", "Toko 88") is not.
    """
    letters = unicodedata.normalize("NFKD", text)
    letters = "".join(c for c in letters if unicodedata.category(c)[0] != "M").casefold()
    words = WORD.findall(APOSTROPHE.sub("", letters))
    if MARKUP.search(letters) or len(words) > MAX_WORDS or any(w[0].isdigit() for w in words):
        return False
    return _is_name([_plain(word) for word in words])


def _is_name(words: list[str]) -> bool:
    if not words or words[0] in OPENERS or SALAM.match("".join(words)):
        return False
    if SENTENCE.intersection(words):
        return False
    if len(words) == 2 and words[0] in TITLES and words[1] in TITLED:
        return True
    rest = [word for word in words if not _is_said_alone(word)]
    greets_the_bot = len(rest) < len(words) and BOTS.issuperset(rest)
    return bool(rest) and not greets_the_bot


def _is_said_alone(word: str) -> bool:
    known = word in SAID_ALONE or word in OPENERS
    return known or len(word) == 1 or bool(LAUGHTER.fullmatch(word))
