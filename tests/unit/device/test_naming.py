"""Which texts are valid names, and what the server calls a microphone of that name."""

from __future__ import annotations

import re
import unicodedata

import pytest
from device_names import TRICKY, names
from hypothesis import assume, given
from hypothesis import strategies as st

from vmic._device import fallback_sink
from vmic._device import names as _names

# The device names that PulseAudio accepts (pa_namereg_is_valid_name).
SERVER_NAME = re.compile(r"[A-Za-z0-9._-]{1,128}")
# Names that no device of ours may have on a server: they mean another device there. A number, also in C's
# octal and hexadecimal forms, is an index.
OTHERS = re.compile(rf"null|-?(0[xX][0-9A-Fa-f]+|[0-9]+)|.*\.monitor|auto_null|{fallback_sink.NAME}")


@pytest.mark.parametrize("length", [1, 2, 127, 128])
@pytest.mark.parametrize("character", ["x", "ä", "🎤", " "])
def test_1_to_128_characters_are_a_name(length: int, character: str) -> None:
    assert _names.check_name(character * length) == character * length


@pytest.mark.parametrize("length", [0, 129, 10_000])
def test_more_or_fewer_are_none(length: int) -> None:
    with pytest.raises(ValueError, match=f"must have 1 to 128 characters, got {length}$"):
        _names.check_name("x" * length)


@pytest.mark.parametrize(
    "character",
    [chr(n) for n in (*range(32), *range(0x7F, 0xA0), 0xD800, 0xDFFF, 0xFDD0, 0xFFFE, 0x10FFFF)],
    ids=ascii,
)
@pytest.mark.parametrize("position", [0, 3, 127])
def test_control_characters_are_in_no_name(character: str, position: int) -> None:
    name = "x" * position + character + "x" * (127 - position)
    # The message can be printed anywhere, because it is ASCII.
    with pytest.raises(ValueError, match=rf"(?s)cannot contain .*\(position {position} of [ -~]+\)\Z"):
        _names.check_name(name)


@pytest.mark.parametrize("name", [None, b"mic", 5, ["mic"], object()])
def test_what_is_no_text_is_no_name(name: object) -> None:
    with pytest.raises(TypeError, match=f"must be a string, got {type(name).__name__}"):
        _names.check_name(name)


@given(st.text(max_size=140))
def test_every_other_text_is_a_name(text: str) -> None:
    forbidden = any(
        unicodedata.category(c) in ("Cc", "Cs") or 0xFDD0 <= ord(c) <= 0xFDEF or ord(c) % 0x10000 >= 0xFFFE
        for c in text
    )
    if forbidden or not 1 <= len(text) <= 128:
        with pytest.raises(ValueError, match="the microphone name"):
            _names.check_name(text)
    else:
        assert _names.check_name(text) is text


def server_names(name: str) -> tuple[str, str, str]:
    """Return all names that the servers will use for microphone `name`."""
    sink = _names.sink_name(name)
    return _names.source_name(name), sink, f"{sink}.monitor"


def related(name: str) -> st.SearchStrategy[str]:
    """Return names that a user might mistake for `name`, or that are the servers' names for it."""
    forms = [unicodedata.normalize(form, name) for form in ("NFC", "NFD", "NFKC", "NFKD")]
    others = [*server_names(name), name.swapcase(), f" {name}", f"{name} ", re.sub(r"\W", "-", name), *forms]
    return st.sampled_from([other for other in others if 1 <= len(other) <= 128])


@given(st.data())
def test_two_names_never_share_a_servers_name(data: st.DataObject) -> None:
    one = data.draw(names)
    two = data.draw(st.one_of(names, related(one)))
    assume(one != two)
    assert not set(server_names(one)) & set(server_names(two))


def assert_taken_as_names(made: tuple[str, str, str]) -> None:
    assert len(set(made)) == 3
    for name in made[:2]:
        assert SERVER_NAME.fullmatch(name)
        assert not OTHERS.fullmatch(name)


def speakers_names(name: str) -> tuple[str, ...]:
    """Return all names that the servers will use for speaker `name`, alone or beside a microphone."""
    return tuple(f"{sink}{of}" for sink in _names.speaker_sink_names(name) for of in ("", ".monitor"))


@given(st.data())
def test_no_speakers_share_a_servers_name_nor_do_a_microphone_and_one_beside_it(data: st.DataObject) -> None:
    one = data.draw(names)
    two = data.draw(st.one_of(names, related(one), st.just(f"{one}.speaker"[-128:])))
    assert len(set(speakers_names(one))) == 4
    assert not set(server_names(one)) & set(speakers_names(one)[2:])
    assert one == two or not set(speakers_names(one)) & set(speakers_names(two))


def assert_taken_as_speakers_names(name: str) -> None:
    own, _, beside, _ = speakers_names(name)
    for sink in own, beside:
        # The server must accept the monitor's name too.
        assert SERVER_NAME.fullmatch(f"{sink}.monitor")
        assert not OTHERS.fullmatch(sink)


@given(names)
def test_a_server_takes_each_speakers_for_what_it_is(name: str) -> None:
    assert_taken_as_speakers_names(name)


@pytest.mark.parametrize("name", TRICKY, ids=ascii)
def test_a_server_takes_a_tricky_speakers_for_what_it_is(name: str) -> None:
    assert_taken_as_speakers_names(name)


@given(names)
def test_a_server_takes_each_for_what_it_is(name: str) -> None:
    assert_taken_as_names(server_names(name))


@pytest.mark.parametrize("name", TRICKY, ids=ascii)
def test_a_server_takes_a_tricky_one_for_what_it_is(name: str) -> None:
    assert_taken_as_names(server_names(name))


@pytest.mark.parametrize("name", ["mic", "my-virtual-mic", "a.b_c-D", "x" * 128, "nullify", "0x", "1.5"])
def test_a_safe_name_is_the_servers_too(name: str) -> None:
    assert _names.source_name(name) == name


@pytest.mark.parametrize(
    ("name", "readable"),
    [("My Mic!", "vmic-mic-My-Mic-"), ("a/b", "vmic-mic-a-b-"), ("日本", "vmic-mic--"), ("1", "vmic-mic-1-")],
)
def test_a_made_up_name_can_be_recognised(name: str, readable: str) -> None:
    assert _names.source_name(name).startswith(readable)


def test_the_servers_names_stay_the_same() -> None:
    # Another release, or the next process, must find the microphone again.
    assert _names.source_name("My Mic") == "vmic-mic-My-Mic-fw2ow5bgurr527sphdqirnji76"
    assert _names.sink_name("My Mic") == "vmic-sink-My-Mic-fw2ow5bgurr527sphdqirnji76"
    made_up = "vmic-speaker-My-Mic-fw2ow5bgurr527sphdqirnji76"
    assert _names.speaker_sink_names("My Mic") == (made_up, f"{made_up}.speaker")
    assert _names.speaker_sink_names("mic") == ("mic", "mic.speaker")
