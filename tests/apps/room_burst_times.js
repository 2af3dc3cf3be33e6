// On a room's page: begins to note when each burst of its one speaker is heard, which is looked at each 4 ms;
// resolves once there is sound.
async () => {
  const { hear } = await import("/page/calls.js");
  const { Voice } = await import("/page/sound.js");
  const channel = new WebSocket(`ws://${location.host}/room`);
  const listener = await new Promise((resolve) => {
    channel.onmessage = ({ data }) => JSON.parse(data).event === "welcome" && resolve(JSON.parse(data).id);
  });
  const speaker = await new Promise((resolve) => {
    channel.onmessage = ({ data }) => {
      const { participants = [] } = JSON.parse(data);
      const found = participants.find(({ speaks }) => speaks);
      if (found) resolve(found.id);
    };
  });
  const call = await hear(listener, speaker);
  const { analyser } = new Voice(call.stream);
  analyser.fftSize = 256;
  const samples = new Float32Array(analyser.fftSize);
  window.bursts = [];
  let [began, last] = [null, 0];
  setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const now = Date.now();
    if (samples.some((sample) => Math.abs(sample) > 1e-3)) {
      began ??= now;
      last = now;
    } else if (began !== null && now - last > 200) {
      window.bursts.push(began);
      began = null;
    }
  }, 4);
  const hasSome = ({ type, packetsReceived }) => type === "inbound-rtp" && packetsReceived > 0;
  while (![...(await call.connection.getStats()).values()].some(hasSome)) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
