import { check, compile } from '../../compile.ts';
import { RunningModel } from '../../runtime/model.ts';
import { openSession } from '../device.ts';
import { findAdapter, type Attempt } from '../../node/gpu.ts';
import { print } from '../terminal.ts';
import { version } from '../package.ts';

const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupStorageSize',
] as const;

/** y = 2x + 1 from eight points: the answer is known, so a device that computes wrong results is noticed. */
const SELF_TEST = 'layer Linear(1, 1); loss mse; optim sgd lr=0.1; train steps=300 seed=1';

export async function doctor(): Promise<void> {
  print(`nnc ${version()}, Node ${process.version}, ${process.platform} ${process.arch}`);
  const { found, attempts } = await findAdapter();
  for (const a of attempts) print(`${a.what}: ${a.outcome}`);
  if (found) {
    const { adapter } = found;
    print(
      `adapter: ${adapter.info.description || adapter.info.device} by ${adapter.info.vendor || 'unknown'}${found.software ? ' (software)' : ''}`,
    );
    print(`features: ${[...adapter.features].sort().join(', ')}`);
    for (const l of LIMITS) print(`${l}: ${adapter.limits[l].toLocaleString('en-US')}`);
  }
  let healthy = true;
  for (const choice of found ? (['gpu', 'cpu'] as const) : (['cpu'] as const)) {
    const error = await selfTest(choice);
    print(`self-test on ${choice}: ${error < 1e-3 ? 'passed' : `FAILED, off by ${error}`}`);
    healthy &&= error < 1e-3;
  }
  if (!healthy) process.exitCode = 3;
  print(`next: ${healthy ? nextStep(found, attempts) : 'nnc train FILE --device cpu, and report the device above'}`);
}

/** What to do about what was found. */
export function nextStep(found: { readonly software: boolean } | undefined, attempts: readonly Attempt[]): string {
  if (found && !found.software) return 'nnc train examples/house.nn';
  if (found) return 'nothing is missing; a GPU with its Vulkan driver would be faster than this software one';
  const until = 'nnc trains on the CPU until then';
  const [dawn] = attempts.filter((a) => a.what.includes('npm package webgpu'));
  if (!dawn) return `install a Vulkan driver, or npm install @sparticuz/chromium for a software one; ${until}`;
  if (/Cannot find (package|module)/.test(dawn.outcome)) return `npm install webgpu, the package with Dawn; ${until}`;
  const [, cpp, version] = /GLIBC(XX)?_([\d.]+)/.exec(dawn.outcome) ?? [];
  if (version !== undefined)
    return `a system with ${cpp ? 'libstdc++ of GLIBCXX' : 'glibc'} ${version} or newer, which Dawn's binary needs; ${until}`;
  const library = /(\S+\.so\S*): cannot open shared object/.exec(dawn.outcome)?.[1];
  if (library !== undefined) return `install the system library ${library}, which Dawn's binary needs; ${until}`;
  return `Dawn's binary does not load here, for the reason above; ${until}`;
}

/** The error of the trained line at x = 3, against y = 2x + 1. */
async function selfTest(choice: 'gpu' | 'cpu'): Promise<number> {
  const source = { name: 'self-test', text: SELF_TEST };
  const { model } = check(source);
  if (!model) throw new Error('the self-test does not compile');
  const x = Float32Array.from({ length: 8 }, (_, i) => i / 4 - 1);
  const { plan } = compile(model, { rows: x.length });
  const session = await openSession(plan, choice);
  try {
    const running = await RunningModel.open(session);
    running.setData(
      x,
      x.map((v) => 2 * v + 1),
    );
    await running.train();
    return Math.abs(((await running.predict([3])).data[0] ?? NaN) - 7);
  } finally {
    session.destroy();
  }
}
