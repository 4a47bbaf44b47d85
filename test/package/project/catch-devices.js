// Remembers the devices that WebGPU gave, so that the test can take them away.
globalThis.devices = [];
if (globalThis.GPUAdapter) {
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (wanted) {
    const device = await requestDevice.call(this, wanted);
    globalThis.devices.push(device);
    return device;
  };
}
globalThis.addEventListener('message', (event) => {
  if (event.data === 'lose') globalThis.devices.at(-1)?.destroy();
});
