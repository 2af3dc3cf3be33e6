"""Browsers find the microphone, calls in a page hear it, and the page's own sound does not get into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import programs
import pulsectl
import pytest
from apps.browser import Browser, Chromium, Firefox, open_page, sound_of
from audio_signals import ANY, Samples, tone, tone_quality, usual_quality
from burst_latency import page_latencies
from owner_programs import ENDS, OwnerProgram
from recording import Recorder
from servers import SoundServer

import vmic

NAME = "My Virtual Mic"
RATE = 48000
Record = Callable[..., Recorder]


@pytest.fixture
def microphone(server: SoundServer) -> Iterator[vmic.VirtualMicrophoneDevice]:
    with vmic.create_microphone_device(NAME, RATE, 1, True) as device:
        yield device
        # Otherwise the close waits for the queued frames.
        device.flush()


@pytest.fixture(params=[Chromium, Firefox], ids=lambda browser: browser.name)
def page(
    request: pytest.FixtureRequest, server: SoundServer, microphone: vmic.VirtualMicrophoneDevice
) -> Iterator[Browser]:
    """Yield a page that opens after the microphone exists: a browser does not notice new devices at once."""
    with open_page(server, request.param) as opened:
        yield opened


@dataclass
class DefaultOutput:
    """The sound on the server's default output, in a form that `Recorder` can record."""

    source_name: str
    sample_rate: int = RATE
    channels: int = 1

    @classmethod
    def of(cls, server: SoundServer) -> DefaultOutput:
        with server.client() as pulse:
            return cls(f"{pulse.server_info().default_sink_name}.monitor")


def device_id(page: Browser, name: str = NAME) -> str:
    """Return the id of the only audio input that has this name."""
    devices = page.call("listDevices")
    found = [d["deviceId"] for d in devices if (d["kind"], d["label"]) == ("audioinput", name)]
    assert len(found) == 1, devices
    return str(found[0])


def decibels_at(frequency: float, recording: Samples) -> float:
    """Return the level of the frequency in dB, relative to a tone at full scale."""
    window = np.blackman(len(recording))
    amplitudes = np.abs(np.fft.rfft(recording / 32768 * window)) * 2 / window.sum()
    near = np.abs(np.fft.rfftfreq(len(recording), 1 / RATE) - frequency) < 10
    return float(20 * np.log10(amplitudes[near].max() + 1e-12))


def test_a_page_finds_the_microphone_by_its_name_and_its_call_hears_the_tone(
    server: SoundServer, microphone: vmic.VirtualMicrophoneDevice, page: Browser
) -> None:
    microphone.write_frames(tone(1000, 30, RATE))
    heard = page.call("hearThroughCall", device_id(page), 4, 12)
    assert heard["label"] == NAME
    frequency, decibels = usual_quality(*sound_of(heard))
    assert frequency == pytest.approx(1000, rel=0.01)
    assert decibels > 20


def test_a_page_captures_exact_silence_until_something_is_written(
    microphone: vmic.VirtualMicrophoneDevice, page: Browser
) -> None:
    page.call("keep", device_id(page))
    programs.await_that(lambda: page.call("heard")["samples"] > RATE, "the page hears it")
    assert page.call("heard")["sounding"] == 0
    microphone.write_frames(tone(1000, 30, RATE))
    programs.await_that(lambda: page.call("heard")["sounding"] > RATE / 2, "it hears what is written")


@pytest.mark.timing
@pytest.mark.own_quantum
def test_a_call_in_a_page_hears_it_soon(
    server: SoundServer,
    microphone: vmic.VirtualMicrophoneDevice,
    page: Browser,
    record_property: Callable[[str, object], None],
) -> None:
    page.call("followBursts", device_id(page))

    def begun() -> list[list[float]]:
        bursts = page.call("burstsSoFar")
        return [bursts["captured"], bursts["heard"]]

    captured, heard = page_latencies(microphone, begun)
    for end, latency in (("captured", captured), ("heard", heard)):
        median = round(float(np.median(latency)))
        record_property(f"latency until {end}, ms, {page.name}, {server.kind}", median)
    # Check the minimum: on a busy machine a browser takes seconds to play the sound that it has stored up.
    # The limit is ten times the latency on an idle machine.
    assert heard.min() < 1200


@pytest.mark.guarantee("nothing else")
@pytest.mark.parametrize("page", [Chromium], ids=["chromium"], indirect=True)
def test_what_a_page_plays_does_not_reach_the_microphone(
    server: SoundServer, record: Record, microphone: vmic.VirtualMicrophoneDevice, page: Browser
) -> None:
    recorder = record(microphone)
    output = record(DefaultOutput.of(server))
    page.call("play", 3000)
    # Make sure that the default output plays the page.
    output.await_sound(2 * RATE)
    silent = recorder.frames()[:, 0]
    assert len(silent) > RATE
    assert not silent.any()

    microphone.write_frames(tone(1000, 30, RATE))
    recorder.await_sound(2 * RATE)
    heard, played = recorder.stop()[-RATE:, 0], output.stop()[-RATE:, 0]
    assert tone_quality(heard, RATE, gaps=ANY)[0] == pytest.approx(1000, rel=0.01)
    # A gap in the tone, on a busy machine, adds only -70 dB here.
    assert decibels_at(3000, heard) < -50
    assert decibels_at(3000, played) > -20


@pytest.mark.either_value("end")
@pytest.mark.guarantee("no other microphone")
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.usefixtures("headset")
def test_a_page_never_hears_another_microphone(
    server: SoundServer, pulse: pulsectl.Pulse, end: str, record_property: Callable[[str, object], None]
) -> None:
    with OwnerProgram(server.env) as owner, open_page(server, Chromium) as page:
        page.call("keep", device_id(page, "mic"))
        programs.await_that(lambda: page.call("heard")["samples"] > RATE, "the page hears it")
        ENDS[end](owner, pulse)
        before = page.call("heard")["samples"]
        programs.await_that(lambda: page.call("heard")["samples"] > before + RATE, "a second has passed")
        heard = page.call("heard")
    record_property("foreign frames", heard["sounding"])
    assert heard["sounding"] <= RATE / 20, heard
