import { isRecord, mustBe, mustBeOptions } from '../base/calls.ts';
import { fail } from '../base/errors.ts';
import { hint } from '../base/suggest.ts';
import type { PlanOptions } from './program.ts';

/** Every option, with the values that it may have if those are few. JavaScript would take any other name, and do nothing with it. */
const OPTIONS: Readonly<Record<keyof PlanOptions, readonly unknown[] | undefined>> = {
  data: undefined,
  rows: undefined,
  capacity: undefined,
  predictions: undefined,
  generate: [true, false],
  watch: undefined,
  devices: ['all', 'gpu', 'cpu'],
  adapter: undefined,
  level: [0, 1],
  batch: undefined,
  steps: undefined,
  epochs: undefined,
  seed: undefined,
  maxMemory: undefined,
  resident: undefined,
  observe: undefined,
};

const NAMES = Object.keys(OPTIONS).filter((name) => name !== 'observe');

/** Throws unless all options exist and have values that they may have. */
export function checkOptions(options: PlanOptions): void {
  mustBeOptions('program.plan', options);
  const { adapter, watch, data } = options as Readonly<Record<string, unknown>>;
  mustBe(adapter === undefined || isRecord(adapter), "'adapter' is what adapterHere gives", adapter);
  mustBe(data === undefined || isRecord(data), "'data' is what readData gives, or arrays by name", data);
  const names = Array.isArray(watch) && watch.every((name) => typeof name === 'string');
  mustBe(watch === undefined || names, "'watch' is a list of names", watch);
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(OPTIONS, name)) fail('NN501', `a plan has no option '${name}'`, { help: hint(name, NAMES, 'it has') });
    const allowed = OPTIONS[name as keyof PlanOptions];
    if (value !== undefined && allowed && !allowed.includes(value))
      fail('NN501', `'${name}' is ${allowed.join(' or ')}, and this is ${String(value)}`);
  }
  for (const name of ['maxMemory', 'resident'] as const) {
    const bytes: unknown = options[name];
    if (bytes !== undefined && !(typeof bytes === 'number' && bytes >= 0))
      fail('NN501', `'${name}' is a number of bytes, and not ${String(bytes)}`);
  }
}
