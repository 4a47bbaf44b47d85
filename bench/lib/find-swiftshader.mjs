/** Prints where the software Vulkan driver is that nnc brings, unpacking it first. Run with tsx. */
import { findAdapter, releaseGpu } from '../../src/node/gpu.ts';

const { found, attempts } = await findAdapter({ system: false });
if (!found) throw new Error(`SwiftShader does not start: ${attempts.map((a) => a.outcome).join('; ')}`);
console.log(process.env.VK_DRIVER_FILES);
releaseGpu();
process.exit(0);
