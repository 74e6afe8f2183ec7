"""Bytes become the right text, whatever they are in and whatever is said of them."""

from __future__ import annotations

import pytest

from ingest.load import Document, RawDocument, load_raw
from ingest.load.encoding import decode, encoding_of

SIMPLIFIED = "第一章 安装。先安装依赖，然后运行程序，接着打开浏览器就可以提问了。"
TRADITIONAL = "第一章 安裝。先安裝這個程式，然後打開瀏覽器就可以開始提問了。"
JAPANESE = "まず設定を確認してから、サーバーを起動してください。ファイルは自動的に保存されます。"
KOREAN = "먼저 설정을 확인한 다음 서버를 시작하십시오. 파일은 자동으로 저장됩니다."
RUSSIAN = "Сначала проверьте настройки, затем запустите сервер. Файлы сохраняются автоматически."
GREEK = "Πρώτα ελέγξτε τις ρυθμίσεις και μετά ξεκινήστε τον διακομιστή."
HEBREW = "בדוק תחילה את ההגדרות ולאחר מכן הפעל את השרת."
ARABIC = "تحقق من الإعدادات أولا ثم شغل الخادم. يتم حفظ الملفات تلقائيا."
THAI = "ตรวจสอบการตั้งค่าก่อน แล้วจึงเริ่มเซิร์ฟเวอร์"
GERMAN = "Prüfen Sie zuerst die Einstellungen. Die Größe ist „veränderlich“ – für alle Ordner."
FRENCH = "Vérifiez d'abord les paramètres, puis démarrez le serveur. Élément déjà enregistré."
SPANISH = "Compruebe primero la configuración. ¿Está el año en español?"
POLISH = "Najpierw sprawdź ustawienia, następnie włącz serwer. Zażółć gęślą jaźń."
CZECH = "Nejprve zkontrolujte nastavení, poté spusťte server. Příliš žluťoučký kůň."
TURKISH = "Önce ayarları kontrol edin, ardından sunucuyu başlatın. Değişiklik yapıldığında."


def load(data: bytes, name: str = "/x/a.txt", content_type: str = "") -> Document:
    return load_raw(RawDocument(name, data, content_type))


def all_text(document: Document) -> str:
    return "\n".join(block.text for block in document.blocks)


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030", "gb2312"],
)
def test_simplified_chinese_in_any_encoding(encoding: str) -> None:
    assert all_text(load(SIMPLIFIED.encode(encoding))) == SIMPLIFIED


@pytest.mark.parametrize("encoding", ["big5", "big5hkscs", "utf-16"])
def test_traditional_chinese_in_any_encoding(encoding: str) -> None:
    assert all_text(load(TRADITIONAL.encode(encoding))) == TRADITIONAL


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (JAPANESE, "shift_jis"),
        (JAPANESE, "cp932"),
        (JAPANESE, "euc_jp"),
        (JAPANESE, "iso2022_jp"),
        (KOREAN, "euc_kr"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8_r"),
        (RUSSIAN, "cp866"),
        (RUSSIAN, "iso8859_5"),
        (GREEK, "cp1253"),
        (HEBREW, "cp1255"),
        (ARABIC, "cp1256"),
        (THAI, "cp874"),
        (GERMAN, "cp1252"),
        (FRENCH, "cp1252"),
        (SPANISH, "cp1252"),
        (POLISH, "cp1250"),
        (POLISH, "iso8859_2"),
        (CZECH, "cp1250"),
        (TURKISH, "cp1254"),
    ],
)
@pytest.mark.parametrize("declared", ["", "utf-8", "iso-8859-1", "no-such-encoding"])
def test_other_languages_without_a_right_word_of_it(
    text: str, encoding: str, declared: str
) -> None:
    assert decode(text.encode(encoding), declared) == text


@pytest.mark.parametrize("text", ["你好，世界", "谢谢大家。", "纸张厚度", "测试报告"])
def test_a_few_words_of_chinese_are_chinese(text: str) -> None:
    assert decode(text.encode("gb18030")) == text


@pytest.mark.parametrize("text", ["über", "café crème", "naïve – “quoted”", "100 € für Äpfel"])
def test_single_accents_are_no_chinese(text: str) -> None:
    assert decode(text.encode("cp1252")) == text
    assert decode((text + " and so on in ASCII " * 99).encode("cp1252")).startswith(text)


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("gb18030", "gb2312"),  # the declared set is too small
        ("gb18030", "utf-8"),  # wrong
        ("gb18030", "iso-8859-1"),  # what servers say by default
        ("gb18030", "windows-1251"),  # decodes anything
        ("gb18030", "big5"),
        ("gb18030", "shift_jis"),
        ("utf-8", "gb2312"),  # wrong
        ("gb18030", "no-such-encoding"),
        ("gb18030", "unicode_escape"),  # not one of documents
        ("gb18030", "x-gbk"),  # the web's name
    ],
)
def test_a_wrong_declaration_is_not_believed(encoding: str, declared: str) -> None:
    page = f"<meta charset={declared}><p>{SIMPLIFIED} 镕</p>".encode(encoding)
    assert f"{SIMPLIFIED} 镕" in all_text(load(page, "/x/a.html"))
    assert f"{SIMPLIFIED} 镕" in all_text(
        load(page, "http://h/a", f"text/html; charset={declared}")
    )


@pytest.mark.parametrize(
    ("text", "encoding", "declared"),
    [
        ("まず設定", "shift_jis", "Shift_JIS"),
        ("まず設定", "cp932", "x-sjis"),
        ("설정", "cp949", "ks_c_5601-1987"),
        ("Тест", "cp1251", "windows-1251"),
        ("Ελληνικά", "iso8859_7", "ISO-8859-7"),
        ("佢哋嘅嘢", "big5hkscs", "big5"),
    ],
)
def test_a_right_declaration_is_believed(text: str, encoding: str, declared: str) -> None:
    page = f"<p>{text}</p>".encode(encoding)
    assert all_text(load(page, "http://h/a", f"text/html; charset={declared}")) == text


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "big5hkscs"])
@pytest.mark.parametrize("declared", ["", "iso-8859-1"])
@pytest.mark.parametrize("place", [0, 1, 30, 31, 64, 65])
def test_a_broken_byte_costs_no_more_than_its_characters(
    encoding: str, declared: str, place: int
) -> None:
    text = TRADITIONAL if encoding == "big5hkscs" else SIMPLIFIED
    data = text.encode(encoding)
    for spoilt in (
        data[:place] + b"\xff" + data[place + 1 :],
        data[:place] + b"\xff" + data[place:],
    ):
        found = decode(spoilt, declared)
        kept = sum(1 for char in text if char in found)
        assert kept >= len(text) - 2
        assert found.count("\ufffd") <= 4  # the byte and the three of a character


def test_a_cut_character_at_the_end_changes_nothing() -> None:
    assert decode((SIMPLIFIED * 9).encode()[:-1]).startswith(SIMPLIFIED)
    assert decode((SIMPLIFIED * 9).encode("gb18030")[:-1]).startswith(SIMPLIFIED)


def test_nul_characters_are_dropped() -> None:
    assert all_text(load(b"<p>a\0b" + b"x" * 300, "/x/a.html")).startswith("ab")
    assert decode(b"\0".join([SIMPLIFIED.encode()] * 3)) == SIMPLIFIED * 3


@pytest.mark.parametrize("data", [b"", b"\0", b"\xff", b"\xff\xfe", bytes(range(256)) * 300])
def test_noise_is_some_text_and_no_error(data: bytes) -> None:
    assert isinstance(decode(data, "gb2312"), str)
    assert isinstance(encoding_of(data), str)
