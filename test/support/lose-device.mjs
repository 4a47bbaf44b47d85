// Preloaded into a run: its first GPU device is destroyed after so many submits, as a driver would that resets, or it fails for want of memory.
import { globals } from 'webgpu';

const [after, how] = (process.env['NNC_LOSE'] ?? '').split(':');
const { GPUAdapter, GPUQueue } = globals;
const request = GPUAdapter.prototype.requestDevice;
const devices = [];
GPUAdapter.prototype.requestDevice = async function (...given) {
  const device = await request.apply(this, given);
  devices.push(device);
  return device;
};
const submit = GPUQueue.prototype.submit;
let submits = 0;
GPUQueue.prototype.submit = function (...given) {
  const done = submit.apply(this, given);
  if (++submits === Number(after)) {
    const device = devices.find((d) => d.queue === this) ?? devices.at(-1);
    if (how === 'destroyed') device.destroy();
    else
      device.dispatchEvent(
        new globals.GPUUncapturedErrorEvent('uncapturederror', { error: new globals.GPUOutOfMemoryError('no room for a buffer') }),
      );
  }
  return done;
};
